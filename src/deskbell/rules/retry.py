"""From outcome to decision: done, again at a time, never again, or disable the webhook."""

from collections.abc import Sequence

from deskbell.model.delivery import Decision, DecisionKind
from deskbell.model.exchange import Outcome, OutcomeClass
from deskbell.model.instant import Instant, plus
from deskbell.rules.limits import Limits

_SIMPLE = {
    OutcomeClass.DELIVERED: DecisionKind.DELIVERED,
    OutcomeClass.ACCEPTED: DecisionKind.ACCEPTED,
    OutcomeClass.REFUSED: DecisionKind.EXHAUSTED,
    OutcomeClass.GONE: DecisionKind.DISABLE,
    OutcomeClass.MISCONFIGURED: DecisionKind.DISABLE,
}


def decide(
    outcome: Outcome, *, step: int, schedule: Sequence[int], now: Instant, fraction: float, limits: Limits
) -> Decision:
    """What follows from the outcome of an automatic attempt.

    `step` counts the automatic attempts before this one; `fraction` is chance in 0..1 for the jitter.
    """
    simple = _SIMPLE.get(outcome.kind)
    if simple is not None:
        return Decision(kind=simple)
    if outcome.name == "quarantined" or step >= len(schedule):
        return Decision(kind=DecisionKind.EXHAUSTED)
    delay_s = delay(step, schedule, fraction, limits)
    if outcome.wait_s is not None:
        delay_s = max(delay_s, min(outcome.wait_s, limits.retry_after_s_max))
    return Decision(kind=DecisionKind.RETRY, at=plus(now, delay_s))


def delay(step: int, schedule: Sequence[int], fraction: float, limits: Limits) -> float:
    """Seconds to wait after automatic attempt `step` (0 is the first): the step and its jitter, never less."""
    base = schedule[step]
    return base + min(base * limits.jitter_share * fraction, limits.jitter_s_max)


def delays(schedule: Sequence[int]) -> tuple[int, ...]:
    """Seconds from the first attempt to each attempt, without jitter: 0, 5, 35 …"""
    total, found = 0, [0]
    for wait_s in schedule:
        total += wait_s
        found.append(total)
    return tuple(found)


def webhook_waits_until(outcome: Outcome, decision: Decision, now: Instant, limits: Limits) -> Instant | None:
    """Until when the whole webhook is left in peace after this outcome; None: it is not.

    As long as the receiver asked, and at least the delivery's own wait; but late in its schedule that is a day, which
    the others need not share.
    """
    if outcome.kind is not OutcomeClass.THROTTLED:
        return None
    waits = [] if decision.at is None else [min(decision.at, plus(now, limits.throttle_s_max))]
    if outcome.wait_s:
        waits.append(plus(now, min(outcome.wait_s, limits.retry_after_s_max)))
    return max(waits, default=None)
