"""A receiver that fails for days: two warnings, then its webhook is disabled; and a word when it is back."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from deskbell.model.exchange import Outcome, OutcomeClass
from deskbell.model.failing import Failing
from deskbell.model.ids import EventId
from deskbell.model.instant import TICKS_PER_SECOND, Instant, plus
from deskbell.rules.limits import Limits

_COUNTED = frozenset({OutcomeClass.FAILED, OutcomeClass.BLOCKED})
_LOOKUP_FAULTS = frozenset({"dns_error", "dns_timeout"})
_HOUR_S = 3_600


class Turn(StrEnum):
    """What is to be told about a webhook after an attempt; the values are event types."""

    FAILING = "webhook.failing"
    RECOVERED = "webhook.recovered"
    DISABLED = "webhook.disabled"


def counts(outcome: Outcome, *, lookups_work: bool) -> bool:
    """Whether this failure says that the receiver is not there. Ours, refused payloads and requests to wait do not.

    Nor do failed look-ups while no name at all can be looked up: then the name servers are at fault.
    """
    if outcome.name in _LOOKUP_FAULTS and not lookups_work:
        return False
    return outcome.kind in _COUNTED


def failed(failing: Failing, event_ids: Sequence[EventId], now: Instant, limits: Limits) -> Failing:
    """One more failure that counts, with the warnings that are due by now."""
    since = now if failing.since is None else Instant(min(failing.since, now))
    events = tuple(dict.fromkeys((*failing.events, *event_ids)))[: limits.failing_events_min]
    due = sum(_lasted_s(since, now) >= warn_s for warn_s in (limits.failing_warn_s, limits.failing_warn_again_s))
    return replace(failing, since=since, attempts=failing.attempts + 1, events=events, warned=max(failing.warned, due))


def turn(before: Failing, after: Failing, now: Instant, limits: Limits) -> Turn | None:
    """What an attempt turned, if anything."""
    if after is before:
        return None
    if after.since is None:
        return Turn.RECOVERED if before.warned else None
    enough = after.attempts >= limits.failing_attempts_min and len(after.events) >= limits.failing_events_min
    if enough and _lasted_s(after.since, now) >= limits.failing_disable_s:
        return Turn.DISABLED
    return Turn.FAILING if after.warned > before.warned else None


def shifted(failing: Failing, seconds: float) -> Failing:
    """The same after the wall clock was set: how long it lasts has not changed."""
    if failing.since is None:
        return failing
    return replace(failing, since=plus(failing.since, seconds))


def reason(turned: Turn, before: Failing, now: Instant, last_outcome: str | None) -> str:
    """One sentence part for people: why a webhook was warned of, or disabled; or that it is back."""
    lasted = how_long(before, now)
    if turned is Turn.RECOVERED:
        return f"a delivery arrived again after {lasted} without success"
    return f"no success for {lasted}, last outcome {last_outcome}"


def how_long(failing: Failing, now: Instant) -> str:
    """How long nothing has arrived: `24 h`, `72 h`, `5 days`."""
    return in_words(0 if failing.since is None else _lasted_s(failing.since, now))


def in_words(seconds: float) -> str:
    """Hours; less are minutes, from four days on they are days."""
    hours = int(seconds // _HOUR_S)
    if hours < 1:
        return f"{int(seconds // 60)} min"
    return f"{hours} h" if hours < 96 else f"{hours // 24} days"


class Lookups:
    """Whether names can be looked up at all: somebody's look-up worked not long ago."""

    def __init__(self, limits: Limits) -> None:
        self._trust_s = limits.lookups_trust_s
        self._worked_at: float | None = None

    def saw(self, outcome: Outcome, *, asked: bool, now: float) -> None:
        """An attempt has come back; `asked`: a name was looked up for it. That there is no such name is an answer."""
        if asked and outcome.name not in _LOOKUP_FAULTS:
            self._worked_at = now

    def work(self, now: float) -> bool:
        """Whether a look-up that fails is the fault of its name."""
        return self._worked_at is not None and now - self._worked_at <= self._trust_s


def _lasted_s(since: Instant, now: Instant) -> float:
    return (now - since) / TICKS_PER_SECOND
