"""The same replays on real databases: pages, units, counts and progress as in memory."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contract.conftest import STORES
from deskbell.model.query import DeliveryFilter
from deskbell.rules.limits import Limits
from engine.test_replay import begun, replays
from engine.world import SITE, World, answer, ok, until


@pytest.fixture(params=["postgres", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A started engine on an empty database."""
    async with STORES[request.param](request, tmp_path) as store:
        made = World(store, Limits())
        await made.start()
        yield made
        await made.engine.stop(1)
        await store.close()


async def test_a_range_over_pages_and_another_process(world: World) -> None:
    """Exhausted and missed, more than a page of each; the process that began it ends in between."""
    await world.webhook("custom.*", character=answer(413))
    for n in range(230):
        await world.publish("custom.n", b"%d" % n)
    await until(lambda: len(world.sender.requests) == 230)
    await world.quiet()
    await world.slider(False)
    for n in range(230):
        await world.publish("custom.m", b"%d" % n)
    await world.slider(True)
    world.sender.characters = dict.fromkeys(world.sender.characters, ok)
    world.sender.requests.clear()
    run = await begun(world, "exhausted", "missed")
    assert run.total == 460
    await until(lambda: len(world.sender.requests) > 50, 20)
    await world.engine.stop(1)
    await world.new_engine().start()
    async with asyncio.timeout(20):
        while (now := await replays(world).get(SITE, run.id)).ended_at is None:
            world.engine.wake()
            await asyncio.sleep(0.005)
    await until(lambda: len({dict(one.headers)["webhook-id"] for one in world.sender.requests}) == 460, 20)
    await world.quiet()
    progress = await replays(world).progress(now)
    assert (now.done, progress.delivered, progress.waiting) == (460, 460, 0)
    rows = await world.store.deliveries.page(SITE, DeliveryFilter(replay_id=run.id), None, 1_000)
    assert len({row.event_ids for row in rows}) == len(rows) == 460


async def test_today(world: World) -> None:
    """A copy is written with what it is a copy of, and found by its events."""
    webhook = await world.webhook("custom.*", character=answer(413))
    old_id = (await world.publish()).delivery_ids[0]
    await until(lambda: len(world.sender.requests) == 1)
    await world.quiet()
    world.sender.characters = dict.fromkeys(world.sender.characters, ok)
    copy = await world.engine.send_again(SITE, old_id, by="Ann Lee")
    await until(lambda: len(world.sender.requests) == 2)
    await world.quiet()
    found = await world.store.deliveries.carrying(SITE, copy.event_ids, webhook.id)
    assert [(one.id, one.copy_of, one.state.value) for one in found] == [
        (old_id, None, "exhausted"),
        (copy.id, old_id, "delivered"),
    ]
