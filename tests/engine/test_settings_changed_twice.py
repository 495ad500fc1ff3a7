"""Settings that are changed again while they are being read: what was read is old, and nothing goes by it."""

import asyncio

from deskbell.model.ids import SiteId
from deskbell.model.site import Site
from deskbell.rules.limits import Limits
from deskbell.storage.memory import MemoryStore
from deskbell.storage.memory.read_settings import MemorySites
from engine.world import World, answer, in_turn, ok, until


class SlowSites(MemorySites):
    """Each answer is what was true when it was asked for, and comes when it is let go."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.is_slow = False
        self.gates: list[asyncio.Event] = []

    async def get(self, site: SiteId) -> Site | None:
        found = await super().get(site)
        if self.is_slow:
            self.gates.append(asyncio.Event())
            await self.gates[-1].wait()
        return found


async def test_a_slider_that_is_moved_back_at_once_lets_nothing_through() -> None:
    """Off, on, and off again before anybody had read that it was on."""
    store = MemoryStore()
    sites = store.sites = SlowSites(store.sites._tables)  # type: ignore[attr-defined]
    world = World(store, Limits())
    await world.start()
    await world.webhook("custom.*", character=in_turn(answer(500), ok))
    published = await world.publish()
    await world.quiet()
    await world.slider(False)
    await world.advance(60)
    assert len(world.sender.requests) == 1

    await moved(world, sites, True)
    await until(lambda: len(sites.gates) == 1)  # "on" is on its way to the engine
    await moved(world, sites, False)
    sites.gates[0].set()
    await until(lambda: len(sites.gates) == 2)  # and so is "off" now
    await world.quiet()
    assert len(world.sender.requests) == 1

    sites.is_slow = False
    sites.gates[1].set()
    await world.slider(True)
    await until(lambda: len(world.sender.requests) == 2)
    await world.quiet()
    assert await world.state(published) == "delivered"
    await world.engine.stop(0.1)
    await store.close()


async def moved(world: World, sites: SlowSites, on: bool) -> None:
    """Move the slider; what the mover reads comes at once."""
    sites.is_slow = False
    try:
        await world.slider(on)
    finally:
        sites.is_slow = True
