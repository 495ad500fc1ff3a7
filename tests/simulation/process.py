"""One process of Deskbell: the real engine over simulated ports, and what publishers and people ask of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import replace
from typing import Any

from deskbell.doorbell.local import LocalDoorbell
from deskbell.doorbell.wire import NEWS, WORK
from deskbell.engine import Engine
from deskbell.engine.faultpoints import Faultpoints
from deskbell.model.account import Caller
from deskbell.model.errors import Refusal, StoreBroken
from deskbell.model.exchange import Sendable
from deskbell.model.rendering import Frozen, Rendered
from deskbell.receivers import KINDS
from deskbell.receivers.generic.kind import GenericKind
from deskbell.rules.limits import Limits
from deskbell.server.hot_path import HotPath
from simulation.clocks import QuietLog, SimClock, SimRandom, Wall
from simulation.database import Database, SimStore
from simulation.loop import LIFE, Died, Life, SimLoop
from simulation.network import Network, WatchedSender
from simulation.plan import Plan
from simulation.tape import Tape

POISON = b'"poison"'


class Lost:
    """No answer came: nobody knows whether it was done."""


LOST = Lost()


class Poisoned(GenericKind):
    """The real kind, but for payloads that an error of ours cannot render."""

    def render(self, frozen: Frozen, limits: Limits) -> Rendered:
        """The payload in the webhook's format."""
        if any(POISON in one for one in frozen.snapshots):
            raise ZeroDivisionError("an error of ours")
        return super().render(frozen, limits)


class Bell(LocalDoorbell):
    """The doorbell of one node; rings that others must hear travel, or are lost while the wire is cut."""

    def __init__(self, loop: SimLoop, tape: Tape) -> None:
        super().__init__()
        self._loop, self._tape = loop, tape
        self.others: Callable[[], list[Process]] = list
        self.is_cut = False

    def ring(self, bell: str, detail: Any = None) -> None:
        """Ring here, and elsewhere a little later."""
        super().ring(bell, detail)
        if (bell in WORK or bell in NEWS) and not self.is_cut:
            for other in self.others():
                if not other.bell.is_cut:
                    delay_s = self._tape.skewed(0.001, 0.5)
                    self._loop.later(delay_s, LocalDoorbell.ring, other.bell, bell, detail, by=other.context)


class CrashPoints(Faultpoints):
    """The process ends at a named point now and then."""

    def __init__(self, process: "Process", share: float) -> None:
        self._process, self.share = process, share

    def crash_point(self, name: str) -> None:
        """Perhaps here."""
        if self._process.tape.chance(self.share) and not self._process.life.dead:
            self._process.on_crash(self._process, name)
            raise Died


class Process:
    """Started, asked, stopped in order, put to sleep or killed."""

    def __init__(
        self,
        name: str,
        node: str,
        *,
        loop: SimLoop,
        tape: Tape,
        plan: Plan,
        limits: Limits,
        wall: Wall,
        database: Database,
        network: Network,
        keyring: Any,
        watch: Callable[["Process", Sendable], Any],
        on_crash: Callable[["Process", str], None],
        healed: Callable[[], bool],
    ) -> None:
        self.name, self.node, self.loop, self.tape = name, node, loop, tape
        self.life = Life(node)
        self.context = copy_context()
        self.context.run(LIFE.set, self.life)
        self.on_crash = on_crash
        self.is_ready = False
        self.is_stopping = False
        self.woke_at = self.slept_s = 0.0
        self.clock = SimClock(loop, wall)
        self.random = SimRandom(tape, name)
        self.store = SimStore(database, self.life, self.context)
        self.bell = Bell(loop, tape)
        self.log = QuietLog(lambda more: _is_explained(plan, str(more)))
        self.sender = WatchedSender(network, self.clock, limits, self.context, lambda one: watch(self, one))
        self.points = CrashPoints(self, 0.0 if healed() else plan.crash_points)
        self.engine = Engine(
            store=self.store,
            sender=self.sender,
            clock=self.clock,
            random=self.random,
            doorbell=self.bell,
            limits=limits,
            kinds=_KINDS,
            keyring=keyring,
            log=self.log,  # type: ignore[arg-type]  # what the engine calls of it
            faultpoints=self.points,
            node=node,
        )
        self.hot_path = HotPath(
            app=None,  # type: ignore[arg-type]  # no request comes in by the door
            authenticator=None,  # type: ignore[arg-type]
            publisher=self.engine,
            store=self.store,  # type: ignore[arg-type]
            rates=None,  # type: ignore[arg-type]
            clock=self.clock,
            random=self.random,
            limits=limits,
        )

    def begin(self) -> None:
        """Start, in its own name."""
        self.loop.create_task(self._begin(), context=self.context)

    async def _begin(self) -> None:
        try:
            await self.engine.start()
        except (StoreBroken, TimeoutError):
            self.on_crash(self, "start")
            return
        self.is_ready = True

    async def ask(self, make: Callable[[], Awaitable[Any]], *, patience_s: float = 20.0) -> Any:
        """A request over the wire: its answer, the refusal, or LOST."""
        answer: asyncio.Future[Any] = self.loop.create_future()
        self.loop.later(self.tape.skewed(0.0005, 0.05), self._serve, make, answer, by=self.context)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                return await answer
        return LOST

    def _serve(self, make: Callable[[], Awaitable[Any]], answer: asyncio.Future[Any]) -> None:
        async def work() -> None:
            try:
                found = await make()
            except (Refusal, StoreBroken, TimeoutError) as refusal:
                found = refusal
            if not self.life.dead:
                self.loop.later(self.tape.skewed(0.0005, 0.05), _tell, answer, found)

        self.loop.create_task(work())

    def publish(self, caller: Caller, body: bytes, items: list[Any], key: str) -> Awaitable[bytes]:
        """What the API does with POST /events."""
        return self.hot_path.accept_once(caller, items, False, 0, key, body)

    def die(self) -> None:
        """As after kill -9."""
        self.loop.kill(self.life)
        self.store.crash()


def _is_explained(plan: Plan, error: str) -> bool:
    """Whether the world made this error."""
    if "TimeoutError" in error:  # a beat that took longer than it may
        return plan.outages > 0 or plan.freezes > 0
    return plan.outages > 0 and "out of reach" in error


def _tell(answer: asyncio.Future[Any], found: Any) -> None:
    if not answer.done():
        answer.set_result(found)


_KINDS: Mapping[str, Any] = {**KINDS, "generic": Poisoned()}


def stretched(limits: Limits, plan: Plan) -> Limits:
    """The numbers of this run."""
    return replace(
        limits,
        in_flight_per_webhook=plan.in_flight,
        in_flight_max=plan.in_flight_all,
        safety_poll_s=max(5.0, plan.tick_s),
        shard_lease_s=plan.lease_s,
    )
