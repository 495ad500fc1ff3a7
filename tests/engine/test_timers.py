"""Timers fire when they are due, once, and hold up nobody when something is wrong with one of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from deskbell.model.changes import ArmTimer, DropTimers, PutMeta, Replace
from deskbell.model.draft import Draft, Firing
from deskbell.model.instant import Instant, plus
from deskbell.model.people import SYSTEM
from deskbell.model.query import EventFilter
from deskbell.model.timer import Timer
from deskbell.rules.limits import Limits
from deskbell.storage.memory import MemoryStore
from engine.cluster import Cluster
from engine.world import SITE, START, World, ok, until


def timer(number: int = 1, due_s: float = 60.0, rule: str = "tmr_1") -> Timer:
    """A timer of a chat."""
    return Timer(site=SITE, rule=rule, subject=f"chat:{number}", epoch=1, due_at=plus(START, due_s), since=START)


class Follower:
    """Says what follows from timers: an event, and their end."""

    def __init__(self) -> None:
        self.asked: list[Timer] = []
        self.fails: set[str] = set()

    async def fire(self, timers: Sequence[Timer], now: Instant) -> list[Firing]:
        self.asked += timers
        if self.fails.intersection(one.rule for one in timers):
            raise ValueError("what follows is not known")
        return [self._firing(one, now) for one in timers]

    def _firing(self, one: Timer, now: Instant) -> Firing:
        draft = Draft(type="custom.due", by=SYSTEM, occurred_at=now, data=f'"{one.subject}"'.encode())
        return Firing(changes=(DropTimers(site=one.site, subject=one.subject, rule=one.rule),), drafts=(draft,))


@pytest.fixture
async def world() -> Any:
    """An engine that has been told what follows."""
    made = World(MemoryStore(), Limits(safety_poll_s=60.0))
    made.follower = Follower()  # type: ignore[attr-defined]  # only here
    await made.start()
    made.engine.timers.fire = made.follower.fire  # type: ignore[attr-defined]
    yield made
    await made.engine.stop(0.1)


async def told(world: Any) -> int:
    """How many events there are."""
    return int(await world.store.events.count(SITE, EventFilter()))


async def test_a_timer_fires_when_it_is_due(world: Any) -> None:
    """Not before; and its event is delivered like any other."""
    webhook = await world.webhook("custom.*", character=ok)
    await world.commit(ArmTimer(timer=timer()))
    await world.advance(59)
    assert await told(world) == 0
    await world.advance(1)
    assert await told(world) == 1
    assert len(world.sender.to(webhook)) == 1
    assert await world.store.timers.count() == 0


async def test_an_overdue_timer_fires_once_at_the_start(world: Any) -> None:
    """The process was down when it was due."""
    await world.engine.stop(0.1)
    await world.commit(ArmTimer(timer=timer()))
    world.clock.advance(3600)
    world.new_engine().timers.fire = world.follower.fire
    await world.engine.start()
    await until(lambda: len(world.follower.asked) == 1)
    await world.advance(60)
    assert await told(world) == 1
    assert len(world.follower.asked) == 1


async def test_a_sleeping_process_is_woken_by_an_earlier_timer(world: Any) -> None:
    """It sleeps for its safety poll of a minute; the ring of what is due now ends that."""
    await asyncio.sleep(0)
    await world.commit(ArmTimer(timer=timer(due_s=0)))
    world.engine.timers.armed(START)
    await until(lambda: len(world.follower.asked) == 1)
    await world.quiet()
    assert await told(world) == 1


async def test_what_is_due_later_rings_nobody(world: Any) -> None:
    """The safety poll comes in time for it."""
    rings: list[Any] = []
    world.doorbell.listen("timer", rings.append)
    world.engine.timers.armed(plus(START, 61))
    assert rings == []
    world.engine.timers.armed(plus(START, 60))
    assert rings == [plus(START, 60)]


async def test_more_than_a_batch_fires(world: Any) -> None:
    """All that is due, in batches, each once."""
    count = world.limits.timers_at_once * 2 + 7
    await world.commit(*(ArmTimer(timer=timer(number)) for number in range(count)))
    await world.advance(60)
    assert await told(world) == count


async def test_two_processes_fire_once(world: Any) -> None:
    """Both believe that the timers are theirs; the guard decides."""
    other = World(world.store, world.limits)
    other.clock = world.clock
    second = other.new_engine()
    second.timers.fire = world.follower.fire
    await second.start()
    await world.commit(*(ArmTimer(timer=timer(number)) for number in range(50)))
    world.clock.advance(60)
    await asyncio.gather(world.engine.timers.tend(), second.timers.tend())
    assert await told(world) == 50
    await second.stop(0.1)


async def test_one_that_fails_is_put_off_and_holds_up_no_other(world: Any) -> None:
    """It is tried again a minute later, and for ever."""
    world.follower.fails = {"tmr_bad"}
    await world.commit(ArmTimer(timer=timer(1, rule="tmr_bad")), ArmTimer(timer=timer(2)))
    await world.advance(60)
    assert await told(world) == 1
    [left] = await world.store.timers.due(plus(START, 1e6), 10)
    assert left.due_at == plus(START, 120)
    world.follower.fails = set()
    await world.advance(60)
    assert await told(world) == 2


async def test_one_whose_subject_changes_all_the_time_is_tried_again(world: Any) -> None:
    """Its unit is refused, nothing is told, and nothing spins."""
    site = await world.store.sites.get(SITE)
    stale = Firing(changes=(Replace(row=replace(site, version=9)),))

    async def follow(timers: Sequence[Timer], now: Instant) -> list[Firing]:
        world.follower.asked += timers
        return [stale]

    world.engine.timers.fire = follow
    await world.commit(ArmTimer(timer=timer(due_s=0)))
    assert await world.engine.timers.step() > 0
    assert len(world.follower.asked) == 3
    assert await world.store.timers.count() == 1


async def test_a_stopping_engine_fires_nothing(world: Any) -> None:
    """What is due waits for the next start."""
    await world.engine.stop(0.1)
    await world.commit(ArmTimer(timer=timer(due_s=0)))
    assert await world.engine.timers.step() > 0
    assert world.follower.asked == []


async def test_a_firing_without_event_is_written(world: Any) -> None:
    """A walk goes on, a timer is set again: guarded like the rest."""

    async def follow(timers: Sequence[Timer], now: Instant) -> list[Firing]:
        dropped = DropTimers(site=SITE, subject=timers[0].subject)
        return [Firing(changes=(PutMeta(key="k", value="v"), dropped))]

    world.engine.timers.fire = follow
    await world.commit(ArmTimer(timer=timer(due_s=0)))
    await world.engine.timers.tend()
    assert await world.store.schema.meta("k") == "v"
    assert await world.store.timers.count() == 0


async def test_one_node_fires_for_all_and_another_goes_on() -> None:
    """The owner of the first shard; when it dies, whoever takes that shard fires what is overdue, once."""
    cluster = Cluster(Limits())
    await cluster.start()
    followers = {name: Follower() for name in ("a", "b")}
    for node in await cluster.join("a", "b"):
        node.engine.timers.fire = followers[node.name].fire
    await cluster.tick(1)
    [owner] = [name for name, node in cluster.nodes.items() if 0 in node.owned()]
    [other] = [name for name in cluster.nodes if name != owner]
    await cluster.commit(ArmTimer(timer=timer(1, due_s=2)), ArmTimer(timer=timer(2, due_s=3)))
    await cluster.tick(1)
    assert [one.subject for one in followers[owner].asked] == ["chat:1"]
    await cluster.kill(owner)
    await cluster.tick(5)
    assert followers[other].asked == []
    for _ in range(5):
        await cluster.tick(5)
    assert [one.subject for one in followers[other].asked] == ["chat:2"]
    assert await told(cluster) == 2
    await cluster.stop(other)
