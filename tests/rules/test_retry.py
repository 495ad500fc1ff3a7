"""From outcome to decision: every class, the schedule, its jitter, and what a receiver may ask for."""

import pytest

from deskbell.model.delivery import DecisionKind
from deskbell.model.exchange import Outcome, OutcomeClass
from deskbell.model.instant import from_seconds, plus
from deskbell.rules.limits import RETRY_SCHEDULE_S, Limits
from deskbell.rules.retry import decide, delay, delays, webhook_waits_until

NOW = from_seconds(1_600_000_000)
LIMITS = Limits()


def decision(kind, *, step=0, name="x", wait_s=None, schedule=RETRY_SCHEDULE_S, fraction=0.0):
    """The decision for an outcome of this class."""
    outcome = Outcome(kind=kind, name=name, wait_s=wait_s)
    return decide(outcome, step=step, schedule=schedule, now=NOW, fraction=fraction, limits=LIMITS)


@pytest.mark.parametrize(
    ("kind", "want"),
    [
        (OutcomeClass.DELIVERED, DecisionKind.DELIVERED),
        (OutcomeClass.ACCEPTED, DecisionKind.ACCEPTED),
        (OutcomeClass.THROTTLED, DecisionKind.RETRY),
        (OutcomeClass.FAILED, DecisionKind.RETRY),
        (OutcomeClass.BLOCKED, DecisionKind.RETRY),
        (OutcomeClass.REFUSED, DecisionKind.EXHAUSTED),
        (OutcomeClass.GONE, DecisionKind.DISABLE),
        (OutcomeClass.MISCONFIGURED, DecisionKind.DISABLE),
        (OutcomeClass.INTERNAL, DecisionKind.RETRY),
    ],
)
def test_class_to_decision(kind, want):
    """Each outcome class has one decision."""
    assert decision(kind).kind is want


def test_quarantined_ends_at_once():
    """The last fault of ours that is allowed ends the delivery, whatever steps are left."""
    assert decision(OutcomeClass.INTERNAL, name="quarantined").kind is DecisionKind.EXHAUSTED


@pytest.mark.parametrize("step", range(len(RETRY_SCHEDULE_S)))
def test_each_step_waits_its_time(step):
    """Step n of the schedule follows automatic attempt n + 1."""
    assert decision(OutcomeClass.FAILED, step=step).at == plus(NOW, RETRY_SCHEDULE_S[step])


@pytest.mark.parametrize("kind", [OutcomeClass.FAILED, OutcomeClass.THROTTLED, OutcomeClass.BLOCKED])
def test_after_the_last_step_it_is_exhausted(kind):
    """Twelve attempts, then the end; a request to wait is no way around it."""
    assert decision(kind, step=len(RETRY_SCHEDULE_S), wait_s=5.0).kind is DecisionKind.EXHAUSTED


def test_default_schedule_takes_three_days():
    """Twelve attempts within 70.7 hours."""
    found = delays(RETRY_SCHEDULE_S)
    assert len(found) == 12
    assert found[:4] == (0, 5, 35, 155)
    assert round(found[-1] / 3600, 1) == 70.7


@pytest.mark.parametrize(
    ("base_s", "fraction", "want_s"),
    [(100, 0.0, 100), (100, 0.5, 110), (100, 1.0, 120), (86_400, 1.0, 86_400 + 900), (0, 1.0, 0)],
)
def test_jitter_only_adds(base_s, fraction, want_s):
    """Jitter adds up to 20 % of the delay, at most 15 minutes, and never takes away."""
    assert delay(0, [base_s], fraction, LIMITS) == want_s


@pytest.mark.parametrize(("asked_s", "want_s"), [(1, 5), (120, 120), (10_000_000, 86_400), (None, 5)])
def test_longer_of_schedule_and_wish(asked_s, want_s):
    """A throttled delivery waits for the longer of the two, and never beyond a day for a wish."""
    assert decision(OutcomeClass.THROTTLED, wait_s=asked_s).at == plus(NOW, want_s)


def test_whole_webhook_waits_only_when_throttled():
    """Only a request to wait holds the other deliveries of the webhook."""
    throttled = Outcome(kind=OutcomeClass.THROTTLED, name="http_429", wait_s=60.0)
    failed = Outcome(kind=OutcomeClass.FAILED, name="http_500")
    retry = decision(OutcomeClass.THROTTLED, wait_s=60.0)
    ended = decision(OutcomeClass.THROTTLED, wait_s=60.0, schedule=())
    assert webhook_waits_until(throttled, retry, NOW, LIMITS) == plus(NOW, 60)
    assert webhook_waits_until(throttled, ended, NOW, LIMITS) == plus(NOW, 60)
    assert webhook_waits_until(failed, decision(OutcomeClass.FAILED), NOW, LIMITS) is None


@pytest.mark.parametrize(
    ("step", "wait_s", "want_s"), [(0, None, 5), (3, None, 600), (10, None, 900), (10, 60.0, 900), (10, 7_200.0, 7_200)]
)
def test_others_do_not_wait_out_a_long_step(step, wait_s, want_s):
    """Late in its schedule a delivery waits a day; the others of the webhook wait for it a quarter of an hour."""
    throttled = Outcome(kind=OutcomeClass.THROTTLED, name="http_429", wait_s=wait_s)
    late = decision(OutcomeClass.THROTTLED, step=step, wait_s=wait_s)
    assert webhook_waits_until(throttled, late, NOW, LIMITS) == plus(NOW, want_s)
