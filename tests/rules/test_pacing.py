"""The token bucket of a webhook's rate."""

import pytest

from deskbell.rules.pacing import RECOVERY_S, Bucket, Recovery


def sent_within(bucket, seconds, start=0.0):
    """How many tokens a greedy sender gets within so many seconds."""
    now, count = start, 0
    while now <= start + seconds:
        wait_s = bucket.wait_s(now)
        if wait_s:
            now += wait_s
            continue
        bucket.take(now)
        count += 1
    return count


@pytest.mark.parametrize(("rate", "seconds", "most"), [(1.0, 10, 11), (4.0, 10, 44), (0.5, 10, 6), (100.0, 1, 200)])
def test_rate_holds_in_any_span(rate, seconds, most):
    """A greedy sender gets one second's burst and then the rate."""
    assert sent_within(Bucket(rate, 0.0), seconds) == pytest.approx(most, abs=1)


def test_unused_tokens_are_not_saved_up():
    """After a long rest the burst is one second's worth, not an hour's."""
    bucket = Bucket(2.0, 0.0)
    assert sent_within(bucket, 0.0, start=3_600.0) == 2


def test_clock_that_stands_still_gives_no_tokens():
    """Without time passing, the burst is all there is."""
    bucket = Bucket(3.0, 5.0)
    for _ in range(3):
        assert bucket.wait_s(5.0) == 0.0
        bucket.take(5.0)
    assert bucket.wait_s(5.0) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("waiting", "most"), [(0, 20), (100, 20), (400, 20), (1_000, 50), (100_000, 5_000)])
def test_a_receiver_that_is_back_gets_a_twentieth_in_the_first_second(waiting, most):
    """Or a handful; and what waited is sent when its time is over."""
    assert sent_within(Recovery(waiting, 20, 0.0), 0.999) == pytest.approx(most, rel=0.01, abs=1)
    assert sent_within(Recovery(waiting, 20, 0.0), RECOVERY_S) >= waiting
    recovery = Recovery(waiting, 20, 5.0)
    assert (recovery.is_over(5.0 + RECOVERY_S - 0.1), recovery.is_over(5.0 + RECOVERY_S)) == (False, True)
