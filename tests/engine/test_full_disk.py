"""A disk so full that an attempt could not be recorded."""

from engine.world import World, until


async def test_nothing_is_sent_that_could_not_be_recorded(world: World) -> None:
    """What is due waits until there is room, then it is sent; readiness says why events are refused."""
    webhook = await world.webhook("custom.*")
    figures = world.store.figures
    figures.is_spent = figures.is_short = lambda: True
    published = await world.publish()
    await world.quiet()
    assert (world.sender.to(webhook), await world.state(published)) == ([], "waiting")
    assert await world.engine.fault() == "The disk is full."
    figures.is_spent = figures.is_short = lambda: False
    await until(lambda: len(world.sender.to(webhook)) == 1)
    await world.quiet()
    assert (await world.state(published), await world.engine.fault()) == ("delivered", None)


async def test_stop_does_not_wait_for_room(world: World) -> None:
    """A process on a full disk stops when it is told to."""
    await world.webhook("custom.*")
    world.store.figures.is_spent = lambda: True
    await world.publish()
    await world.engine.stop(5.0)
    assert world.engine.counters().in_flight == 0
