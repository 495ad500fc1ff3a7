"""What a wall clock that was set changes, and what it does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.model.instant import Instant, from_seconds, plus
from deskbell.rules.clocks import JUMP_S, SPREAD_S, Skip, is_too_far, jump_s, latest_due, wait_s
from deskbell.rules.limits import RETRY_SCHEDULE_S, Limits
from deskbell.rules.retry import delay
from rules.test_settling import WAITING

NOW = from_seconds(1_600_000_000)
LIMITS = Limits()


@pytest.mark.parametrize(
    ("wall_s", "passed_s", "want"),
    [(1.0, 1.0, 0.0), (1.5, 1.0, 0.0), (0.5, 1.0, 0.0), (7_201.0, 1.0, 7_200.0), (-7_199.0, 1.0, -7_200.0)],
)
def test_a_jump_is_what_did_not_pass(wall_s: float, passed_s: float, want: float) -> None:
    """Slow adjustment is no jump."""
    assert jump_s(NOW, plus(NOW, wall_s), passed_s) == want


def test_what_the_jump_made_overdue_starts_spread() -> None:
    """Only what fell due in the time that never was."""
    skip = Skip(after=NOW, until=plus(NOW, 7_200), at=50.0)
    assert skip.start_of(plus(NOW, 3_600), 0.5) == 50.0 + SPREAD_S / 2
    assert skip.start_of(NOW, 0.5) is None
    assert skip.start_of(plus(NOW, 7_200), 1.0) == 50.0 + SPREAD_S
    assert skip.start_of(plus(NOW, 7_201), 0.5) is None


@pytest.mark.parametrize(
    ("until_s", "since_s", "want"),
    [(30, -5, 30), (30, None, 30), (-3, -5, -3), (7_230, 7_200, 30), (7_190, 7_200, -10)],
)
def test_waiting_is_not_longer_after_a_clock_went_back(until_s: int, since_s: int | None, want: int) -> None:
    """Set at a time that has not come yet: the wait is what it was then."""
    since = None if since_s is None else plus(NOW, since_s)
    assert wait_s(plus(NOW, until_s), since, NOW) == want


@pytest.mark.parametrize("step", range(1, len(RETRY_SCHEDULE_S) + 1))
def test_no_later_than_the_step(step: int) -> None:
    """Its delay with all the jitter there is."""
    found = latest_due(replace(WAITING, step=step), RETRY_SCHEDULE_S, NOW, LIMITS)
    assert found == plus(NOW, delay(step - 1, RETRY_SCHEDULE_S, 1.0, LIMITS))


@pytest.mark.parametrize(
    ("step", "schedule", "status", "want_s"),
    [(0, (5,), None, 300), (2, (5, 10), 500, 12), (3, (5, 10), 500, 12), (2, (), 500, 0)],
)
def test_odd_steps(step: int, schedule: tuple[int, ...], status: int | None, want_s: int) -> None:
    """Never attempted, a schedule that was shortened or emptied."""
    assert latest_due(replace(WAITING, step=step, last_status=status), schedule, NOW, LIMITS) == plus(NOW, want_s)


@pytest.mark.parametrize(
    ("status", "throttled_s", "want_s"),
    [(429, 0, 6), (429, 90, 90), (503, 90, 90), (429, 1e9, 86_400), (500, 90, 6), (429, -5, 6)],
)
def test_a_receiver_that_asked_for_more_gets_what_is_left_of_it(status: int, throttled_s: float, want_s: int) -> None:
    """Its wish, but no longer than any may be; and no more than the step when the wish is over."""
    row = replace(WAITING, step=1, last_status=status)
    assert latest_due(row, (5,), NOW, LIMITS, throttled_s=throttled_s) == plus(NOW, want_s)


@pytest.mark.parametrize(
    ("due_s", "schedule", "throttled_s", "want"),
    [(300, (), 0, False), (302, (), 0, True), (1_200, (1_000,), 0, False), (1_202, (1_000,), 0, True),
     (5_000, (1_000,), 6_000, False), (-5, (), 0, False)],
)  # fmt: skip
def test_too_far_is_what_no_step_and_no_wish_explains(
    due_s: float, schedule: tuple[int, ...], throttled_s: float, want: bool
) -> None:
    """Then another node's clock was ahead when it was written."""
    assert is_too_far(plus(NOW, due_s), schedule, NOW, LIMITS, throttled_s=throttled_s) is want


@given(
    step=st.integers(1, 12),
    fraction=st.floats(0, 1),
    passed_s=st.integers(0, 200_000),
    jump=st.integers(-200_000, 200_000).filter(lambda n: abs(n) >= JUMP_S),
)
def test_what_was_scheduled_is_never_moved_unless_the_clock_went_back(
    step: int, fraction: float, passed_s: int, jump: int
) -> None:
    """A due time of the schedule lies within the bound at every later moment, whatever forward jumps come."""
    at = min(step - 1, len(RETRY_SCHEDULE_S) - 1)
    due_at = plus(NOW, delay(at, RETRY_SCHEDULE_S, fraction, LIMITS))
    later = Instant(max(NOW, plus(NOW, passed_s + max(jump, 0))))
    assert due_at <= latest_due(replace(WAITING, step=at + 1), RETRY_SCHEDULE_S, later, LIMITS)
