"""Time and chance of one process, and a log that only remembers what must not happen."""

import random
from typing import Any

from deskbell.model.instant import Instant, from_seconds, plus
from simulation.loop import SimLoop
from simulation.tape import Tape

START = from_seconds(1_700_000_000)


class Wall:
    """The wall clock of one machine: all processes that run there see it jump."""

    def __init__(self, skew_s: float) -> None:
        self.off_s = skew_s


class SimClock:
    """Implements ports.Clock: the wall may be set, the monotonic clock never."""

    def __init__(self, loop: SimLoop, wall: Wall) -> None:
        self._loop = loop
        self._wall = wall

    def now(self) -> Instant:
        """The machine's wall time."""
        return plus(START, self._loop.time() + self._wall.off_s)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self._loop.time() + 1_000.0


class SimRandom:
    """Implements ports.Random: what decides is drawn from the tape, what only has to differ is not."""

    def __init__(self, tape: Tape, name: str) -> None:
        self._tape = tape
        self._own = random.Random(name)

    def bits(self, count: int) -> int:
        """For ids: no tape may make two of them equal."""
        return self._own.getrandbits(count)

    def fraction(self) -> float:
        """0 <= x < 1."""
        return self._tape.fraction()

    def secret(self, size: int) -> bytes:
        """Bytes."""
        return self._own.randbytes(size)


class QuietLog:
    """Takes the place of the engine's log."""

    def __init__(self, may_fail: "Any") -> None:
        self._may_fail = may_fail
        self.errors: list[str] = []

    def _nothing(self, event: str, **more: Any) -> None:
        return

    debug = info = warning = _nothing

    def error(self, event: str, **more: Any) -> None:
        """Errors of ours are findings, unless the world made them."""
        if event == "delivery.quarantined" or self._may_fail(more):
            return
        self.errors.append(f"{event} {more}")

    exception = error
