"""Sending an event to a webhook that did not get it."""

import asyncio

import pytest

from deskbell.model.audit import Origin
from deskbell.model.errors import Conflict, NotFound
from engine.world import ANN, SITE, answer, in_turn, ok

ORIGIN = Origin(address="192.0.2.7", request_id="req_1")


async def send(world, published, webhook):
    """Ask for it."""
    event_id = published.event_ids[0]
    return await world.engine.send_anyway(SITE, event_id, webhook.id, by=ANN, origin=ORIGIN)


async def test_it_is_a_new_delivery_with_its_whole_schedule(world):
    """What the filter refused is sent with today's settings, retried like any other, and audited."""
    webhook = await world.webhook("custom.*", filter="data.n == 2", character=in_turn(answer(500), ok))
    published = await world.publish(data=b'{"n":1}')
    assert published.delivery_ids == ()
    made = await send(world, published, webhook)
    await world.quiet()
    assert (await world.delivery(made.id)).state == "waiting"
    await world.advance(10)
    assert (await world.delivery(made.id)).state == "delivered"
    attempts = await world.store.deliveries.attempts(SITE, made.id)
    assert [one.trigger for one in attempts] == ["automatic", "automatic"]
    assert "deskbell-redelivery" not in world.sender.headers()
    entry = (await world.store.audit.range(SITE, 0, 100))[-1].entry
    assert (entry.operation, entry.object_id, entry.actor.name) == ("event.send", published.event_ids[0], "Ann Lee")
    assert made.id in entry.after


async def test_any_reason_can_be_overruled(world):
    """Not only filters: a type that was not chosen, changed fields."""
    webhook = await world.webhook("chat.created")
    made = await send(world, await world.publish(), webhook)
    await world.quiet()
    assert (await world.delivery(made.id)).state == "delivered"


async def test_an_event_that_it_has_is_not_sent_twice(world):
    """Whoever has a delivery of it sends that one again; a double click makes one."""
    webhook = await world.webhook("custom.*")
    published = await world.publish()
    with pytest.raises(Conflict, match=published.delivery_ids[0]):
        await send(world, published, webhook)
    other = await world.webhook("chat.*")
    found = await asyncio.gather(send(world, published, other), send(world, published, other), return_exceptions=True)
    assert [isinstance(one, Conflict) for one in found].count(True) == 1
    await world.quiet()
    assert len(world.sender.to(other)) == 1


async def test_what_may_not_be_sent(world):
    """Unknown things are not found; a disabled webhook and a site whose slider is off are refused; paused holds."""
    disabled, paused = await world.webhook("chat.*", state="disabled"), await world.webhook("chat.*", state="paused")
    published = await world.publish()
    with pytest.raises(Conflict, match="disabled"):
        await send(world, published, disabled)
    made = await send(world, published, paused)
    await world.quiet()
    assert (await world.delivery(made.id)).state == "waiting"
    assert world.sender.requests == []
    for event_id, webhook_id in (("evt_0", paused.id), (published.event_ids[0], "whk_0")):
        with pytest.raises(NotFound):
            await world.engine.send_anyway(SITE, event_id, webhook_id, by=ANN, origin=ORIGIN)
    await world.slider(False)
    with pytest.raises(Conflict, match="off"):
        await send(world, await world.publish(), paused)


async def test_a_held_one_drains_with_the_queue(world):
    """A delivery asked for while paused goes out on resume."""
    paused = await world.webhook("chat.*", state="paused")
    made = await send(world, await world.publish(), paused)
    await world.change(paused, state="enabled")
    await world.quiet()
    assert (await world.delivery(made.id)).state == "delivered"
