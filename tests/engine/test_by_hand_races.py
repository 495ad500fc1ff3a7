"""What is asked for by hand in the very moment in which something else happens."""

import pytest

from deskbell.model.exchange import Reply, Stage
from deskbell.rules.limits import Limits
from engine.world import ANN, SITE, answer, hang, in_turn, ok, until

TAKEN = Reply(stage=Stage.READ, status=200)


@pytest.fixture
def limits() -> Limits:
    """One slot, so that a second attempt waits for the first."""
    return Limits(in_flight_max=1)


async def busy(world):
    """The only slot is taken."""
    webhook = await world.webhook("custom.busy", character=hang)
    await world.publish("custom.busy")
    await until(lambda: len(world.sender.hanging) == 1)
    return webhook


async def exhausted(world, *then):
    """A delivery that was refused, and how its receiver goes on."""
    webhook = await world.webhook("custom.order", character=in_turn(answer(413), *then))
    published = await world.publish("custom.order")
    await world.quiet()
    return webhook, published.delivery_ids[0]


async def test_slider_that_moves_while_a_redelivery_waits_for_its_slot(world):
    """Off is off: nothing is sent, the delivery stays as it is, and nothing is sent later either."""
    webhook, delivery_id = await exhausted(world, ok)
    await busy(world)
    await world.engine.redeliver(SITE, delivery_id, by="Ann Lee")
    await world.slider(False)
    world.sender.answer_hanging(TAKEN)
    await world.quiet()
    assert len(world.sender.to(webhook)) == 1
    await world.slider(True)
    await world.advance(10)
    assert (await world.delivery(delivery_id)).state == "exhausted"
    assert await world.store.due.asked(10) == ()
    await world.engine.redeliver(SITE, delivery_id, by="Ann Lee")
    await until(lambda: len(world.sender.to(webhook)) == 2)


async def test_slider_that_moves_while_a_waiting_one_is_sent_now(world):
    """It keeps its place in the schedule and goes on when the slider is back."""
    webhook = await world.webhook("custom.order", character=in_turn(answer(500), ok))
    published = await world.publish("custom.order")
    await world.quiet()
    await busy(world)
    await world.engine.redeliver(SITE, published.delivery_ids[0], by="Ann Lee")
    await world.slider(False)
    world.sender.answer_hanging(TAKEN)
    await world.advance(60)
    assert (await world.state(published), len(world.sender.to(webhook))) == ("waiting", 1)
    await world.slider(True)
    await until(lambda: len(world.sender.to(webhook)) == 2)
    await world.quiet()
    (_, second) = await world.store.deliveries.attempts(SITE, published.delivery_ids[0])
    assert (await world.state(published), second.trigger) == ("delivered", "automatic")


async def test_slider_that_moves_while_a_test_waits_cancels_it(world):
    """A test that cannot be sent now is not sent later: who wants it presses again."""
    webhook = await world.webhook("chat.*")
    await busy(world)
    delivery_id = await world.engine.send_test(SITE, webhook.id, by=ANN)
    await world.slider(False)
    world.sender.answer_hanging(TAKEN)
    await world.quiet()
    assert (await world.delivery(delivery_id)).state == "cancelled"
    await world.slider(True)
    await world.advance(10)
    assert world.sender.to(webhook) == []


@pytest.mark.parametrize("state", ["paused", "disabled"])
async def test_a_test_left_over_from_a_crash_is_sent_whatever_the_webhook_is(world, state):
    """The next process sends it; it does not wait until somebody resumes the webhook."""
    webhook = await world.webhook("chat.*", state=state)
    await busy(world)
    delivery_id = await world.engine.send_test(SITE, webhook.id, by=ANN)
    world.sender.characters[world.sender.hanging[0][0].url] = ok
    world.sender.hanging.clear()  # the process is gone
    await world.new_engine().start()
    await until(lambda: len(world.sender.to(webhook)) == 1)
    await world.quiet()
    assert (await world.delivery(delivery_id)).state == "delivered"
    assert await world.store.due.asked(10) == ()


async def test_a_test_left_over_while_the_slider_is_off_is_cancelled(world):
    """It was asked for before; nobody waits for it any more."""
    webhook = await world.webhook("chat.*")
    await busy(world)
    delivery_id = await world.engine.send_test(SITE, webhook.id, by=ANN)
    world.sender.hanging.clear()
    await world.slider(False)
    await world.new_engine().start()
    await world.quiet()
    assert ((await world.delivery(delivery_id)).state, world.sender.to(webhook)) == ("cancelled", [])


async def test_redelivery_that_crosses_the_automatic_attempt_is_recorded(world, monkeypatch):
    """While it is being read the delivery's own attempt comes and goes: every request stands in the log, once."""
    webhook = await world.webhook(
        "custom.order", character=in_turn(answer(500), answer(502), ok), retry_schedule_s=(60, 60)
    )
    published = await world.publish("custom.order")
    await world.quiet()
    delivery_id = published.delivery_ids[0]
    many, reads = world.store.events.many, []

    async def slow(site, event_ids):
        reads.append(event_ids)
        found = await many(site, event_ids)
        if len(reads) == 2:  # the request is committed, its delivery is read: now the retry is due
            await world.advance(60)
        return found

    monkeypatch.setattr(world.store.events, "many", slow)
    await world.engine.redeliver(SITE, delivery_id, by="Ann Lee")
    await until(lambda: len(world.sender.to(webhook)) == 3)
    await world.quiet()
    log = await world.store.deliveries.attempts(SITE, delivery_id)
    assert [(one.number, one.trigger.value) for one in log] == [(1, "automatic"), (2, "automatic"), (3, "manual")]
    delivery = await world.delivery(delivery_id)
    assert (delivery.state, delivery.attempts, delivery.step) == ("delivered", 3, 2)
