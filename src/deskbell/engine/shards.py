"""The keeper of this process's shards: beats, takes its part, and hands over what is more than that."""

import asyncio
from math import inf

from deskbell.engine.ground import Ground
from deskbell.engine.lanes import LaneSettings
from deskbell.model.shard import Shares
from deskbell.rules.shares import moves

BEATS_PER_LEASE = 3
"""Two beats may be lost before a lease ends."""
LOOK_S = 0.1
"""While shards are leaving: how often to look whether what was on its way has come back."""
AGAIN_S = 0.5
"""Before what could not be taken is tried again."""
LATER_S = 0.05
"""After the end of another's lease: then it is over on the database's clock too."""


class ShardKeeper:
    """Nothing here is on the way of an attempt: that only asks `Ownership`."""

    def __init__(self, ground: Ground, *, lanes: LaneSettings, node: str, delivers: bool) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._doorbell = ground.doorbell
        self._clock = ground.clock
        self._lease_s = ground.limits.shard_lease_s
        self._log = ground.log
        self._lanes = lanes
        self._delivers = delivers
        self._known = False
        self._new: dict[int, int] = {}  # taken, with their fences; their webhooks' health is not read yet
        self._new_until = 0.0
        self._leaving_since: dict[int, float] = {}
        self._next_at = 0.0
        self._is_asked = False
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self.node = node
        self._ownership.doubt = self.look

    async def run(self) -> None:
        """Beat before leases end, and whenever another node moved; for ever."""
        while True:
            self._wake.clear()
            if self._is_asked or self._clock.monotonic() >= self._next_at:
                await self.step()
            else:
                await self._hand_over_quiet()
            pause_s = max(0.0, self._next_at - self._clock.monotonic())
            try:
                await asyncio.wait_for(self._wake.wait(), min(pause_s, LOOK_S) if self._leaving_since else pause_s)
            except TimeoutError:
                continue

    def look(self) -> None:
        """Beat now: another node came, went or handed over."""
        self._is_asked = True
        self._wake.set()

    async def step(self) -> None:
        """One beat and what follows from it."""
        beat_s = self._lease_s / BEATS_PER_LEASE
        async with self._turn, asyncio.timeout(self._lease_s):
            self._is_asked = False
            asked_at = self._clock.monotonic()
            async with asyncio.timeout(beat_s):  # so that a connection that hangs costs one beat, not the lease
                shares = await self._store.shards.beat(self.node, self._lease_s, delivers=self._delivers)
            self._see(shares, asked_at + self._lease_s)
            is_done = await self._move(shares)
            await self._settle_in()
            next_at = min(asked_at + beat_s, self._soonest_end(shares, asked_at))
            self._next_at = next_at if is_done else min(next_at, self._clock.monotonic() + AGAIN_S)
        if not self._known and self._delivers:
            self._known = True
            self._doorbell.ring("shares", self.node)

    def retire(self) -> None:
        """The process stops: start nothing more, hand over each shard as soon as nothing of it is on its way."""
        self._delivers = False
        self._leave(tuple(self._ownership.shards))
        self.look()  # so that others count without this node before they deal out what comes free

    async def leave(self) -> None:
        """At the very end: whatever is left is free at once, and this node is gone."""
        async with self._turn:
            self._lose(self._ownership.shards)
            try:
                async with asyncio.timeout(self._lease_s):
                    await self._store.shards.leave(self.node)
            except Exception as error:  # the leases end by themselves
                self._log.warning("shards.not_left", error=repr(error))
                return
        self._doorbell.ring("shares", self.node)

    def _see(self, shares: Shares, until: float) -> None:
        """Compare with what the database says: it is right."""
        mine = {row.shard: row.fence for row in shares.rows if row.owner == self.node}
        same = {shard for shard, fence in mine.items() if self._ownership.fence(shard) == fence}
        lost = self._ownership.shards - same
        if lost:
            self._log.warning("shards.lost", shards=len(lost))
            self._lose(lost)
        idle = frozenset(shard for shard in same if not self._ownership.may_start(shard))
        self._ownership.hold({shard: mine[shard] for shard in same}, until)
        self._new = {shard: fence for shard, fence in mine.items() if shard not in same}
        self._new_until = until
        if idle - self._leaving_since.keys():
            self._lanes.offer(idle)

    def _soonest_end(self, shares: Shares, asked_at: float) -> float:
        """When the next shard of another node comes free, should that node never be heard again."""
        left = [row.left_s for row in shares.rows if row.owner not in (None, self.node)]
        return asked_at + min(left, default=self._lease_s) + LATER_S

    async def _move(self, shares: Shares) -> bool:
        """Whether it took all that was its part: some may still have settles that are being committed, or be taken."""
        leaving = frozenset(self._leaving_since)
        found = moves(shares, self.node, leaving=leaving, busy=self._lanes.busy_shards())
        if self._delivers:
            self._leave(found.hand_over)
        await self._hand_over_quiet_now()
        if not found.take or not self._delivers:
            return True
        fences = await self._store.shards.take(self.node, found.take, self._lease_s)
        self._new.update(fences)
        return len(fences) == len(found.take)

    async def _settle_in(self) -> None:
        """The former owner knew how the webhooks fare and what waits: read both, then send."""
        if not self._new:
            return
        taken = frozenset(self._new)
        await self._settings.learn_health(taken)
        self._ownership.hold(self._new, self._new_until)
        self._new = {}
        self._lanes.gain(taken)
        self._log.info("shards.taken", taken=len(taken), owned=len(self._ownership.shards))

    def _leave(self, shards: tuple[int, ...]) -> None:
        """Start nothing more for these; those that may stay after all go on."""
        stays = self._leaving_since.keys() - set(shards)
        now = self._clock.monotonic()
        self._leaving_since = {shard: self._leaving_since.get(shard, now) for shard in shards}
        self._ownership.leave(frozenset(shards))
        if stays:
            self._lanes.offer(frozenset(stays))

    async def _hand_over_quiet(self) -> None:
        async with self._turn, asyncio.timeout(self._lease_s):
            await self._hand_over_quiet_now()

    async def _hand_over_quiet_now(self) -> None:
        """Hand over what has come to rest, and what did not come to rest within a lease: others wait for it.

        A process that stops waits longer, up to the end of its drain: then nothing is sent twice.
        """
        if not self._leaving_since:
            return
        overdue = self._clock.monotonic() - self._lease_s if self._delivers else -inf
        busy = self._lanes.busy_shards()
        gone = frozenset(n for n, since in self._leaving_since.items() if n not in busy or since <= overdue)
        if not gone:
            return
        self._lose(gone)
        await self._store.shards.hand_over(self.node, sorted(gone))
        self._log.info("shards.handed_over", shards=len(gone), owned=len(self._ownership.shards))
        self._doorbell.ring("shares", self.node)

    def _lose(self, shards: frozenset[int]) -> None:
        self._ownership.lose(shards)
        self._leaving_since = {n: since for n, since in self._leaving_since.items() if n not in shards}
        self._lanes.lose(shards)
