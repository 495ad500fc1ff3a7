"""Makes a failing tape small: cut it, zero it, as long as the same rule is broken."""

from collections.abc import Callable

Fails = Callable[[list[int]], bool]
TRIES_MAX = 600


def shrink(tape: list[int], fails: Fails, *, tries_max: int = TRIES_MAX) -> list[int]:
    """The smallest tape that was found within so many runs."""
    left = [tries_max]

    def holds(candidate: list[int]) -> bool:
        left[0] -= 1
        return left[0] >= 0 and fails(candidate)

    before: list[int] | None = None
    best = _without_end(tape, holds)
    while best != before and left[0] > 0:
        before = best
        size = max(1, len(best) // 4)
        while size and left[0] > 0:
            best = _by_blocks(best, size, holds)
            size //= 2
    return _stripped(best)


def _without_end(tape: list[int], holds: Fails) -> list[int]:
    """What lies after the end is zero: how little of the start is enough?"""
    low, high = 0, len(tape)
    while low < high:
        middle = (low + high) // 2
        if holds(tape[:middle]):
            high = middle
        else:
            low = middle + 1
    return tape[:high]


def _by_blocks(tape: list[int], size: int, holds: Fails) -> list[int]:
    """Block after block, from the end: cut it, else zero it."""
    at = len(tape) - size
    while at >= 0:
        block = tape[at : at + size]
        without = tape[:at] + tape[at + size :]
        zeroed = tape[:at] + [0] * len(block) + tape[at + size :]
        if holds(without):
            tape = without
        elif any(block) and holds(zeroed):
            tape = zeroed
        at -= size
    return tape


def _stripped(tape: list[int]) -> list[int]:
    """Zeros at the end say nothing."""
    while tape and not tape[-1]:
        tape = tape[:-1]
    return tape
