"""When publishers are told to come back later, because what was accepted is not on disk yet."""

from math import ceil

from deskbell.rules.limits import Limits

RETRY_AFTER_S_MAX = 30


def is_full(waiting: int, oldest_s: float, limits: Limits) -> bool:
    """Whether too many units wait for their commit, or the oldest of them has waited for too long."""
    return waiting >= limits.commit_queue_max or oldest_s * 1000 > limits.commit_wait_ms


def retry_after_s(oldest_s: float) -> int:
    """About as long as the present units have waited: a disk that is slow for seconds is not asked every second."""
    return min(RETRY_AFTER_S_MAX, max(1, ceil(oldest_s)))
