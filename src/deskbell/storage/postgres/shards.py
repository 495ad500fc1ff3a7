"""Who owns which shard: leases on the database's clock, with a fence that goes up at each change of owner."""

from collections.abc import Mapping, Sequence

from deskbell.model.shard import ShardRow, Shares
from deskbell.storage.postgres.link import Link


class PostgresShards:
    """`ports.Shards`; each question is one statement."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def beat(self, node: str, lease_s: float, *, delivers: bool) -> Shares:
        """Alive; renews what it owns."""
        bindings = {"node": node, "lease_s": lease_s, "delivers": delivers}
        ((nodes, *columns),) = await self._link.ask("shard_beat", bindings)
        rows = zip(*columns, strict=True)
        return Shares(
            nodes=tuple(nodes),
            rows=tuple(ShardRow(shard=n, owner=owner, fence=fence, left_s=left) for n, owner, fence, left in rows),
        )

    async def take(self, node: str, shards: Sequence[int], lease_s: float) -> Mapping[int, int]:
        """The fences of those that were free."""
        bindings = {"node": node, "shards": list(shards), "lease_s": lease_s}
        return dict(await self._link.ask("shard_take", bindings))

    async def hand_over(self, node: str, shards: Sequence[int]) -> None:
        """Free at once."""
        await self._link.ask("shard_hand_over", {"node": node, "shards": list(shards)})

    async def leave(self, node: str) -> None:
        """Hand over everything; the node is gone."""
        await self._link.ask("shard_leave", {"node": node})
