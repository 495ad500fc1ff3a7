"""Shards in SQLite: whole and tested like the rest, though one process alone never asks."""

from collections.abc import Callable, Mapping, Sequence
from time import time_ns
from typing import Any

import apsw

from deskbell.model.instant import TICKS_PER_SECOND
from deskbell.model.shard import SHARDS, ShardRow, Shares


def _now() -> int:
    return time_ns() // 100


class SqliteShards:
    """`ports.Shards`. Short transactions of their own, between those of the writer."""

    def __init__(self, connection: apsw.Connection, sql: Mapping[str, str], now: Callable[[], int] = _now) -> None:
        self._connection = connection
        self._sql = sql
        self._now = now

    async def beat(self, node: str, lease_s: float, *, delivers: bool) -> Shares:
        """Alive; renews what it owns."""
        now = self._now()
        times = {"node": node, "now": now, "until": now + round(lease_s * TICKS_PER_SECOND), "delivers": delivers}
        with self._connection:
            for name in ("node_beat", "node_forget", "shard_renew"):
                self._run(name, times)
        nodes = tuple(str(name) for (name,) in self._rows("node_all", times))
        known = {n: _row(n, owner, fence, end - now) for n, owner, fence, end in self._rows("shard_all", times)}
        return Shares(
            nodes=nodes, rows=tuple(known.get(n) or ShardRow(shard=n, owner=None, fence=0) for n in range(SHARDS))
        )

    async def take(self, node: str, shards: Sequence[int], lease_s: float) -> Mapping[int, int]:
        """The fences of those that were free."""
        now = self._now()
        taken: dict[int, int] = {}
        with self._connection:
            for shard in shards:
                bindings = {"shard": shard, "node": node, "now": now, "until": now + round(lease_s * TICKS_PER_SECOND)}
                if self._run("shard_take", bindings):
                    ((_, fence),) = self._rows("shard_get", bindings)
                    taken[shard] = fence
        return taken

    async def hand_over(self, node: str, shards: Sequence[int]) -> None:
        """Free at once."""
        with self._connection:
            for shard in shards:
                self._run("shard_hand_over", {"shard": shard, "node": node})

    async def leave(self, node: str) -> None:
        """Hand over everything; the node is gone."""
        with self._connection:
            for name in ("shard_leave", "node_leave"):
                self._run(name, {"node": node})

    def _run(self, name: str, bindings: Mapping[str, Any]) -> int:
        self._connection.execute(self._sql[name], dict(bindings))
        return self._connection.changes()

    def _rows(self, name: str, bindings: Mapping[str, Any]) -> list[Any]:
        return list(self._connection.execute(self._sql[name], dict(bindings)))


def _row(n: int, owner: str | None, fence: int, left: int) -> ShardRow:
    is_held = owner is not None and left > 0
    return ShardRow(
        shard=n, owner=owner if is_held else None, fence=fence, left_s=left / TICKS_PER_SECOND if is_held else 0.0
    )
