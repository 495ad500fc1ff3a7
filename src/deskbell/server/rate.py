"""Requests per second of API keys that were given a limit."""

from math import ceil

from deskbell.model.account import Caller
from deskbell.model.errors import Throttled
from deskbell.ports import Clock


class KeyRates:
    """A token bucket for each limited key; the bucket holds one second's worth."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def spend(self, caller: Caller) -> None:
        """Count one request; raises Throttled when the key's rate is used up."""
        rate = caller.rate_per_second
        if not rate:
            return
        now = self._clock.monotonic()
        tokens, at = self._buckets.get(caller.id, (max(rate, 1.0), now))
        tokens = min(max(rate, 1.0), tokens + (now - at) * rate)
        if tokens < 1.0:
            self._buckets[caller.id] = (tokens, now)
            raise Throttled(f"This key may make {rate:g} requests a second.", retry_after_s=ceil((1.0 - tokens) / rate))
        self._buckets[caller.id] = (tokens - 1.0, now)
