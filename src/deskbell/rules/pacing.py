"""Pace of one webhook: a token bucket of `rate_per_second`, filled by the monotonic clock."""


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
