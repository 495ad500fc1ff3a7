"""The same engine on a real database file: nothing is lost over a restart."""

from deskbell.model.draft import Draft
from deskbell.rules.limits import Limits
from deskbell.storage.sqlite.store import SqliteStore
from engine.world import KEY, SITE, World, answer, hang, in_turn, ok, until


async def opened(path, world=None):
    """A started engine on this file; with `world`, its next process."""
    store = SqliteStore.open(path)
    if world is None:
        world = World(store, Limits())
        await world.start()
        return world
    world.store = store
    await world.new_engine().start()
    return world


async def test_restart_loses_nothing(tmp_path):
    """Delivered stays delivered, waiting goes on at its time, unsettled is sent again with its id and bytes."""
    path = tmp_path / "deskbell.db"
    world = await opened(path)
    await world.webhook("custom.a")
    failing = await world.webhook("custom.b", character=in_turn(answer(500), ok))
    hanging = await world.webhook("custom.c", character=hang)
    published = [await world.publish(name) for name in ("custom.a", "custom.b", "custom.c")]
    await until(lambda: len(world.sender.hanging) == 1 and len(world.sender.requests) == 3)
    await world.quiet()
    await world.engine.stop(0)
    await world.store.close()

    world.sender.hanging.clear()
    world.sender.characters[world.sender.to(hanging)[0].url] = ok
    await opened(path, world)
    await until(lambda: len(world.sender.to(hanging)) == 2)
    await world.quiet()
    assert len(world.sender.to(failing)) == 1
    await world.advance(5)
    await until(lambda: len(world.sender.to(failing)) == 2)
    await world.quiet()
    assert [await world.state(one) for one in published] == ["delivered"] * 3
    first, second = world.sender.to(hanging)
    assert (first.body, dict(first.headers)["webhook-id"]) == (second.body, dict(second.headers)["webhook-id"])
    await world.engine.stop(1)
    await world.store.close()


async def test_many_share_few_commits_and_all_arrive(tmp_path):
    """A burst is delivered whole, and every attempt is counted once."""
    world = await opened(tmp_path / "deskbell.db")
    webhook = await world.webhook("custom.*")
    answers = []

    draft = Draft(type="custom.n", by=KEY, occurred_at=world.clock.now(), data=b'{"a":1}')
    for _ in range(500):
        world.engine.submit(SITE, [draft], answers.append)
    await until(lambda: world.engine.counters().attempts.get("delivered") == 500, 20)
    await world.engine.tend()
    (row,) = await world.store.webhooks.stats(SITE, 0)
    assert (len(answers), len(world.sender.to(webhook)), row.delivered) == (500, 500, 500)
    assert await world.store.due.webhooks() == ()
    await world.engine.stop(1)
    await world.store.close()


async def test_an_attempt_that_was_asked_for_is_made_after_a_restart(tmp_path):
    """The process ended between the click and the attempt."""
    path = tmp_path / "deskbell.db"
    world = await opened(path)
    webhook = await world.webhook("custom.a", character=answer(413))
    published = await world.publish("custom.a")
    await world.quiet()
    world.engine._dispatcher.halt()
    await world.engine.redeliver(SITE, published.delivery_ids[0], by="Ann Lee")
    await world.engine.stop(0)
    await world.store.close()

    world.sender.characters[world.sender.to(webhook)[0].url] = ok
    await opened(path, world)
    await until(lambda: len(world.sender.to(webhook)) == 2)
    await world.quiet()
    assert await world.state(published) == "delivered"
    (_, attempt) = await world.store.deliveries.attempts(SITE, published.delivery_ids[0])
    assert (attempt.trigger, attempt.by) == ("manual", "Ann Lee")
    await world.engine.stop(0)
    await world.store.close()
