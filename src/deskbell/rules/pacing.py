"""Pace of one webhook: a token bucket of `rate_per_second`, filled by the monotonic clock; and a gentle recovery."""

RECOVERY_S = 40.0
"""So long it takes at least to send what waited for a receiver."""


class Bucket:
    """Tokens of one webhook. It holds at most one second's worth, at least one."""

    __slots__ = ("_at", "_tokens", "rate_per_second")

    def __init__(self, rate_per_second: float, now: float) -> None:
        self.rate_per_second = rate_per_second
        self._tokens = self._most
        self._at = now

    @property
    def _most(self) -> float:
        return max(1.0, self.rate_per_second)

    def wait_s(self, now: float) -> float:
        """Seconds until a token is there; 0 when one is."""
        self._fill(now)
        missing = 1.0 - self._tokens
        return missing / self.rate_per_second if missing > 1e-9 else 0.0

    def take(self, now: float) -> None:
        """Use one token; ask `wait_s` first."""
        self._fill(now)
        self._tokens -= 1.0

    def _fill(self, now: float) -> None:
        self._tokens = min(self._most, self._tokens + max(0.0, now - self._at) * self.rate_per_second)
        self._at = now


class Recovery:
    """The pace of a receiver that is back: in no second more than a twentieth of what waits, or a handful.

    It holds until what waited then is surely sent.
    """

    __slots__ = ("_bucket", "_until")

    def __init__(self, waiting: int, handful: int, now: float) -> None:
        self._bucket = Bucket(max(handful / 2, waiting / RECOVERY_S), now)  # a full bucket doubles the first second
        self._until = now + RECOVERY_S

    def is_over(self, now: float) -> bool:
        """Whether its time is over."""
        return now >= self._until

    def wait_s(self, now: float) -> float:
        """Seconds until the next may go."""
        return self._bucket.wait_s(now)

    def take(self, now: float) -> None:
        """One goes."""
        self._bucket.take(now)
