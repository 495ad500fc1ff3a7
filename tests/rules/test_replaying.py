"""Which deliveries a replay covers, and what it does with each."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.event import Event, Subject, TraceEntry
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.instant import from_seconds, plus
from deskbell.model.people import SYSTEM
from deskbell.model.replay import Choice
from deskbell.rules.renewing import begun_anew
from deskbell.rules.replaying import STATES, Again, Anew, expanded, newest, of_deliveries, of_events

SITE, W1, W2 = SiteId("dd"), WebhookId("whk_1"), WebhookId("whk_2")
START = from_seconds(1_600_000_000)
CREATED = plus(START, 1_000)


def event(number, **members):
    """The event that was received so many seconds after the start."""
    at = plus(START, number)
    given = {"type": "chat.missed", "snapshot": b"{}", "occurred_at": at, "received_at": at, "by": SYSTEM}
    return Event(site=SITE, id=EventId(f"evt_{number:03}"), **{**given, **members})


def delivery(number, events, state="exhausted", **members):
    """A delivery of these events that has ended."""
    at = plus(START, number)
    given = {
        "webhook_id": W1,
        "webhook_version": 1,
        "shard": 0,
        "event_ids": tuple(one.id for one in events),
        "event_types": tuple(one.type for one in events),
        "created_at": at,
        "due_at": at,
        "ended_at": plus(at, 1),
        "state": DeliveryState(state),
    }
    return Delivery(site=SITE, id=DeliveryId(f"dlv_{number:03}"), **{**given, **members})


def choice(*states, **members):
    """What was chosen; of the first webhook, everything until the replay was made."""
    return Choice(**{"webhook_ids": (W1,), "states": states, "until": CREATED, **members})


def judged(chosen, events, rows):
    """What the two walks make of it, on one page each."""
    known = {one.id: one for one in events}
    speaking = newest(rows)
    first = of_deliveries(chosen, ended_by=CREATED, rows=rows, events=known, speaking=speaking)
    names = {W1: "Teams teams.example", W2: "Zapier"}
    return first + of_events(chosen, after="", events=events, speaking=speaking, names=names)


def short(items):
    """Items as ids."""
    return [
        one.what.delivery.id if isinstance(one.what, Again) else (one.what.webhook_id, *(e.id for e in one.what.events))
        for one in items
    ]


@pytest.mark.parametrize("state", ["delivered", "accepted", "exhausted", "cancelled"])
def test_a_delivery_in_a_chosen_state_begins_anew(state):
    """It keeps its id, and nothing but its state counts."""
    one = event(1)
    rows = [delivery(1, [one], state)]
    assert short(judged(choice(state), [one], rows)) == ["dlv_001"]
    others = [other for other in STATES if other != state]
    assert judged(choice(*others), [one], rows) == []


@pytest.mark.parametrize(
    ("why", "row"),
    [
        ("it still waits", {"state": DeliveryState.WAITING, "ended_at": None}),
        ("it gathers", {"state": DeliveryState.GATHERING, "ended_at": None}),
        ("it is a test", {"test": True}),
        ("it ended after the replay was made", {"ended_at": plus(CREATED, 1)}),
        ("it is another webhook's", {"webhook_id": W2}),
    ],
)
def test_deliveries_that_are_left_alone(why, row):
    """Some are not counted and not touched."""
    one = event(1)
    rows = [replace(delivery(1, [one]), **row)]
    assert judged(choice(*STATES), [one], rows) == [], why


@pytest.mark.parametrize(
    ("members", "taken"),
    [
        ({}, True),
        ({"since": plus(START, 5)}, True),
        ({"since": plus(START, 6)}, False),
        ({"until": plus(START, 6)}, True),
        ({"until": plus(START, 5)}, False),
        ({"event_types": ("chat.*",)}, True),
        ({"event_types": ("ticket.*", "chat.missed")}, True),
        ({"event_types": ("ticket.*", "chat.created")}, False),
        ({"event_types": ("*",)}, True),
    ],
)
def test_range_and_types_are_the_events(members, taken):
    """From is meant inclusive, to is not; types may be groups; both count for deliveries and for missed events."""
    one, off = event(5), event(5, trace=(TraceEntry(webhook_id=W1, reason="off"),))
    assert bool(judged(choice("exhausted", **members), [one], [delivery(9, [one])])) is taken
    assert bool(judged(choice("missed", **members), [off], [])) is taken


@pytest.mark.parametrize(
    ("reason", "state"),
    [("off", "missed"), ("disabled", "disabled"), ("filter: status == 'x'", "filtered"), ("fields", "filtered")],
)
def test_an_event_that_made_no_delivery_gets_one(reason, state):
    """The trace says why there was none; only the chosen reason counts."""
    one = event(1, trace=(TraceEntry(webhook_id=W2, reason="off"), TraceEntry(webhook_id=W1, reason=reason)))
    assert short(judged(choice(state), [one], [])) == [(W1, "evt_001")]
    assert judged(choice(*(other for other in STATES if other != state)), [one], []) == []


@pytest.mark.parametrize("reason", ["types", "loop", "matched", "paused"])
def test_what_the_webhook_does_not_want_is_never_sent(reason):
    """Nothing is made of other reasons; a matched one has its delivery, or had it."""
    one = event(1, trace=(TraceEntry(webhook_id=W1, reason=reason),))
    assert judged(choice(*STATES), [one], []) == []


def test_missed_once_sent_is_not_missed_any_more():
    """An event that an earlier replay brought is judged by that delivery."""
    one = event(1, trace=(TraceEntry(webhook_id=W1, reason="off"),))
    rows = [delivery(7, [one], "delivered")]
    assert judged(choice("missed"), [one], rows) == []
    assert short(judged(choice("missed", "delivered"), [one], rows)) == ["dlv_007"]


def test_a_test_delivery_speaks_for_nothing():
    """A test of the same event does not make it arrived."""
    one = event(1, trace=(TraceEntry(webhook_id=W1, reason="off"),))
    assert short(judged(choice("missed"), [one], [delivery(7, [one], "delivered", test=True)])) == [(W1, "evt_001")]


def test_the_newest_delivery_speaks_for_an_event():
    """Sent again with today's settings, and arrived: the old one is not exhausted any more."""
    one = event(1)
    rows = [delivery(1, [one]), delivery(2, [one], "delivered", copy_of="dlv_001")]
    assert judged(choice("exhausted"), [one], rows) == []
    assert short(judged(choice("exhausted", "delivered"), [one], rows)) == ["dlv_002"]


def test_a_batch_is_sent_again_as_it_was():
    """All its events, once, even when only one of them is meant."""
    first, second = event(1), event(2, type="ticket.created")
    rows = [delivery(3, [first, second])]
    assert short(judged(choice("exhausted", event_types=("ticket.*",)), [first, second], rows)) == ["dlv_003"]


def test_a_batch_of_which_a_part_was_sent_since():
    """The rest gets a delivery of its own: no event goes twice."""
    first, second = event(1), event(2)
    rows = [delivery(3, [first, second]), delivery(4, [second], "delivered")]
    assert short(judged(choice("exhausted", "delivered"), [first, second], rows)) == [(W1, "evt_001"), "dlv_004"]


@pytest.mark.parametrize("snapshot", [b"", None])
def test_erased_and_missing_events_are_never_sent(snapshot):
    """Content that was erased on request is gone, and so is what is past its retention."""
    one, other = event(1, trace=(TraceEntry(webhook_id=W1, reason="off"),)), event(2)
    kept = [other] if snapshot is None else [replace(one, snapshot=snapshot), other]
    assert judged(choice(*STATES), kept, [delivery(3, [one, other])]) == []


def test_samples_are_not_missed():
    """An event made to try something out is not sent later."""
    one = event(1, test=True, trace=(TraceEntry(webhook_id=W1, reason="off"),))
    assert judged(choice("missed"), [one], []) == []


@pytest.mark.parametrize(
    ("words", "taken"), [(("licence",), True), (("LICENCE", "teams"), True), (("licence", "zapier"), False)]
)
def test_words_in_events(words, taken):
    """All must occur in the subject, ids, type, or in the webhook's name."""
    subject = Subject(type="ticket", id="48213", title="Approve: design licence")
    one = event(1, subject=subject, trace=(TraceEntry(webhook_id=W1, reason="off"),))
    assert bool(judged(choice("missed", words=words), [one], [])) is taken


def test_an_event_of_several_webhooks_is_done_with_the_last():
    """A walk that stops between them comes by the event once more."""
    both = tuple(TraceEntry(webhook_id=one, reason="off") for one in (W1, W2))
    events = [event(1, trace=both), event(2, trace=both)]
    items = judged(choice("missed", webhook_ids=(W1, W2)), events, [])
    assert [one.done_to for one in items] == ["", "evt_001", "evt_001", "evt_002"]


def test_everything_is_what_the_webhook_wanted():
    """What a filter kept out is sent only when it is asked for."""
    assert expanded(["everything"]) == ("delivered", "accepted", "exhausted", "cancelled", "missed", "disabled")
    assert expanded(["missed", "exhausted"]) == ("exhausted", "missed")


def test_begun_anew():
    """Same id, events and version; the schedule from its start, the attempts still counted."""
    old = delivery(1, [event(1)], attempts=12, step=12, internal_faults=2, last_outcome="http_500")
    new = begun_anew(old, "rpl_1", CREATED)
    assert (new.state, new.step, new.due_at, new.ended_at, new.replay_id) == ("waiting", 0, CREATED, None, "rpl_1")
    assert (new.id, new.attempts, new.event_ids, new.internal_faults) == (old.id, 12, old.event_ids, 0)


EVENTS = [event(number) for number in range(1, 6)]
REASONS = ["off", "disabled", "filter: x", "types", "matched"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([W1, W2]),
            st.sets(st.integers(0, 4), min_size=1, max_size=3),
            st.sampled_from(list(DeliveryState)),
            st.booleans(),
        ),
        max_size=8,
    ),
    st.lists(st.tuples(st.sampled_from(REASONS), st.sampled_from(REASONS)), min_size=5, max_size=5),
    st.sets(st.sampled_from(STATES), min_size=1),
    st.integers(1, 4),
)
def test_each_event_at_most_once_per_webhook(made, reasons, states, page):
    """Whatever deliveries there are, overlapping ones too, and however the walks are cut into pages."""
    events = [
        replace(one, trace=(TraceEntry(webhook_id=W1, reason=why[0]), TraceEntry(webhook_id=W2, reason=why[1])))
        for one, why in zip(EVENTS, reasons, strict=True)
    ]
    rows = [
        delivery(
            number,
            [events[n] for n in sorted(chosen)],
            state,
            webhook_id=webhook,
            test=test,
            ended_at=None if state in ("waiting", "gathering") else plus(START, number),
        )
        for number, (webhook, chosen, state, test) in enumerate(made, 1)
    ]
    chosen = choice(*expanded(sorted(states)), webhook_ids=(W1, W2))
    speaking, known = newest(rows), {one.id: one for one in events}
    sent = []
    for at in range(0, len(rows), page):
        for item in of_deliveries(chosen, ended_by=CREATED, rows=rows[at : at + page], events=known, speaking=speaking):
            ids = item.what.delivery.event_ids if isinstance(item.what, Again) else [e.id for e in item.what.events]
            sent += [(item.what.webhook_id, one) for one in ids]
    for at in range(0, len(events), page):
        after = events[at - 1].id if at else ""
        for item in of_events(chosen, after=after, events=events[at : at + page], speaking=speaking, names={}):
            assert isinstance(item.what, Anew)
            sent += [(item.what.webhook_id, one.id) for one in item.what.events]
    assert len(sent) == len(set(sent))
    waiting = {
        (row.webhook_id, one) for row in rows if row.state in ("waiting", "gathering") and not row.test
        for one in row.event_ids if speaking[row.webhook_id, one] == row.id
    }  # fmt: skip
    assert waiting.isdisjoint(sent)
