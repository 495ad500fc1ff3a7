"""Rings on their way between processes: ids only, in payloads that PostgreSQL takes."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.doorbell.wire import PAYLOAD_BYTES_MAX, NotOurs, detail_of, outgoing, payloads, read_payload


@dataclass(frozen=True, kw_only=True)
class Row:
    """Any row: it has a site, an id, and things that do not travel."""

    site: str = "dd"
    id: str = "dlv_1"
    payload: bytes = b"secret"


def test_of_a_row_its_ids_travel_and_nothing_else() -> None:
    """Values stay in this process and in the database."""
    assert outgoing("delivery", Row()) == ("delivery", "dd", "dlv_1")


def test_ids_travel_as_they_are() -> None:
    """Who hears them is given what was rung."""
    ring = outgoing("due", ("dd", "whk_1", 17))
    assert ring == ("due", "dd", "whk_1", 17)
    assert detail_of(ring) == ("dd", "whk_1", 17)
    assert detail_of(outgoing("changed", ("dd", None)) or ()) == ("dd", None)
    assert detail_of(outgoing("shares", "node-1") or ()) == "node-1"


def test_what_concerns_this_process_alone_does_not_travel() -> None:
    """Stopping, and a broken database."""
    assert outgoing("stopping", None) is None
    assert outgoing("broken", "settle") is None


def test_a_payload_of_somebody_else_is_refused() -> None:
    """The channel is open to everybody who may connect to the database."""
    for text in ("", "hello", "{}", "[]", "[1]", '["node", "due"]', '["node", ["due"]]'):
        with pytest.raises(NotOurs):
            read_payload(text)


rings = st.lists(
    st.tuples(st.sampled_from(["due", "delivery"]), st.text(max_size=40), st.text(max_size=60), st.integers(0, 255)),
    max_size=400,
)


@given(rings, st.text(min_size=1, max_size=100))
def test_every_ring_arrives_in_order_and_every_payload_fits(sent: list[tuple[object, ...]], node: str) -> None:
    """However many there are."""
    heard: list[tuple[object, ...]] = []
    for payload in payloads(node, sent):
        assert len(payload.encode()) <= PAYLOAD_BYTES_MAX
        name, found = read_payload(payload)
        assert name == node
        heard += found
    assert heard == sent


def test_a_ring_that_fits_nowhere_is_left_out() -> None:
    """It is no list of ids; the others travel."""
    found = [read_payload(one)[1] for one in payloads("n", [("due", "x" * 9_000), ("due", "y")])]
    assert found == [[("due", "y")]]
