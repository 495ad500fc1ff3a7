"""The real clock and real chance: only the roof owns them."""

import random
import secrets
import time

from deskbell.model.instant import Instant

_MONOTONIC = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # only Linux counts sleep


class SystemClock:
    """Time of this machine."""

    def now(self) -> Instant:
        """Wall time, 100 ns ticks."""
        return Instant(time.time_ns() // 100)

    def monotonic(self) -> float:
        """Seconds that never go back, the machine's own sleep included: a lease goes on while its owner sleeps."""
        return time.clock_gettime(_MONOTONIC)


class SystemRandom:
    """Chance: cheap for ids and jitter, cryptographic for keys and tokens."""

    def __init__(self) -> None:
        self._cheap = random.Random()  # noqa: S311 - seeded by the system; secrets come from `secret`

    def bits(self, count: int) -> int:
        """An integer of so many random bits."""
        return self._cheap.getrandbits(count)

    def fraction(self) -> float:
        """0 <= x < 1."""
        return self._cheap.random()

    def secret(self, size: int) -> bytes:
        """Bytes that nobody can guess."""
        return secrets.token_bytes(size)
