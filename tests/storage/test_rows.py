"""Values survive the way to a row and back, packed or plain."""

import pytest

from contract.made import attempt, delivery, event
from deskbell.storage.packing import packed, unpacked
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
