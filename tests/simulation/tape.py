"""The tape: every draw of a run, in order. A seed makes one; a tape from a file repeats one, or a part of it.

Zero is always the simplest thing that can be drawn: no fault, no delay, the first of the choices, the order of coming.
So a tape is made simpler by cutting it (what lies after its end is zero) and by zeroing it.
"""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
_BITS = 32
_WHOLE = 1 << _BITS


class Tape:
    """Draws numbers, and remembers them."""

    __slots__ = ("_given", "_next", "drawn")

    def __init__(self, seed: int | None = None, values: Sequence[int] = ()) -> None:
        self._next = None if seed is None else random.Random(seed).getrandbits
        self._given = values
        self.drawn: list[int] = []

    def draw(self) -> int:
        """The next number, 0 <= x < 2**32."""
        drawn = self.drawn
        if self._next is not None:
            value = self._next(_BITS)
        else:
            value = self._given[len(drawn)] if len(drawn) < len(self._given) else 0
        drawn.append(value)
        return value

    def fraction(self) -> float:
        """0 <= x < 1."""
        return self.draw() / _WHOLE

    def chance(self, share: float) -> bool:
        """True in this share of all cases."""
        return share > 0.0 and self.draw() >= _WHOLE * (1.0 - share)

    def between(self, low: float, high: float) -> float:
        """Somewhere in between, evenly."""
        return low + (high - low) * self.fraction()

    def skewed(self, low: float, high: float) -> float:
        """Somewhere in between, mostly near the low end: each factor is as likely as any other."""
        return low * (high / low) ** self.fraction()

    def count(self, low: int, high: int) -> int:
        """A whole number, both ends included, mostly near the low end."""
        return min(high, low + int(self.skewed(1.0, high - low + 2)) - 1)

    def below(self, count: int) -> int:
        """A whole number, 0 <= x < count, evenly."""
        return self.draw() * count >> _BITS

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.below(len(choices))]

    def shuffle(self, items: list[T]) -> None:
        """Another order, by one draw; 0 leaves it as it is."""
        value = self.draw()
        if not value:
            return
        for n in range(len(items) - 1, 0, -1):
            value = (value * 0x5DEECE66D + 0xB) & 0xFFFFFFFFFFFF
            other = value % (n + 1)
            items[n], items[other] = items[other], items[n]
