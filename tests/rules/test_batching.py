"""Batching: what fits, when it falls due, and that joining is adding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.model.changes import Join
from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.event import Subject
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.webhook import Batch, Format
from deskbell.rules.batching import both, common_subject, falls_due, gathers, is_full, joined, payload_bytes, takes

CHAT = Subject(type="chat", id="c1", title="Printer")
SAME = Subject(type="chat", id="c1", title="Printer, renamed")
OTHER = Subject(type="ticket", id="c1")


@pytest.mark.parametrize(
    ("events", "size_bytes", "fits"),
    [
        (1, 10_000, True),  # alone it always goes: the attempt says that it is too large
        (2, 1_000, True),
        (2, 1_001, False),
        (3, 1_000, True),
        (4, 10, False),
    ],
)
def test_what_a_delivery_takes(events, size_bytes, fits):
    """At most so many events and bytes, but one event always."""
    assert takes(events, size_bytes, Batch(events_max=3), 1_000) is fits


def test_words_of_a_batch():
    """One event is no batch; full is full; due after the wait of the oldest."""
    assert [gathers(Batch(events_max=n)) for n in (1, 2)] == [False, True]
    assert [is_full(n, Batch(events_max=3)) for n in (1, 2, 3)] == [False, False, True]
    assert falls_due(Instant(5), Batch(events_max=2, wait_ms=1_500)) == 15_000_005


@pytest.mark.parametrize(
    ("subjects", "common"),
    [
        ([CHAT], CHAT), ([CHAT, SAME], CHAT), ([CHAT, OTHER], None), ([CHAT, None], None), ([None, CHAT], None),
        ([None, None], None),
    ],
)  # fmt: skip
def test_common_subject(subjects, common):
    """What all are about, with the title of the first."""
    assert common_subject(subjects) == common


@given(st.lists(st.binary(min_size=2, max_size=50), min_size=1, max_size=20))
def test_size_of_a_list_is_never_underestimated(snapshots):
    """A desk payload is the snapshots, commas and brackets."""
    body = b"[" + b",".join(snapshots) + b"]"
    assert len(body) <= payload_bytes(sum(map(len, snapshots)), len(snapshots), Format.DESK) <= len(body) + 1


sizes = st.lists(st.integers(1, 400), min_size=1, max_size=60)
batches = st.builds(Batch, events_max=st.integers(2, 8), wait_ms=st.just(0))


@given(sizes, batches, st.integers(100, 2_000))
def test_batches_sum_up_to_the_events_within_limits(events, batch, bytes_max):
    """Put one after the other into the newest batch that takes them: none is lost, none twice, no limit is passed."""
    made: list[list[int]] = []
    for size in events:
        wanted = [*made[-1], size] if made else [size]
        if made and takes(len(wanted), payload_bytes(sum(wanted), len(wanted), Format.DESK), batch, bytes_max):
            made[-1] = wanted
        else:
            made.append([size])
    assert [one for batch_ in made for one in batch_] == events
    for one in made:
        assert len(one) <= batch.events_max
        assert len(one) == 1 or payload_bytes(sum(one), len(one), Format.DESK) <= bytes_max


subjects = st.sampled_from([None, CHAT, SAME, OTHER])
parts = st.builds(
    Join,
    site=st.just(SiteId("dd")),
    delivery_id=st.just(DeliveryId("dlv_1")),
    event_ids=st.integers(0, 999).map(lambda n: (EventId(f"evt_{n}"),)),
    event_types=st.sampled_from([("custom.a",), ("custom.b",), ("custom.a", "custom.c")]),
    subject=subjects,
    hop=st.integers(0, 5),
    due_at=st.integers(0, 99).map(Instant),
)


@given(subjects, st.lists(parts, min_size=1, max_size=8))
def test_joining_one_by_one_or_at_once_is_the_same(subject, joins):
    """Joins add up, however they are grouped."""
    row = Delivery(
        site=SiteId("dd"),
        id=DeliveryId("dlv_1"),
        webhook_id=WebhookId("whk_1"),
        webhook_version=1,
        shard=0,
        event_ids=(EventId("evt_first"),),
        event_types=("custom.b",),
        created_at=Instant(0),
        due_at=Instant(50),
        state=DeliveryState.GATHERING,
        subject=subject,
    )
    one_by_one, together = row, joins[0]
    for join in joins:
        one_by_one = joined(one_by_one, join)
    for join in joins[1:]:
        together = both(together, join)
    at_once = joined(row, together)
    assert one_by_one == at_once
    assert at_once.event_ids == ("evt_first", *(one for join in joins for one in join.event_ids))
    assert len(set(at_once.event_types)) == len(at_once.event_types)
    assert at_once.hop == max(join.hop for join in joins)
    assert at_once.due_at == min(50, *(join.due_at for join in joins))
