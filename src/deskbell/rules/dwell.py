"""Dwell rules: what is armed and dropped when a subject changes its state, and what follows when a timer fires.

A rule's timer stays while its subject stays in the state: once it has told all, it is kept as spent, due never. So
whether a subject was dealt with is always to be seen, and arming again is harmless.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from deskbell.model.changes import ArmTimer, DropTimers
from deskbell.model.instant import TICKS_PER_MS, TICKS_PER_SECOND, Instant
from deskbell.model.timer import NEVER, DwellRule, Timer
from deskbell.rules.hours import Hours, after, counted, read_hours


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A subject's time in one state."""

    kind: str  # chat, ticket
    id: str
    status: str  # of a chat its name, of a ticket the id of its status
    since: Instant
    epoch: int  # the subject's version when it came into the state

    @property
    def subject(self) -> str:
        """How timers name it."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, kw_only=True)
class Fired:
    """What follows when a timer fires."""

    tells: bool  # whether an event is made
    late_by_s: float = 0.0  # with 3 decimals
    next: Timer | None = None  # to be armed in its place; None: it is dropped


def waits_for(rule: DwellRule, stay: Stay) -> bool:
    """Whether the rule is about this state."""
    return rule.enabled and (rule.subject, rule.status) == (stay.kind, stay.status)


def changes_of(
    rules: Iterable[DwellRule], before: Stay | None, now_in: Stay | None, now: Instant
) -> tuple[ArmTimer | DropTimers, ...]:
    """What is armed and dropped when a subject leaves one state and enters another; None: it is not there.

    Dropped are timers of every rule about the old state, enabled or not: a rule may have changed just now.
    """
    rules = tuple(rules)
    dropped = [
        DropTimers(site=rule.site, subject=before.subject, rule=rule.id)
        for rule in rules
        if before is not None and (rule.subject, rule.status) == (before.kind, before.status)
    ]
    armed = [ArmTimer(timer=timer_of(rule, now_in, now)) for rule in rules if now_in and waits_for(rule, now_in)]
    return (*dropped, *armed)


def timer_of(rule: DwellRule, stay: Stay, now: Instant) -> Timer:
    """The timer of a subject in the rule's state. What is too long already is due now: a rule is not late for it."""
    due_at = after(stay.since, rule.longer_than_s * TICKS_PER_SECOND, hours_of(rule))
    return Timer(
        site=rule.site,
        rule=rule.id,
        subject=stay.subject,
        epoch=stay.epoch,
        due_at=Instant(max(due_at, now)),
        since=stay.since,
    )


def corrected(rule: DwellRule, stay: Stay, armed: Timer | None, now: Instant) -> Timer | None:
    """The timer to arm for a subject that is in the rule's state already; None: the one that is armed is right.

    One that has told is right: it was dealt with. One that has not may be of the rule as it was before a change.
    """
    right = timer_of(rule, stay, now)
    if armed is None or armed.epoch < right.epoch:
        return right
    is_right = armed.fired > 0 or armed.due_at == right.due_at or max(armed.due_at, right.due_at) <= now
    return None if is_right or armed.epoch > right.epoch else right


def fired(rule: DwellRule | None, timer: Timer, stay: Stay | None, now: Instant) -> Fired:
    """What follows when the timer is due: the rule may be gone, the subject elsewhere; the event may be repeated.

    Repetitions that were slept through are passed over, so that whatever was overdue is told once.
    """
    if rule is None or stay is None or stay.epoch != timer.epoch or not waits_for(rule, stay):
        return Fired(tells=False)
    right = timer_of(rule, stay, now)
    if timer.fired == 0 and right.due_at > now:  # armed by the rule as it was before a change
        return Fired(tells=False, next=right)
    late = max(0, now - timer.due_at) // TICKS_PER_MS / 1000
    spent = replace(timer, fired=timer.fired + 1, due_at=NEVER)
    if rule.repeat_every_s is None or timer.fired >= rule.repeat_max:
        return Fired(tells=True, late_by_s=late, next=spent)
    again_at = next_due(timer.due_at, rule.repeat_every_s, now, hours_of(rule))
    return Fired(tells=True, late_by_s=late, next=replace(spent, due_at=again_at))


def next_due(due_at: Instant, every_s: int, now: Instant, hours: Hours | None) -> Instant:
    """The first of the repetitions counted from `due_at` that is still to come."""
    every = every_s * TICKS_PER_SECOND
    return after(due_at, (counted(due_at, now, hours) // every + 1) * every, hours)


def hours_of(rule: DwellRule) -> Hours | None:
    """The hours that count for the rule; None: all."""
    return None if rule.business_hours is None else read_hours(rule.business_hours)
