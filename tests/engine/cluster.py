"""Several engines on one shared store, each with a doorbell that reaches the others, on a clock that tests move."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from deskbell.doorbell.local import LocalDoorbell
from deskbell.doorbell.wire import NEWS, WORK
from deskbell.engine import Engine
from deskbell.model.changes import Insert
from deskbell.model.draft import Draft, Published
from deskbell.model.exchange import Reply, Sendable, SendPolicy
from deskbell.model.site import Site
from deskbell.receivers import KINDS
from deskbell.rules.limits import Limits
from deskbell.storage.memory import MemoryStore
from engine.world import KEY, SITE, START, Counted, FakeClock, FakeSender, World


class Wire:
    """Carries rings from one node's doorbell to the others', on the next turn of the loop; `cut` loses them."""

    def __init__(self) -> None:
        self.bells: list[NodeBell] = []
        self.cut = False

    def carry(self, source: "NodeBell", bell: str, detail: Any) -> None:
        if not self.cut:
            for other in self.bells:
                if other is not source:
                    asyncio.get_running_loop().call_soon(LocalDoorbell.ring, other, bell, detail)


class NodeBell(LocalDoorbell):
    """The doorbell of one node."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire
        wire.bells.append(self)

    def ring(self, bell: str, detail: Any = None) -> None:
        super().ring(bell, detail)
        if bell in WORK or bell in NEWS:
            self._wire.carry(self, bell, detail)


class NodeSender(FakeSender):
    """One node's dialler; the receivers are the same for all."""

    def __init__(self, name: str, shared: FakeSender) -> None:
        super().__init__()
        self._name = name
        self._shared = shared
        self.characters = shared.characters
        self.dead = False

    def submit(self, sendable: Sendable, policy: SendPolicy, done: Callable[[Reply], None]) -> None:
        assert not self.dead, f"{self._name} sends after its death"
        self._shared.requests.append(sendable)
        super().submit(sendable, policy, lambda reply: None if self.dead else done(reply))


class Node:
    """One process: its engine, its dialler, its bell."""

    def __init__(self, name: str, cluster: "Cluster", *, delivers: bool = True) -> None:
        self.name = name
        self.bell = NodeBell(cluster.wire)
        self.sender = NodeSender(name, cluster.sender)
        self.engine = Engine(
            store=cluster.store,
            sender=self.sender,
            clock=cluster.clock,
            random=cluster.random,
            doorbell=self.bell,
            limits=cluster.limits,
            kinds=KINDS,
            keyring=cluster.keyring,
            log=structlog.get_logger(),
            node=name,
            delivers=delivers,
        )

    async def publish(self, event_type: str = "custom.order", **more: Any) -> Published:
        """Publish at this node."""
        draft = Draft(type=event_type, by=KEY, occurred_at=START, data=b'{"n":1}', **more)
        answer = await self.engine.publish(SITE, [draft])
        assert isinstance(answer, Published), answer
        return answer

    def owned(self) -> frozenset[int]:
        """The shards that it believes to own."""
        return self.engine._ownership.shards


class Spread(Counted):
    """Chance without chance whose ids spread over the shards."""

    def bits(self, count: int) -> int:
        self.count += 36
        return super().bits(count)


class Cluster(World):
    """The World, with nodes in the place of its one engine."""

    def __init__(self, limits: Limits) -> None:
        clock = FakeClock()
        super().__init__(MemoryStore(is_shared=True, now=clock.monotonic), limits)
        self.clock = clock
        self.random = Spread()
        self.wire = Wire()
        self.nodes: dict[str, Node] = {}

    async def start(self) -> None:
        await self.commit(Insert(row=Site(site=SITE, name="Desk", created_at=START)))

    async def join(self, *names: str, delivers: bool = True) -> list[Node]:
        """Start nodes."""
        made = []
        for name in names:
            node = self.nodes[name] = Node(name, self, delivers=delivers)
            await node.engine.start()
            made.append(node)
        self.engine = made[-1].engine
        return made

    async def kill(self, name: str) -> None:
        """The process is gone, as after kill -9: nothing of it happens any more."""
        node = self.nodes.pop(name)
        node.sender.dead = True
        self.wire.bells.remove(node.bell)
        node.engine._dispatcher.halt()
        await node.engine._supervisor.stop()

    async def stop(self, name: str) -> None:
        """In order."""
        node = self.nodes.pop(name)
        await node.engine.stop(0.05)
        self.wire.bells.remove(node.bell)

    async def calm(self) -> None:
        """Until no node has anything on its way but what hangs, nor anything new in its loops."""
        quiet = 0
        while quiet < 10:
            await asyncio.sleep(0.001)
            busy = False
            for node in self.nodes.values():
                now = node.engine.counters()
                busy |= bool(now.in_flight - len(node.sender.hanging) or now.unsettled or now.publishes_waiting)
            quiet = 0 if busy else quiet + 1

    async def tick(self, seconds: float = 0.0, *, asleep: tuple[str, ...] = ()) -> None:
        """Let time pass; every node but those asleep looks."""
        self.clock.advance(seconds)
        for name, node in tuple(self.nodes.items()):
            if name not in asleep:
                node.engine.wake()
                await node.engine.tend()
        await self.calm()

    def shares(self) -> dict[str, int]:
        """How many shards each node believes to own."""
        return {name: len(node.owned()) for name, node in self.nodes.items()}
