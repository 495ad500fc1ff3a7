"""A replay over crashes, pauses, people and new events: each event at most once per webhook, and the count exact."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskbell.engine import replay_headway, replay_walk
from deskbell.engine.faultpoints import Faultpoints
from deskbell.model.changes import Change, Insert, MoveDelivery, Refused, Unit, Verdict
from deskbell.model.delivery import Delivery
from deskbell.model.errors import Conflict
from deskbell.model.query import DeliveryFilter
from deskbell.model.replay import Replay
from deskbell.rules.limits import Limits
from deskbell.storage.memory import MemoryStore
from engine.test_replay import CALLER, ORIGIN, begun, replays
from engine.world import SITE, World, answer, ok

ACTIONS = [
    "crash before",
    "crash after",
    "crash at_commit",
    "stop",
    "publish",
    "by hand",
    "cancel one",
    "pause",
    "resume",
    "wait",
]


class Died(Exception):
    """The process ended here."""


class Dying(Faultpoints):
    """Ends the process at the next step, before or after it is durable."""

    def __init__(self) -> None:
        self.at: str | None = None
        self.died = asyncio.Event()

    def crash_point(self, name: str) -> None:
        if name == self.at:
            self.at = None
            self.died.set()
            raise Died


class Watched(MemoryStore):
    """Remembers what replays began, and may end the process right after a commit of theirs, whatever it held."""

    def __init__(self, dying: Dying) -> None:
        super().__init__()
        self.dying = dying
        self.begun: Counter[tuple[str, str]] = Counter()

    async def commit(self, unit: Unit) -> Verdict:
        verdict = await super().commit(unit)
        if any(_of_a_replay(change) for change in unit.changes):
            self.dying.crash_point("at_commit_replay_step")
        return verdict

    def submit(self, unit: Unit, done: Callable[[Verdict], None]) -> None:
        def written(verdict: Verdict) -> None:
            if not isinstance(verdict, Refused):
                self._note(unit)
            done(verdict)

        super().submit(unit, written)

    def _note(self, unit: Unit) -> None:
        for change in unit.changes:
            row = change.row if isinstance(change, Insert) else getattr(change, "after", None)
            is_begun = isinstance(row, Delivery) and row.replay_id is not None and row.ended_at is None
            if is_begun and isinstance(change, (Insert, MoveDelivery)):
                self.begun.update((row.webhook_id, one) for one in row.event_ids)


def _of_a_replay(change: Change) -> bool:
    row = getattr(change, "row", None) or getattr(change, "after", None)
    return (isinstance(row, Replay) and row.done > 0) or (isinstance(row, Delivery) and row.replay_id is not None)


async def perform(world: World, run_id: str, action: str, dying: Dying) -> None:
    """One thing that happens while the replay runs."""
    use = replays(world)
    with contextlib.suppress(Conflict):
        if action.startswith("crash"):
            dying.at = f"{action.removeprefix('crash ')}_replay_step"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(dying.died.wait(), 0.1)
            await restarted(world, dying)
        elif action == "stop":
            await restarted(world, dying)
        elif action == "publish":
            world.clock.advance(1)
            await world.publish()
        elif action in ("by hand", "cancel one"):
            rows = await world.store.deliveries.page(SITE, DeliveryFilter(states=("exhausted", "waiting")), None, 1)
            for row in rows:
                if action == "by hand":
                    await world.engine.redeliver(SITE, row.id, by="Ann Lee")
                else:
                    await world.engine.cancel(SITE, row.id)
        elif action == "pause":
            await use.pause(CALLER, run_id, origin=ORIGIN)
        elif action == "resume":
            await use.resume(CALLER, run_id, origin=ORIGIN)
        else:
            await asyncio.sleep(0.003)


async def restarted(world: World, dying: Dying) -> None:
    """The next process on the same database."""
    await world.engine.stop(0)
    dying.died.clear()
    dying.at = None
    await world.new_engine(faultpoints=dying).start()


async def scenario(sent: int, missed: int, actions: list[str]) -> None:
    """Exhausted and missed events of two webhooks, a replay of both kinds, and what happens meanwhile."""
    dying = Dying()
    store = Watched(dying)
    world = World(store, Limits())
    world.new_engine(faultpoints=dying)
    await world.start()
    for _ in range(2):
        await world.webhook("custom.*", character=answer(413))
    for _ in range(sent):
        await world.publish()
    await world.quiet()
    await world.slider(False)
    for _ in range(missed):
        await world.publish()
    await world.slider(True)
    world.sender.characters = dict.fromkeys(world.sender.characters, ok)
    run = await begun(world, "exhausted", "missed")
    assert run.total == 2 * (sent + missed)
    for action in actions:
        await perform(world, run.id, action, dying)
    with contextlib.suppress(Conflict):
        await replays(world).resume(CALLER, run.id, origin=ORIGIN)
    async with asyncio.timeout(20):
        while (now := await replays(world).get(SITE, run.id)).ended_at is None:
            world.engine.wake()
            await asyncio.sleep(0.002)
    await world.quiet()
    await world.engine.stop(1)
    assert max(store.begun.values(), default=0) <= 1
    assert sum(store.begun.values()) == now.done
    people = {"by hand", "cancel one"}.intersection(actions)
    assert now.done <= now.total if people else now.done == now.total


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 7), st.integers(0, 7), st.lists(st.sampled_from(ACTIONS), max_size=8))
def test_at_most_once_and_exact(sent: int, missed: int, actions: list[str]) -> None:
    """Whatever happens, in small pages and small steps."""
    page, step = replay_walk.ROWS, replay_headway.STEP
    replay_walk.ROWS, replay_headway.STEP = 3, 2
    try:
        asyncio.run(scenario(sent, missed, actions))
    finally:
        replay_walk.ROWS, replay_headway.STEP = page, step
