"""Guessing is slowed down: by address, and by user from one address. Never a lasting lock."""

from collections import defaultdict, deque

from deskbell.model.errors import Throttled
from deskbell.ports import Clock
from deskbell.rules.limits import Limits

_ADDRESS_WINDOW_S = 60.0
_USER_WINDOW_S = 900.0
_WAIT_S, _WAIT_S_MAX = 60, 900
_REMEMBERED_MAX = 10_000


class Throttle:
    """Counts wrong passwords in memory; a restart forgets them, which the slow hash makes up for."""

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._wrong: dict[str, deque[float]] = defaultdict(deque)
        self._until: dict[str, tuple[float, int]] = {}

    def check(self, address: str, email: str) -> None:
        """Raise Throttled while this address, or this user from it, must wait."""
        now = self._clock.monotonic()
        for name in self._names(address, email):
            until, _ = self._until.get(name, (0.0, 0))
            if until > now:
                wait_s = round(until - now) + 1
                raise Throttled(f"Too many wrong passwords. Possible again in {wait_s} s.", retry_after_s=wait_s)

    def wrong(self, address: str, email: str) -> None:
        """Count a wrong password."""
        now = self._clock.monotonic()
        by_address, by_user = self._names(address, email)
        self._count(by_address, now, _ADDRESS_WINDOW_S, self._limits.wrong_per_address)
        self._count(by_user, now, _USER_WINDOW_S, self._limits.wrong_per_user)

    def right(self, address: str, email: str) -> None:
        """A right password ends the user's wait from this address."""
        name = self._names(address, email)[1]
        self._wrong.pop(name, None)
        self._until.pop(name, None)

    def _count(self, name: str, now: float, window_s: float, allowed: int) -> None:
        if len(self._wrong) > _REMEMBERED_MAX:
            self._wrong.clear()
        times = self._wrong[name]
        times.append(now)
        while times and times[0] < now - window_s:
            times.popleft()
        if len(times) >= allowed:
            doubled = min(self._until.get(name, (0.0, _WAIT_S // 2))[1] * 2, _WAIT_S_MAX)
            self._until[name] = (now + doubled, doubled)
            times.clear()

    def _names(self, address: str, email: str) -> tuple[str, str]:
        return f"address {address}", f"user {email.lower()} {address}"
