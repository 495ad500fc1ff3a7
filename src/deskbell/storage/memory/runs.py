"""Timers, replays and shards in memory."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.replay import Replay, ReplayState
from deskbell.model.shard import SHARDS, ShardRow, Shares
from deskbell.model.timer import NEVER, Timer
from deskbell.storage.memory.read_settings import Rows
from deskbell.storage.memory.tables import Tables


class MemoryTimers(Rows):
    """`ports.Timers`."""

    def _armed(self) -> list[Timer]:
        rows: list[Timer] = list(self._tables.rows["timer"].values())
        return sorted(rows, key=lambda row: (row.due_at, row.site, row.rule, row.subject))

    async def due(self, until: Instant, limit: int) -> tuple[Timer, ...]:
        """Due at or before, oldest first."""
        return tuple([row for row in self._armed() if row.due_at <= until][:limit])

    async def next_due(self) -> Instant | None:
        """When the next one is due."""
        return min((row.due_at for row in self._tables.rows["timer"].values() if row.due_at < NEVER), default=None)

    async def of_subjects(self, site: SiteId, subjects: Sequence[str]) -> tuple[Timer, ...]:
        """By subject and rule."""
        rows: list[Timer] = [row for row in self._tables.of_site("timer", site) if row.subject in set(subjects)]
        return tuple(sorted(rows, key=lambda row: (row.subject, row.rule)))

    async def count(self) -> int:
        """How many are armed."""
        return sum(row.due_at < NEVER for row in self._tables.rows["timer"].values())


class MemoryReplays(Rows):
    """`ports.Replays`."""

    async def get(self, site: SiteId, replay_id: str) -> Replay | None:
        """One replay."""
        found: Replay | None = self._tables.get("replay", (site, replay_id))
        return found

    async def page(self, site: SiteId, before: str | None, limit: int) -> tuple[Replay, ...]:
        """Newest first."""
        rows: list[Replay] = self._tables.of_site("replay", site)[::-1]
        return tuple([row for row in rows if before is None or row.id < before][:limit])

    async def running(self) -> tuple[Replay, ...]:
        """Of all sites: those that run."""
        rows: list[Replay] = self._tables.of_site("replay")
        return tuple(row for row in rows if row.state is ReplayState.RUNNING)


class MemoryShards:
    """`ports.Shards`; the clock is seconds that never go back."""

    def __init__(self, tables: Tables, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._alive: dict[str, tuple[float, bool]] = {}  # until when, and whether it delivers
        self._owned: dict[int, tuple[str | None, float]] = {}
        self._fences = tables.fences

    async def beat(self, node: str, lease_s: float, *, delivers: bool) -> Shares:
        """Alive; renews what it owns."""
        now = self._now()
        self._alive[node] = (now + lease_s, delivers)
        self._alive = {name: known for name, known in self._alive.items() if known[0] > now}
        for shard, (owner, until) in self._owned.items():
            if owner == node and until > now:
                self._owned[shard] = (owner, now + lease_s)
        nodes = sorted(name for name, (_, is_delivering) in self._alive.items() if is_delivering)
        return Shares(nodes=tuple(nodes), rows=tuple(self._row(shard, now) for shard in range(SHARDS)))

    async def take(self, node: str, shards: Sequence[int], lease_s: float) -> Mapping[int, int]:
        """The fences of those that were free."""
        now = self._now()
        taken: dict[int, int] = {}
        for shard in shards:
            owner, until = self._owned.get(shard, (None, 0.0))
            if owner is None or until <= now:
                self._owned[shard] = (node, now + lease_s)
                taken[shard] = self._fences[shard] = self._fences.get(shard, 0) + 1
        return taken

    async def hand_over(self, node: str, shards: Sequence[int]) -> None:
        """Free at once."""
        for shard in shards:
            if self._owned.get(shard, (None, 0.0))[0] == node:
                self._owned[shard] = (None, 0.0)

    async def leave(self, node: str) -> None:
        """Hand over everything; the node is gone."""
        await self.hand_over(node, tuple(self._owned))
        self._alive.pop(node, None)

    def _row(self, shard: int, now: float) -> ShardRow:
        owner, until = self._owned.get(shard, (None, 0.0))
        fence = self._fences.get(shard, 0)
        if owner is None or until <= now:
            return ShardRow(shard=shard, owner=None, fence=fence)
        return ShardRow(shard=shard, owner=owner, fence=fence, left_s=until - now)
