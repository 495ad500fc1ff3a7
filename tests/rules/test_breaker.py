"""The breaker: when it opens, how long, how it closes, and that a receiver which is back is always found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.model.breaker import Breaker
from deskbell.model.exchange import OutcomeClass as Kind
from deskbell.model.instant import TICKS_PER_SECOND, Instant, from_seconds, plus
from deskbell.rules.breaker import in_flight_max, judged
from deskbell.rules.limits import Limits

NOW = from_seconds(1_600_000_020)
LIMITS = Limits()
WORKED = (Kind.DELIVERED, Kind.ACCEPTED)
FAILED = (Kind.FAILED, Kind.BLOCKED)
NEITHER = (Kind.THROTTLED, Kind.REFUSED, Kind.INTERNAL, Kind.GONE, Kind.MISCONFIGURED)


def after(breaker: Breaker, *kinds: Kind, at: Instant = NOW, is_probe: bool = False) -> Breaker:
    """The breaker after these outcomes, all at one moment."""
    for kind in kinds:
        breaker = judged(breaker, kind, is_probe=is_probe, now=at, limits=LIMITS)
    return breaker


def opened() -> Breaker:
    """A breaker that five failures opened."""
    return after(Breaker(), *[Kind.FAILED] * 5)


@pytest.mark.parametrize("kind", FAILED)
def test_five_failures_in_a_row_open_it(kind: Kind) -> None:
    """The fifth one does, for thirty seconds."""
    assert after(Breaker(), *[kind] * 4).until is None
    assert after(Breaker(), *[kind] * 5).until == plus(NOW, 30)


@pytest.mark.parametrize("kind", WORKED)
def test_a_success_ends_the_row(kind: Kind) -> None:
    """Four failures, a success, four failures: closed."""
    four = [Kind.FAILED] * 4
    assert after(Breaker(), *four, kind, *four).until is None


@pytest.mark.parametrize("kind", NEITHER)
def test_what_says_nothing_about_the_receiver_counts_neither_way(kind: Kind) -> None:
    """A request to wait, a refused payload, our own fault: the breaker stays as it is, in any state."""
    for breaker in (Breaker(), after(Breaker(), *[Kind.FAILED] * 4), opened(), Breaker(ramp=2, opened=1)):
        assert judged(breaker, kind, is_probe=True, now=NOW, limits=LIMITS) == breaker


def test_half_of_twenty_attempts_in_a_minute_open_it() -> None:
    """Never five in a row, and yet most fail."""
    pair = [Kind.DELIVERED, Kind.FAILED]
    assert after(Breaker(), *pair * 9, Kind.DELIVERED).until is None
    assert after(Breaker(), *pair * 10).until == plus(NOW, 30)


def test_fewer_than_half_leave_it_closed() -> None:
    """One failure in three."""
    assert after(Breaker(), *[Kind.DELIVERED, Kind.DELIVERED, Kind.FAILED] * 40).until is None


def test_what_is_older_than_the_window_counts_no_more() -> None:
    """Failures of a minute ago open nothing with those of now."""
    old = after(Breaker(), *[Kind.DELIVERED, Kind.FAILED] * 8)
    later = after(old, *[Kind.DELIVERED, Kind.FAILED] * 8, at=plus(NOW, 61))
    assert later.until is None
    assert sum(one[1] for one in later.panes) == 16


def test_a_clock_that_goes_back_makes_no_window_of_the_future() -> None:
    """Attempts counted at times that have not come yet are dropped."""
    ahead = after(Breaker(), *[Kind.DELIVERED, Kind.FAILED] * 9, at=plus(NOW, 7_200))
    assert after(ahead, Kind.FAILED).until is None


def test_each_failed_probe_doubles_the_wait_up_to_a_quarter_of_an_hour() -> None:
    """30 s, 1 min, 2 min … 15 min, and no longer."""
    breaker, waits = opened(), []
    for _ in range(8):
        assert breaker.until is not None
        at = breaker.until
        breaker = after(breaker, Kind.FAILED, at=at, is_probe=True)
        assert breaker.until is not None
        waits.append((breaker.until - at) / TICKS_PER_SECOND)
    assert waits == [60, 120, 240, 480, 900, 900, 900, 900]


def test_what_began_before_it_opened_does_not_keep_it_open() -> None:
    """Fifteen more of the twenty in flight come back failed: the wait is the first one's."""
    assert after(opened(), *[Kind.FAILED] * 15) == opened()


def test_two_successes_close_it() -> None:
    """After the first the next probe may go at once; after the second one may be in flight, then two, four …"""
    once = after(opened(), Kind.DELIVERED, at=plus(NOW, 30), is_probe=True)
    assert (once.until, in_flight_max(once, LIMITS)) == (plus(NOW, 30), 1)
    breaker = after(once, Kind.DELIVERED, at=plus(NOW, 31), is_probe=True)
    levels = []
    for _ in range(31):
        levels.append(in_flight_max(breaker, LIMITS))
        breaker = after(breaker, Kind.DELIVERED)
    assert levels == [1] + [2] * 2 + [4] * 4 + [8] * 8 + [16] * 16
    assert in_flight_max(breaker, LIMITS) == 20
    assert breaker.opened == 0


def test_a_success_by_hand_ends_the_waiting() -> None:
    """A person sent one and it arrived: the next probe need not wait."""
    found = after(opened(), Kind.DELIVERED, at=plus(NOW, 3))
    assert (found.until, found.successes) == (plus(NOW, 3), 1)
    assert after(found, Kind.DELIVERED).until is None


def test_a_failure_by_hand_costs_nothing() -> None:
    """A person who tries does not make the wait longer."""
    assert after(opened(), Kind.FAILED, at=plus(NOW, 29)) == opened()


def test_a_relapse_on_the_ramp_waits_longer_than_the_first_time() -> None:
    """Only a receiver that came back entirely starts anew at thirty seconds."""
    ramp = after(opened(), Kind.DELIVERED, Kind.DELIVERED, is_probe=True)
    assert after(ramp, *[Kind.FAILED] * 5).until == plus(NOW, 60)


outcomes = st.sampled_from([*WORKED, *FAILED, *NEITHER])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.booleans()),  # by hand?
        st.tuples(st.just("finish"), st.integers(0, 40), outcomes),
        st.tuples(st.just("wait"), st.sampled_from([1, 9, 31, 400, 901])),
        st.tuples(st.just("jump"), st.integers(-100_000, 100_000)),
    ),
    max_size=120,
)


class Line:
    """A webhook with more work than it can send: what the dispatcher does, in a few lines."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.breaker = Breaker()
        self.now = NOW
        self.flight: list[tuple[bool, bool]] = []  # by hand, probe

    def start(self, by_hand: bool) -> bool:
        """Start one if that is allowed."""
        waits = self.breaker.until is not None and self.now < self.breaker.until
        room = len(self.flight) < in_flight_max(self.breaker, self.limits)
        if not by_hand and (waits or not room):
            return False
        self.flight.append((by_hand, not by_hand and self.breaker.until is not None))
        return True

    def finish(self, index: int, kind: Kind) -> None:
        """One comes back."""
        _, is_probe = self.flight.pop(index)
        self.breaker = judged(self.breaker, kind, is_probe=is_probe, now=self.now, limits=self.limits)

    def check(self) -> None:
        """What holds at any moment."""
        automatic = [one for one in self.flight if not one[0]]
        assert sum(1 for one in self.flight if one[1]) <= 1
        assert len(automatic) <= self.limits.in_flight_per_webhook
        assert 1 <= in_flight_max(self.breaker, self.limits) <= self.limits.in_flight_per_webhook
        if self.breaker.until is not None:
            assert self.breaker.ramp == 0


@given(steps=steps, cap=st.integers(1, 40))
def test_never_two_probes_never_over_the_cap_and_always_back(steps: list[tuple[object, ...]], cap: int) -> None:
    """Whatever happens: one probe at most, never over the cap, and a receiver that is well is soon fully used."""
    limits = Limits(in_flight_per_webhook=cap)
    line = Line(limits)
    for step in steps:
        match step:
            case ("start", bool(by_hand)):
                line.start(by_hand)
            case ("finish", int(index), Kind() as kind) if line.flight:
                line.finish(index % len(line.flight), kind)
            case ("wait", int(seconds)):
                line.now = plus(line.now, seconds)
            case ("jump", int(seconds)):  # of the wall clock: the lane's own waiting is monotonic
                line.now = plus(line.now, seconds)
                if line.breaker.until is not None:
                    line.now = Instant(max(line.now, plus(line.breaker.until, -limits.breaker_open_s_max)))
        line.check()
    while line.flight:
        line.finish(0, Kind.DELIVERED)
    served, waited_from = 0, line.now
    while in_flight_max(line.breaker, limits) < cap or line.breaker.until is not None:
        if line.start(by_hand=False):
            line.finish(0, Kind.DELIVERED)
            served += 1
        else:
            line.now = plus(line.now, 1)
        assert served <= 2 * cap + limits.breaker_successes + 2
    assert line.now - waited_from <= limits.breaker_open_s_max * TICKS_PER_SECOND
