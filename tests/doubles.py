"""Time that stands still until it is told to go on, and chance."""

import secrets

from deskbell.model.instant import Instant, plus

START = Instant(17_000_000_000_000_000)


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.wall, self.seconds = START, 1_000.0

    def now(self) -> Instant:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    def go(self, seconds: float) -> None:
        """That much later."""
        self.wall, self.seconds = plus(self.wall, seconds), self.seconds + seconds


class Chance:
    """Real chance: tokens must differ."""

    def bits(self, count: int) -> int:
        return secrets.randbits(count)

    def fraction(self) -> float:
        return 0.0

    def secret(self, size: int) -> bytes:
        return secrets.token_bytes(size)
