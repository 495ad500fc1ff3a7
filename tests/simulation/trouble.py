"""What goes wrong, when, and how it is healed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from deskbell.model.webhook import WebhookState
from simulation.network import FORBIDDEN
from simulation.people import STATES, administer, by_hand, change_one, slide
from simulation.process import Process

if TYPE_CHECKING:
    from simulation.world import World


def begin(world: "World") -> None:
    """Everything that is planned to go wrong, each at its time."""
    plan = world.plan
    faults = (
        (plan.kills, kill), (plan.stops, stop), (plan.freezes, freeze), (plan.clock_jumps, jump),
        (plan.dns_flips, flip), (plan.outages, outage), (plan.cuts, cut), (plan.admin, change), (plan.by_hand, hand),
    )  # fmt: skip
    busy = sorted(world.tape.between(0.0, plan.horizon_s * 0.9) for _ in range(3))
    for count, fault in faults:
        for _ in range(count):
            near = world.tape.chance(0.5)
            at = (
                world.tape.pick(busy) + world.tape.skewed(0.01, 60.0)
                if near
                else world.tape.between(0.0, plan.horizon_s * 0.95)
            )
            world.start(_at(world, min(at, plan.horizon_s * 0.98), fault))


async def _at(world: "World", at: float, fault: Callable[["World"], Awaitable[None]]) -> None:
    await asyncio.sleep(max(0.0, at - world.loop.time()))
    if not world.healed:
        await fault(world)


def _somebody(world: "World") -> Process | None:
    alive = [one for one in world.processes if one is not None and not one.life.dead]
    return world.tape.pick(alive) if alive else None


async def _caught(world: "World") -> Process | None:
    """Somebody; mostly in the middle of its work: it has just begun to send."""
    if world.tape.chance(0.4):
        return _somebody(world)
    ambush: asyncio.Future[Process] = world.loop.create_future()
    world.ambushes.append(ambush)
    try:
        async with asyncio.timeout(world.plan.horizon_s * 0.3):
            process = await ambush
    except TimeoutError:
        return None if world.healed else _somebody(world)
    await asyncio.sleep(world.tape.skewed(0.001, 2.0))
    return None if world.healed or process.life.dead else process


async def kill(world: "World") -> None:
    """kill -9."""
    process = await _caught(world)
    if process is not None:
        world.crashed(process, "killed")


async def stop(world: "World") -> None:
    """SIGTERM, then a new process."""
    process = _somebody(world)
    if process is None or not process.is_ready or process.is_stopping or process.life.asleep is not None:
        return
    process.is_stopping = True
    world.loop.note("stop", process.name)
    await process.ask(lambda: process.engine.stop(20.0), patience_s=200.0)
    if not process.life.dead:
        number = world.processes.index(process)
        process.die()
        world.processes[number] = None
        world.boot(number)


async def freeze(world: "World") -> None:
    """SIGSTOP, for longer than a lease or shorter; then SIGCONT."""
    process = await _caught(world)
    if process is None or process.life.asleep is not None:
        return
    world.sleeps += 1
    seconds = world.tape.skewed(0.2, 3.0) * world.plan.lease_s
    world.loop.note("freeze", process.name)
    process.life.asleep = []
    await asyncio.sleep(seconds)
    awake(world, process, seconds)


def awake(world: "World", process: Process, seconds: float) -> None:
    """SIGCONT."""
    if process.life.asleep is not None:
        process.woke_at, process.slept_s = world.loop.time(), seconds
        world.loop.wake(process.life)


async def jump(world: "World") -> None:
    """Somebody sets a wall clock."""
    wall = world.tape.pick(world.walls)
    by_s = world.tape.pick((7_200.0, -7_200.0, 86_400.0, -86_400.0, 30.0, -30.0, 400.0))
    world.jumped_s += abs(by_s)
    wall.off_s += by_s


async def flip(world: "World") -> None:
    """A name leads to forbidden addresses, or nowhere, for a while."""
    receiver = world.tape.pick(world.receivers)
    if world.tape.chance(0.6):
        receiver.forbidden = (world.tape.pick(FORBIDDEN),)
    else:
        receiver.dns_fault = world.tape.pick(("dns_nxdomain", "dns_timeout", "dns_error"))
    await asyncio.sleep(world.tape.between(5.0, world.plan.horizon_s * 0.6))
    receiver.forbidden, receiver.dns_fault = (), None


async def outage(world: "World") -> None:
    """The database is out of reach."""
    seconds = world.tape.skewed(0.5, 60.0)
    world.outages += 1
    world.loop.note("outage", round(seconds, 3))
    world.database.away_until = world.away_until = world.loop.time() + seconds


async def cut(world: "World") -> None:
    """Rings of one node are lost."""
    process = _somebody(world)
    if process is not None:
        process.bell.is_cut = True
        await asyncio.sleep(world.tape.skewed(1.0, world.plan.horizon_s * 0.2))
        process.bell.is_cut = False


async def change(world: "World") -> None:
    """A person changes settings."""
    await administer(world, world.tape.pick(STATES))


async def hand(world: "World") -> None:
    """A person sends something again, cancels it, or tests."""
    await by_hand(world, world.tape.pick(("redeliver", "again", "cancel", "test")))


async def heal(world: "World") -> None:
    """Everything works again, and somebody sets every webhook going."""
    world.healed = True
    world.loop.note("healed")
    world.database.away_until = 0.0
    for receiver in world.receivers:
        receiver.healed, receiver.forbidden, receiver.dns_fault = True, (), None
    if world.plan.nodes > 1:
        for wall in world.walls:  # machines that share a database have their clocks set
            wall.off_s = 0.0
    for process in world.processes:
        if process is not None:
            process.bell.is_cut = False
            process.points.share = 0.0
            awake(world, process, 0.0)
    await asyncio.sleep(100.0)
    for _ in range(40):
        if await _is_going(world):
            return
        await asyncio.sleep(5.0)
    world.find("stuck", "a person could not set the webhooks going")


async def _is_going(world: "World") -> bool:
    """One round of setting things going; whether there was nothing to do."""
    tables, done = world.database.tables, True
    for site in world.sites:
        if not tables.get("site", (site,)).webhooks_enabled:
            done, process = False, await world.any_ready()
            await process.ask(lambda p=process, s=site: slide(p, s, True))  # type: ignore[misc]
    for webhook_id in world.webhook_ids:
        state = tables.get("webhook", (world.site_of[webhook_id], webhook_id)).state
        action = {WebhookState.PAUSED: "resume", WebhookState.DISABLED: "enable"}.get(state)
        if action is not None:
            done, process = False, await world.any_ready()
            await process.ask(lambda p=process, a=action, w=webhook_id: change_one(world, p, a, w))  # type: ignore[misc]
    return done
