"""Values survive the way to a row and back, packed or plain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.made import attempt, delivery, event
from deskbell.model.errors import Quarantined
from deskbell.storage.packing import packed, summed, unpacked, unsummed
from deskbell.storage.rows import event_of, event_row
from deskbell.storage.rows_attempt import attempt_of, attempt_row


@pytest.mark.parametrize("has_time", [True, False])
@pytest.mark.parametrize("plain", [b"", b"{}", b"\x01odd", b"\x01" * 900, b'{"a":"b"}' * 300, bytes(range(256)) * 2])
def test_packing_is_undone(plain: bytes, has_time: bool) -> None:
    """Any bytes come back, even those that begin like packed ones; nothing grows much."""
    stored = packed(plain, has_time=has_time)
    assert unpacked(stored) == plain
    assert len(stored) <= len(plain) + 12


def test_packing_saves_room_only_when_there_is_time() -> None:
    """Long JSON is stored in less than half its size, or as it is."""
    plain = b'{"name":"Printer","status":"created"}' * 40
    assert len(packed(plain)) < len(plain) / 2
    assert packed(plain, has_time=False) is plain


@pytest.mark.parametrize("has_time", [True, False])
def test_rows_are_read_either_way(has_time: bool) -> None:
    """An event and an attempt come back equal from packed and from plain rows."""
    one = event(snapshot=b'{"a":"b"}' * 200)
    two = attempt(delivery(), response_body=b"not found " * 200)
    assert event_of(event_row(one, has_time=has_time)) == one
    assert attempt_of(attempt_row(two, has_time=has_time)) == two


@given(st.binary(max_size=60), st.integers(0), st.integers(0, 7))
def test_one_changed_bit_of_a_summed_value_is_found(plain: bytes, place: int, bit: int) -> None:
    """In the value, in its sum, in its mark, or in a name that goes with it."""
    stored = summed(plain, "dd", 7)
    assert unsummed(stored, "dd", 7) == plain
    with pytest.raises(Quarantined):
        unsummed(stored, "dd", 8)
    damaged = bytearray(stored)
    damaged[place % len(damaged)] ^= 1 << bit
    with pytest.raises(Quarantined):
        unsummed(bytes(damaged), "dd", 7)


def test_values_from_before_sums_are_read() -> None:
    """Plain and packed ones, and what was erased."""
    for plain in (b'{"a":1}', b"", b"[]", packed(b"x" * 999)):
        assert unsummed(plain, "dd", 7) == plain
