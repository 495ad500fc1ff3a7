"""Which shards this process sends for, with what fence, and until when it may be sure of that."""

from collections.abc import Callable, Mapping

from deskbell.model.shard import SHARDS
from deskbell.ports import Clock

FIRST_SHARD = 0
"""What is to be done once for all nodes is done by the owner of this shard."""

NO_FENCE = -1
"""The fence of what is not owned: no shard ever has it, so whatever carries it is refused."""


class Ownership:
    """Alone on its database, a process owns every shard, for ever and without a fence.

    Else it owns what it leased. A lease counts from the moment of asking, on the monotonic clock: the database counts
    from a later moment, so this process stops before anybody else may begin, whatever the answer took.
    """

    def __init__(self, clock: Clock, *, alone: bool) -> None:
        self._clock = clock
        self._fences: dict[int, int] = {}
        self._until: dict[int, float] = {}
        self._leaving: frozenset[int] = frozenset()
        self.alone = alone
        self.doubt: Callable[[], None] = lambda: None  # a fence was refused: what is known here is out of date

    def owns(self, shard: int) -> bool:
        """Whether this process keeps the queue of this shard, as far as it knows."""
        return self.alone or shard in self._fences

    def may_start(self, shard: int) -> bool:
        """Whether an attempt may start now: the lease surely holds, and the shard is not about to be handed over."""
        if self.alone:
            return True
        until = self._until.get(shard)
        return until is not None and shard not in self._leaving and self._clock.monotonic() < until

    def fence(self, shard: int) -> int | None:
        """What a settle that starts now must carry; None: nobody else writes."""
        return None if self.alone else self._fences.get(shard, NO_FENCE)

    @property
    def count(self) -> int:
        """How many this process owns."""
        return SHARDS if self.alone else len(self._fences)

    @property
    def shards(self) -> frozenset[int]:
        """The leased ones."""
        return frozenset(self._fences)

    def hold(self, fences: Mapping[int, int], until: float) -> None:
        """These were taken, or renewed."""
        self._fences.update(fences)
        self._until.update(dict.fromkeys(fences, until))

    def lose(self, shards: frozenset[int]) -> None:
        """These are somebody else's, or nobody's, now."""
        for shard in shards:
            self._fences.pop(shard, None)
            self._until.pop(shard, None)

    def leave(self, shards: frozenset[int]) -> None:
        """Start nothing more for exactly these: they are handed over once what is on its way has come back."""
        self._leaving = shards
