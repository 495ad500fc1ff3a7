"""A receiver that fails for days: what counts, when its webhook is warned of and disabled, and when it is back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.model.exchange import Outcome, OutcomeClass
from deskbell.model.failing import NOT_FAILING, Failing
from deskbell.model.ids import EventId
from deskbell.model.instant import from_seconds, plus
from deskbell.rules.failing import Lookups, Turn, counts, failed, reason, shifted, turn
from deskbell.rules.limits import Limits

NOW = from_seconds(1_600_000_000)
LIMITS = Limits()
HOUR = 3_600


def events(*names: str) -> tuple[EventId, ...]:
    """Event ids."""
    return tuple(EventId(name) for name in names)


def failing(hours: float, *, attempts: int = 20, of: int = 2, warned: int = 2) -> Failing:
    """Failures that began so long ago."""
    names = tuple(f"evt_{n}" for n in range(of))
    return Failing(since=plus(NOW, -hours * HOUR), attempts=attempts, events=events(*names), warned=warned)


def turned(before: Failing) -> Turn | None:
    """What one more failure turns."""
    return turn(before, failed(before, events("evt_0"), NOW, LIMITS), NOW, LIMITS)


@pytest.mark.parametrize(
    ("kind", "name", "lookups_work", "counted"),
    [
        (OutcomeClass.FAILED, "http_500", True, True),
        (OutcomeClass.FAILED, "http_500", False, True),
        (OutcomeClass.FAILED, "dns_nxdomain", False, True),
        (OutcomeClass.FAILED, "dns_error", True, True),
        (OutcomeClass.FAILED, "dns_error", False, False),
        (OutcomeClass.FAILED, "dns_timeout", False, False),
        (OutcomeClass.BLOCKED, "blocked", True, True),
        (OutcomeClass.THROTTLED, "http_429", True, False),
        (OutcomeClass.REFUSED, "http_413", True, False),
        (OutcomeClass.INTERNAL, "internal", True, False),
        (OutcomeClass.DELIVERED, "http_200", True, False),
    ],
)
def test_what_counts(kind: OutcomeClass, name: str, lookups_work: bool, counted: bool) -> None:
    """What the receiver did; not our faults, requests to wait, or name servers that answer nobody."""
    assert counts(Outcome(kind=kind, name=name), lookups_work=lookups_work) is counted


@pytest.mark.parametrize(
    ("before", "want"),
    [
        (NOT_FAILING, None),
        (failing(23.9, warned=0), None),
        (failing(24, warned=0), Turn.FAILING),
        (failing(24, warned=0, attempts=1, of=1), Turn.FAILING),
        (failing(71, warned=1), None),
        (failing(72, warned=1), Turn.FAILING),
        (failing(100, warned=0), Turn.FAILING),
        (failing(119), None),
        (failing(120), Turn.DISABLED),
        (failing(120, attempts=9), Turn.DISABLED),
        (failing(120, attempts=8), None),
        (failing(400, of=1), None),
    ],
)
def test_warnings_at_one_and_three_days_disabled_after_five(before: Failing, want: Turn | None) -> None:
    """One warning each; disabled only after ten failed attempts over two events."""
    assert turned(before) is want


@pytest.mark.parametrize(("warned", "want"), [(0, None), (1, Turn.RECOVERED), (2, Turn.RECOVERED)])
def test_back_again_is_told_to_who_was_warned(warned: int, want: Turn | None) -> None:
    """Nobody hears of a failure of an hour."""
    assert turn(failing(100, warned=warned), NOT_FAILING, NOW, LIMITS) is want


def test_what_does_not_count_turns_nothing() -> None:
    """A request to wait after five days disables nobody."""
    long = failing(500)
    assert turn(long, long, NOW, LIMITS) is None


def test_reasons_are_for_people() -> None:
    """How long, and what was last."""
    assert reason(Turn.FAILING, failing(24.3), NOW, "http_503") == "no success for 24 h, last outcome http_503"
    assert reason(Turn.FAILING, failing(0.5), NOW, "http_503") == "no success for 30 min, last outcome http_503"
    assert reason(Turn.DISABLED, failing(121), NOW, "timeout") == "no success for 5 days, last outcome timeout"
    assert reason(Turn.RECOVERED, failing(30), NOW, "http_200") == "a delivery arrived again after 30 h without success"


def test_a_wall_clock_that_was_set_is_no_time_without_success() -> None:
    """Five days that did not pass disable nobody."""
    short = failing(1)
    later = plus(NOW, 200 * HOUR)
    moved = shifted(short, 200 * HOUR)
    assert turn(moved, failed(moved, events("evt_1"), later, LIMITS), later, LIMITS) is None
    assert shifted(NOT_FAILING, 5) is NOT_FAILING


def test_failures_of_the_future_count_from_now() -> None:
    """A clock that went back before the start: what is to come has not lasted."""
    found = failed(Failing(since=plus(NOW, 900), attempts=3), events("evt_1"), NOW, LIMITS)
    assert (found.since, found.attempts) == (NOW, 4)


def test_lookups() -> None:
    """They work while some look-up was answered in the last hour; that a name does not exist is an answer."""
    lookups = Lookups(LIMITS)
    bad = Outcome(kind=OutcomeClass.FAILED, name="dns_timeout")
    lookups.saw(bad, asked=True, now=10.0)
    assert not lookups.work(10.0)
    lookups.saw(Outcome(kind=OutcomeClass.DELIVERED, name="http_200"), asked=False, now=20.0)
    assert not lookups.work(20.0)
    lookups.saw(Outcome(kind=OutcomeClass.FAILED, name="dns_nxdomain"), asked=True, now=30.0)
    lookups.saw(bad, asked=True, now=40.0)
    assert lookups.work(30.0 + HOUR)
    assert not lookups.work(31.0 + HOUR)


steps = st.lists(
    st.tuples(st.integers(0, 60 * HOUR), st.sampled_from(["fails", "works", "neither"]), st.integers(0, 4)), max_size=80
)


@given(steps=steps)
def test_told_in_order_and_never_without_reason(steps: list[tuple[int, str, int]]) -> None:
    """At most two warnings between successes, recovered exactly after one, disabled never before its three bounds."""
    now, before, since, attempts, told, seen = NOW, NOT_FAILING, None, 0, [], set()
    for wait_s, what, event in steps:
        now = plus(now, wait_s)
        if what == "neither":
            continue
        if what == "works":
            after, found = NOT_FAILING, turn(before, NOT_FAILING, now, LIMITS)
            assert (found is Turn.RECOVERED) == bool(told)
            since, attempts, told, seen = None, 0, [], set()
        else:
            after = failed(before, events(f"evt_{event}"), now, LIMITS)
            found = turn(before, after, now, LIMITS)
            since, attempts = since or now, attempts + 1
            seen.add(event)
            lasted_s = (now - since) / 10_000_000
            is_over = lasted_s >= 120 * HOUR and attempts >= 10 and len(seen) >= 2
            assert (found is Turn.DISABLED) == is_over
            if found is Turn.FAILING:
                told.append(lasted_s)
        before = after
        assert len(told) <= 2
        assert all(one >= 24 * HOUR for one in told)
        assert before.since is None or before.since <= now
