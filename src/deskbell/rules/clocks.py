"""A wall clock may be set: what waits goes by the monotonic clock, and stored times are brought into line."""

from collections.abc import Sequence
from dataclasses import dataclass

from deskbell.model.delivery import Delivery
from deskbell.model.instant import TICKS_PER_SECOND, Instant, plus
from deskbell.rules.limits import Limits

JUMP_S = 1.0
"""Less than this is a clock that is being adjusted, not one that was set."""
SPREAD_S = 60.0
"""What a jump forward made overdue starts within so long."""
_FIRST_WAIT_S = 300.0
"""A delivery that was never attempted waits at most so long for more events."""
_ASKED = frozenset({429, 503})
"""After these answers the receiver's own wish may be longer than the step."""


@dataclass(frozen=True, kw_only=True)
class Skip:
    """A stretch of wall time that never was: the clock was set from one to the other."""

    after: Instant
    until: Instant
    at: float  # monotonic

    def start_of(self, due_at: Instant, fraction: float) -> float | None:
        """When something starts that fell due in this stretch; None: the jump did not make it overdue."""
        return self.at + SPREAD_S * fraction if self.after < due_at <= self.until else None


def jump_s(wall_before: Instant, wall_now: Instant, passed_s: float) -> float:
    """By how much the wall clock was set, forward or back, while so much time passed; 0 when it was not."""
    found = (wall_now - wall_before) / TICKS_PER_SECOND - passed_s
    return found if abs(found) >= JUMP_S else 0.0


def wait_s(until: Instant, since: Instant | None, now: Instant) -> float:
    """How long to wait for a stored time that was set at `since`. A clock that went back makes nothing longer."""
    start = now if since is None or since <= now else since
    return (until - start) / TICKS_PER_SECOND


def latest_due(
    delivery: Delivery, schedule: Sequence[int], now: Instant, limits: Limits, *, throttled_s: float = 0.0
) -> Instant:
    """The latest time at which a waiting delivery can be due: now and the step it waits for.

    `throttled_s`: so long its receiver still wants to be left in peace.
    """
    if delivery.step == 0:
        return plus(now, _FIRST_WAIT_S)
    steps = schedule[delivery.step - 1 : delivery.step] or schedule  # none: the schedule was shortened meanwhile
    base = max(steps, default=0)
    longest_s = base + min(base * limits.jitter_share, limits.jitter_s_max)
    if delivery.last_status in _ASKED:
        longest_s = max(longest_s, min(throttled_s, limits.retry_after_s_max))
    return plus(now, longest_s)


def is_too_far(due_at: Instant, schedule: Sequence[int], now: Instant, limits: Limits, *, throttled_s: float) -> bool:
    """Whether nothing of a webhook can be due so late: somebody's clock was ahead when it was written."""
    base = max(schedule, default=0)
    longest_s = max(base + min(base * limits.jitter_share, limits.jitter_s_max), throttled_s, _FIRST_WAIT_S)
    return due_at > plus(now, longest_s + JUMP_S)
