"""The token bucket of a webhook's rate."""

import pytest

from deskbell.rules.pacing import Bucket


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
