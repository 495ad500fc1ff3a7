"""The world of one run: it draws, begins, troubles, heals, waits until all is quiet, and checks."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deskbell.engine import keeper, nodes, replay
from deskbell.model.changes import Insert, Unit
from deskbell.model.event import Subject
from deskbell.model.exchange import Sendable
from deskbell.model.ids import SiteId, WebhookId, make_id
from deskbell.model.instant import unix_ms
from deskbell.model.people import SYSTEM
from deskbell.model.site import Site
from deskbell.model.webhook import Batch, SealedUrl, Secret, Webhook
from deskbell.outbound import sender
from deskbell.rules import shares
from deskbell.rules.limits import RETRY_SCHEDULE_S, Limits
from deskbell.rules.sealing import aad_field, aad_secret, new_keyring
from deskbell.rules.signing import SigningKey, new_secret
from deskbell.storage.memory import runs
from simulation import trouble
from simulation.clocks import START, SimRandom, Wall
from simulation.database import Database
from simulation.history import check_history
from simulation.loop import SimLoop, Stall, run
from simulation.network import Network
from simulation.people import Stay, Wish, chat, fire, publisher
from simulation.plan import Plan, draw_plan
from simulation.process import Process, stretched
from simulation.receivers import Receiver
from simulation.tape import Tape
from simulation.watch import Watch

SHARDS = 8
_KEYRING = new_keyring(b"k" * 32)
_SCHEDULES = ((5, 30, 120), (1,), (), (10, 10, 10, 10, 10), (60, 600))
_LONG_SCHEDULES = (*_SCHEDULES, (3_600, 7_200), None)
_SUBJECTS = tuple(Subject(type="ticket", id=str(n)) for n in range(3))


class Violation(AssertionError):
    """Something happened that must not; the first word names the rule."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run came to."""

    plan: Plan
    trace: str
    steps: int
    virtual_s: float
    found: tuple[str, ...]
    sends: int
    events: int
    drawn: list[int]

    @property
    def rule(self) -> str | None:
        """The first rule that was broken."""
        return self.found[0].partition(":")[0] if self.found else None


class World:
    """Everything there is in one run."""

    def __init__(self, loop: SimLoop, tape: Tape, plan: Plan) -> None:
        self.loop, self.tape, self.plan = loop, tape, plan
        self.limits = stretched(Limits(), plan)
        self.database = Database(loop, tape, plan)
        self.network = Network(loop, tape, self._at_address, self._of_host)
        self.receivers: list[Receiver] = []
        self._by_host: dict[str, Receiver] = {}
        self._by_address: dict[str, Receiver] = {}
        self.sites = tuple(SiteId(f"site{n}") for n in range(plan.sites))
        self.site_of: dict[str, SiteId] = {}
        self.webhook_ids: list[str] = []
        self.signing_keys: dict[str, SigningKey] = {}
        self.walls = [Wall(plan.skew_s if n == 1 else 0.0) for n in range(plan.nodes)]
        self.processes: list[Process | None] = [None] * plan.nodes
        self._made = 0
        self.random = SimRandom(tape, "world")
        self.wishes: list[Wish] = []
        self.stays: list[Stay] = []
        self.told: Counter[tuple[str, int]] = Counter()
        self.healed = False
        self.deaths = self.sleeps = self.outages = 0
        self.jumped_s = 0.0
        self.away_until = -1e9
        self.found: list[str] = []
        self.ambushes: list[asyncio.Future[Process]] = []  # faults that wait for somebody who sends
        self._over: asyncio.Future[None] = loop.create_future()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.watch = Watch(self)
        self.database.watch = self.watch.wrote

    # what is found

    def find(self, rule: str, text: str) -> None:
        """Something that must not be."""
        self.found.append(f"{rule}: {text} (at {self.loop.time():.3f} s)")
        if not self._over.done():
            self._over.set_result(None)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Something that happens by the side."""
        task = self.loop.create_task(work, context=self.loop.world.copy())
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.find("world", repr(task.exception()))

    # receivers

    def new_receiver(self, webhook_id: str) -> Receiver:
        """A host of its own."""
        number, tape = len(self.receivers), self.tape
        character = self.plan.characters[number % len(self.plan.characters)]
        receiver = Receiver(
            host=f"r{number}.example.com",
            address=f"93.184.{number // 200}.{number % 200 + 1}",
            character=character,
            tape=tape,
            back_at=tape.between(0.0, self.plan.horizon_s) if tape.chance(0.5) else 0.0,
            wait_s=int(tape.skewed(1.0, 1_000.0)) - 1,
        )
        if character == "echo":
            receiver.on_arrival = self._echo
        self.receivers.append(receiver)
        self._by_host[receiver.host] = self._by_address[receiver.address] = receiver
        return receiver

    def _at_address(self, address: str) -> Receiver | None:
        return self._by_address.get(address)

    def _of_host(self, host: str) -> Receiver | None:
        return self._by_host.get(host)

    def _echo(self, receiver: Receiver, arrival: Any, status: int) -> None:
        """A receiver that publishes for what it is told, which it is then told; not for ever."""
        if len(self.wishes) < self.plan.events + 10 and not self.healed:
            wish = self._wish(len(self.wishes))
            self.wishes.append(wish)
            self.start(publisher(self, [(self.loop.time() + 0.5, wish)]))

    # what there is

    def new_secret(self, site: SiteId, webhook_id: str) -> Secret:
        """A signing secret."""
        self._made += 1
        secret_id = f"sec_{self._made:026d}"
        text = new_secret(self.random.secret(32))
        self.signing_keys[secret_id] = SigningKey(text)
        sealed = _KEYRING.seal(text.encode(), aad_secret(site, webhook_id, secret_id), self.random.secret(12))
        return Secret(site=site, webhook_id=WebhookId(webhook_id), id=secret_id, sealed=sealed, created_at=self._now())

    def _now(self) -> Any:
        return START + int(self.loop.time() * 1e7)

    def sealed_url(self, site: SiteId, webhook_id: str, receiver: Receiver) -> SealedUrl:
        """The URL of a receiver, as it is kept."""
        text = f"https://{receiver.host}/in"
        return SealedUrl(
            sealed=_KEYRING.seal(text.encode(), aad_field(site, webhook_id, "receiver_url"), self.random.secret(12)),
            masked="https://…/in",
            host=receiver.host,
            fingerprint=_KEYRING.fingerprint(text),
        )

    def _new_webhook(self, number: int) -> Webhook:
        tape = self.tape
        site = self.sites[number % len(self.sites)]
        webhook_id = WebhookId(make_id("whk", unix_ms=unix_ms(START), chance=self.random.bits(74)))
        self.webhook_ids.append(webhook_id)
        self.site_of[webhook_id] = site
        batches = tape.chance(0.15)
        return Webhook(
            site=site,
            id=webhook_id,
            version=1,
            shard=number % SHARDS,
            description=f"Webhook {number}",
            receiver_url=self.sealed_url(site, webhook_id, self.new_receiver(webhook_id)),
            event_types=tape.pick((("*",), ("custom.*",), ("custom.a",), ("custom.b", "custom.dwell"))),
            created_at=START,
            created_by=SYSTEM,
            retry_schedule_s=tape.pick(_LONG_SCHEDULES if self.plan.horizon_s > 86_400.0 else _SCHEDULES),
            ordered_by="subject" if tape.chance(0.2) else "none",
            on_exhausted="continue",
            batch=Batch(events_max=5, wait_ms=int(tape.skewed(1.0, 60_000.0))) if batches else Batch(),
            rate_per_second=tape.skewed(0.2, 10.0) if tape.chance(0.1) else None,
        )

    def found_world(self) -> None:
        """Sites and webhooks, before any process starts."""
        changes: list[Any] = [Insert(row=Site(site=one, name=one, created_at=START)) for one in self.sites]
        for number in range(self.plan.webhooks):
            webhook = self._new_webhook(number)
            changes += [Insert(row=webhook), Insert(row=self.new_secret(webhook.site, webhook.id))]
        (verdict,) = self.database.apply("world", [Unit(changes=tuple(changes))])
        assert verdict.__class__.__name__ == "Committed", verdict

    def _wish(self, number: int) -> Wish:
        tape = self.tape
        poison = ',"poison"' if tape.chance(self.plan.poison) else ""
        return Wish(
            number=number,
            site=tape.pick(self.sites),
            type=tape.pick(("custom.a", "custom.b")),
            subject=tape.pick((None, *_SUBJECTS)),
            data=f'{{"n":{number},"more":["x"{poison}]}}'.encode(),
        )

    def _wishes(self) -> list[tuple[float, Wish]]:
        plan, tape = self.plan, self.tape
        bursts = [tape.between(0.0, plan.horizon_s * 0.8) for _ in range(1 + tape.below(3))] if plan.burst else []
        planned = []
        for number in range(plan.events):
            at = tape.pick(bursts) + tape.between(0.0, 5.0) if bursts else tape.between(0.0, plan.horizon_s * 0.9)
            planned.append((at, self._wish(number)))
        self.wishes.extend(wish for _, wish in planned)
        return sorted(planned, key=lambda one: one[0])

    # processes

    def boot(self, number: int) -> None:
        """Start a process on this machine."""
        self._made += 1
        node = f"node{number}"
        process = Process(
            f"{node}/{self._made}",
            node,
            loop=self.loop,
            tape=self.tape,
            plan=self.plan,
            limits=self.limits,
            wall=self.walls[number],
            database=self.database,
            network=self.network,
            keyring=_KEYRING,
            watch=self._handed,
            on_crash=self.crashed,
            healed=lambda: self.healed,
        )
        self.loop.note("boot", process.name)
        self.processes[number] = process
        process.bell.others = lambda: [one for one in self.processes if one is not None and one is not process]
        process.engine.timers.fire = fire
        process.begin()

    def _handed(self, process: Process, sendable: Sendable) -> Any:
        while self.ambushes:
            ambush = self.ambushes.pop()
            if not ambush.done():
                ambush.set_result(process)
                break
        return self.watch.handed(process, sendable)

    def crashed(self, process: Process, where: str) -> None:
        """A process ends; another one is started in its place after a while."""
        if process.life.dead:
            return
        self.loop.note("died", process.name, where)
        self.deaths += 1
        process.die()
        for error in process.log.errors:
            self.find("log", error)
        number = self.processes.index(process)
        self.processes[number] = None
        self.loop.later(self.tape.skewed(0.2, 60.0), self.boot, number)

    async def any_ready(self) -> Process:
        """A process that answers; waits until there is one."""
        pause_s = 1.0
        while True:
            ready = [one for one in self.processes if one is not None and one.is_ready and not one.is_stopping]
            if ready:
                return self.tape.pick(ready)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, 60.0)

    # the run

    async def live(self) -> None:
        """From the beginning to the check."""
        self.found_world()
        for number in range(self.plan.nodes):
            self.boot(number)
        self.start(publisher(self, self._wishes()))
        for number in range(self.plan.chats):
            self.start(chat(self, number))
        trouble.begin(self)
        if await self._passes(self.plan.horizon_s):
            return
        await trouble.heal(self)
        if await self._is_quiet():
            return
        check_history(self)
        for process in self.processes:
            for error in [] if process is None else process.log.errors:
                self.find("log", error)

    async def _passes(self, seconds: float) -> bool:
        """Let time pass; whether something was found."""
        if self._over.done():
            return True
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._over)
        except TimeoutError:
            return False
        return True

    async def _is_quiet(self) -> bool:
        """Until everything has ended, at most the longest schedule and an hour; whether something was found."""
        schedules = [one[-1][1].retry_schedule_s for one in self.watch.webhooks.values()]
        longest = max(sum(RETRY_SCHEDULE_S if one is None else one) for one in schedules)
        end = self.loop.time() + longest * 1.3 + 3_600.0 + 30 * self.plan.tick_s + 1_000.0
        calm, pause_s = 0, 5.0
        while self.loop.time() < end and calm < 2:
            if await self._passes(pause_s):
                return True
            tables = self.database.tables
            waiting = any(tables.open.values()) or tables.rows["asked"] or tables.rows["timer"]
            unsure = any(not one.answers and one.tries < 60 for one in self.wishes)
            calm = 0 if waiting or unsure else calm + 1
            pause_s = min(pause_s * 1.3, max(60.0, self.plan.tick_s)) if not calm else self.plan.tick_s + 20.0
        return self._over.done()


@contextmanager
def patched(plan: Plan) -> Iterator[None]:
    """The engine's own pace, stretched to the length of the run; and few shards."""
    tick_s = plan.tick_s
    wanted: list[tuple[Any, str, Any]] = [
        (keeper, "FLUSH_S", 2 * tick_s), (keeper, "PAUSES_S", tick_s), (keeper, "CLOCKS_S", tick_s),
        (keeper, "RETENTION_S", 10 * tick_s), (nodes, "COMPARE_S", tick_s), (replay, "LOOK_S", 5 * tick_s),
        (sender, "SWEEP_S", 0.5), (sender, "_IDLE_SWEEP_S", 20.0), (runs, "SHARDS", SHARDS), (shares, "SHARDS", SHARDS),
    ]  # fmt: skip
    before = [(module, name, getattr(module, name)) for module, name, _ in wanted]
    for module, name, value in wanted:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def simulate(tape: Tape) -> Result:
    """One run of a tape."""
    plan = draw_plan(tape)
    loop = SimLoop(tape, shuffles=plan.shuffles)
    world = World(loop, tape, plan)
    with patched(plan):
        try:
            run(loop, world.live())
        except Stall as stall:
            world.found.append(f"stall: {stall}")
    found = (*world.found, *(f"uncaught: {one}" for one in loop.faults), *world.network.found)
    return Result(
        plan=plan,
        trace=loop.trace,
        steps=loop.steps,
        virtual_s=loop.time(),
        found=found,
        sends=world.watch.sends,
        events=len(world.watch.events),
        drawn=tape.drawn,
    )
