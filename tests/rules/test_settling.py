"""What a delivery and its webhook's health become, for every trigger and decision."""

from dataclasses import replace

import pytest

from deskbell.model.delivery import Decision, DecisionKind, Delivery, DeliveryState, Trigger
from deskbell.model.exchange import Outcome, OutcomeClass
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.instant import from_seconds, plus
from deskbell.rules.settling import settled, starts_as

NOW = from_seconds(1_600_000_000)
DUE = plus(NOW, -1)
LATER = plus(NOW, 30)
WAITING = Delivery(
    site=SiteId("dd"),
    id=DeliveryId("dlv_1"),
    webhook_id=WebhookId("whk_1"),
    webhook_version=1,
    shard=0,
    event_ids=(EventId("evt_1"),),
    event_types=("custom.n",),
    created_at=DUE,
    due_at=DUE,
)
OK = Outcome(kind=OutcomeClass.DELIVERED, name="http_200", status=200)
BAD = Outcome(kind=OutcomeClass.FAILED, name="http_500", status=500)


def after(before, kind, trigger=Trigger.AUTOMATIC, outcome=BAD, at=None, payload=None):
    """The delivery after an attempt with this decision."""
    return settled(
        before,
        outcome=outcome,
        decision=Decision(kind=kind, at=at),
        trigger=trigger,
        now=NOW,
        payload=payload,
        payload_bytes=7,
    )


@pytest.mark.parametrize(
    ("kind", "at", "state", "due_at", "ended_at"),
    [
        (DecisionKind.DELIVERED, None, DeliveryState.DELIVERED, DUE, NOW),
        (DecisionKind.ACCEPTED, None, DeliveryState.ACCEPTED, DUE, NOW),
        (DecisionKind.RETRY, LATER, DeliveryState.WAITING, LATER, None),
        (DecisionKind.EXHAUSTED, None, DeliveryState.EXHAUSTED, DUE, NOW),
        (DecisionKind.DISABLE, None, DeliveryState.WAITING, NOW, None),
    ],
)
def test_automatic_attempt(kind, at, state, due_at, ended_at):
    """An automatic attempt uses a step and moves the delivery as decided."""
    found = after(WAITING, kind, at=at)
    assert (found.state, found.due_at, found.ended_at) == (state, due_at, ended_at)
    assert (found.attempts, found.step, found.last_outcome, found.payload_bytes) == (1, 1, "http_500", 7)


@pytest.mark.parametrize("state", [state for state in DeliveryState if state is not DeliveryState.GATHERING])
def test_manual_failure_leaves_state_and_schedule(state):
    """Sent by hand and failed: only the count of attempts goes up."""
    before = replace(WAITING, state=state, step=3, attempts=3, due_at=LATER, ended_at=DUE)
    found = after(before, DecisionKind.EXHAUSTED, Trigger.MANUAL)
    assert (found.state, found.due_at, found.ended_at, found.step) == (state, LATER, DUE, 3)
    assert found.attempts == 4


def test_manual_failure_does_not_blame_a_delivered_one():
    """A delivered delivery that was sent again in vain still shows its success."""
    before = replace(WAITING, state=DeliveryState.DELIVERED, last_outcome="http_200", last_status=200)
    found = after(before, DecisionKind.EXHAUSTED, Trigger.MANUAL)
    assert (found.last_outcome, found.last_status) == ("http_200", 200)


@pytest.mark.parametrize("state", [DeliveryState.WAITING, DeliveryState.EXHAUSTED, DeliveryState.CANCELLED])
def test_manual_success_ends_it(state):
    """Sent by hand with success: delivered, and no scheduled retry is left."""
    found = after(replace(WAITING, state=state), DecisionKind.DELIVERED, Trigger.MANUAL, OK)
    assert (found.state, found.ended_at, found.step) == (DeliveryState.DELIVERED, NOW, 0)


@pytest.mark.parametrize("kind", [DecisionKind.RETRY, DecisionKind.DISABLE, DecisionKind.EXHAUSTED])
def test_failed_test_is_exhausted(kind):
    """A test has one attempt."""
    assert after(WAITING, kind, Trigger.TEST, at=LATER).state is DeliveryState.EXHAUSTED


@pytest.mark.parametrize("state", [DeliveryState.WAITING, DeliveryState.EXHAUSTED])
def test_replayed_attempts_use_the_schedule(state):
    """A replay begins a schedule anew: its attempts count steps and end the delivery."""
    before = replace(WAITING, state=state, replay_id="rpl_1", attempts=12)
    again = after(before, DecisionKind.RETRY, Trigger.REPLAY, at=LATER)
    assert (again.state, again.due_at, again.step, again.attempts) == (DeliveryState.WAITING, LATER, 1, 13)
    assert after(again, DecisionKind.EXHAUSTED, Trigger.REPLAY).state is DeliveryState.EXHAUSTED


def test_the_first_attempt_of_a_copy_begins_its_schedule():
    """Sent again with today's settings by a person, in vain: the copy retries like any new delivery."""
    copy = replace(WAITING, copy_of=DeliveryId("dlv_0"))
    first = after(copy, DecisionKind.RETRY, Trigger.MANUAL, at=LATER)
    assert (first.state, first.due_at, first.step) == (DeliveryState.WAITING, LATER, 1)
    second = after(first, DecisionKind.RETRY, Trigger.MANUAL, at=plus(LATER, 60))
    assert (second.due_at, second.step) == (LATER, 1)


@pytest.mark.parametrize(
    ("members", "trigger"),
    [({}, Trigger.AUTOMATIC), ({"replay_id": "rpl_1"}, Trigger.REPLAY), ({"test": True}, Trigger.TEST)],
)
def test_what_starts_an_attempt_by_itself(members, trigger):
    """A delivery read from the database knows what started it."""
    assert starts_as(replace(WAITING, **members)) is trigger


def test_payload_is_kept_when_given():
    """Bytes that cannot be joined from snapshots are stored with the first settle and stay."""
    once = after(WAITING, DecisionKind.RETRY, at=LATER, payload=b"bytes")
    assert once.payload == b"bytes"
    assert after(once, DecisionKind.DELIVERED).payload == b"bytes"


def test_internal_faults_are_counted():
    """Errors of ours count on the delivery."""
    internal = Outcome(kind=OutcomeClass.INTERNAL, name="internal")
    assert after(WAITING, DecisionKind.RETRY, outcome=internal, at=LATER).internal_faults == 1
