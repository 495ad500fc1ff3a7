"""The breaker: a receiver that fails is left in peace, asked now and then, and loaded again step by step.

It opens after some failures in a row, or when most of many attempts failed. While it is open nothing is sent; then one
probe at a time, until enough have arrived; then 1, 2, 4 … in flight. What says nothing about the receiver's health, a
request to wait for example, counts neither way.
"""

from dataclasses import replace

from deskbell.model.breaker import Breaker, Pane
from deskbell.model.exchange import OutcomeClass
from deskbell.model.instant import TICKS_PER_SECOND, Instant, plus
from deskbell.rules.limits import Limits

_WORKED = frozenset({OutcomeClass.DELIVERED, OutcomeClass.ACCEPTED})
_FAILED = frozenset({OutcomeClass.FAILED, OutcomeClass.BLOCKED})
_PANES = 6
"""The window moves on by a sixth of its length."""
_DOUBLINGS_MAX = 20


def judged(breaker: Breaker, kind: OutcomeClass, *, is_probe: bool, now: Instant, limits: Limits) -> Breaker:
    """The breaker after an attempt.

    `is_probe`: it went because the time of waiting was over. What began before the breaker opened, or was sent by
    hand, can close it but not keep it open.
    """
    if kind in _WORKED:
        return _worked(breaker, now, limits)
    if kind not in _FAILED:
        return breaker
    if breaker.until is None:
        return _failed(breaker, now, limits)
    return _opened(breaker, now, limits) if is_probe else breaker


def in_flight_max(breaker: Breaker, limits: Limits) -> int:
    """How many attempts may be in flight at once, once the time of waiting is over."""
    if breaker.until is not None:
        return 1
    return min(breaker.ramp or limits.in_flight_per_webhook, limits.in_flight_per_webhook)


def _worked(breaker: Breaker, now: Instant, limits: Limits) -> Breaker:
    if breaker.until is not None:
        return _probed(breaker, now, limits)
    panes = _counted(breaker.panes, now, 0, limits)
    if not breaker.ramp:
        return Breaker(panes=panes)
    successes = breaker.successes + 1
    if successes < breaker.ramp:
        return replace(breaker, successes=successes, failures_in_row=0, panes=panes)
    if breaker.ramp * 2 >= limits.in_flight_per_webhook:
        return Breaker(panes=panes)
    return replace(breaker, ramp=breaker.ramp * 2, successes=0, failures_in_row=0, panes=panes)


def _probed(breaker: Breaker, now: Instant, limits: Limits) -> Breaker:
    """One more success while it is not closed: enough of them close it, else the next probe goes at once."""
    successes = breaker.successes + 1
    if successes >= limits.breaker_successes:
        return Breaker(ramp=1, opened=breaker.opened)
    return replace(breaker, successes=successes, until=Instant(min(breaker.until or now, now)))


def _failed(breaker: Breaker, now: Instant, limits: Limits) -> Breaker:
    panes = _counted(breaker.panes, now, 1, limits)
    in_row = breaker.failures_in_row + 1
    attempts, failures = sum(one[1] for one in panes), sum(one[2] for one in panes)
    most_failed = attempts >= limits.breaker_attempts_min and failures >= limits.breaker_share * attempts
    if in_row >= limits.breaker_failures or most_failed:
        return _opened(breaker, now, limits)
    return replace(breaker, failures_in_row=in_row, successes=0, panes=panes)


def _opened(breaker: Breaker, now: Instant, limits: Limits) -> Breaker:
    """Open, longer than the last time unless it had come back entirely since."""
    wait_s = min(limits.breaker_open_s * 2 ** min(breaker.opened, _DOUBLINGS_MAX), limits.breaker_open_s_max)
    return Breaker(until=plus(now, wait_s), opened=breaker.opened + 1)


def _counted(panes: tuple[Pane, ...], now: Instant, failed: int, limits: Limits) -> tuple[Pane, ...]:
    """One more attempt in the window. Panes of a future that a clock has taken back are dropped."""
    number = now * _PANES // (limits.breaker_window_s * TICKS_PER_SECOND)
    if panes and panes[-1][0] == number:
        _, attempts, failures = panes[-1]
        return (*panes[:-1], (number, attempts + 1, failures + failed))
    kept = tuple(one for one in panes if number - _PANES < one[0] < number)
    return (*kept, (number, 1, failed))
