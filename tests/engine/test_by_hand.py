"""Send again, cancel, Test, trigger, preview."""

import json

import pytest

from deskbell.model.changes import Insert
from deskbell.model.errors import Conflict, Invalid, NotFound
from deskbell.model.event import CustomType
from deskbell.model.webhook import WebhookState
from engine.world import ANN, SITE, answer, hang, in_turn, ok, until


async def exhausted(world, *then):
    """A delivery that was refused at once, and a receiver that goes on like this."""
    webhook = await world.webhook("custom.*", character=in_turn(answer(413), *then))
    published = await world.publish()
    await world.quiet()
    return webhook, published.delivery_ids[0]


async def test_redelivery_that_succeeds(world):
    """Send again: same id and bytes, marked, one manual attempt by that person, and the delivery is delivered."""
    _, delivery_id = await exhausted(world, ok)
    await world.engine.redeliver(SITE, delivery_id, by="Ann Lee")
    await world.quiet()
    first, second = world.sender.requests
    assert first.body == second.body
    assert world.sender.headers()["deskbell-redelivery"] == "true"
    assert world.sender.headers()["webhook-id"] == delivery_id
    delivery = await world.delivery(delivery_id)
    assert (delivery.state, delivery.attempts, delivery.step) == ("delivered", 2, 1)
    attempts = await world.store.deliveries.attempts(SITE, delivery_id)
    assert (attempts[1].trigger, attempts[1].by) == ("manual", "Ann Lee")


async def test_redelivery_that_fails_leaves_the_end(world):
    """Sent again, failed again: the delivery stays exhausted."""
    _, delivery_id = await exhausted(world, answer(500))
    ended_at = (await world.delivery(delivery_id)).ended_at
    await world.engine.redeliver(SITE, delivery_id, by="Ann Lee")
    await world.quiet()
    delivery = await world.delivery(delivery_id)
    assert (delivery.state, delivery.attempts, delivery.ended_at) == ("exhausted", 2, ended_at)
    await world.advance(100)
    assert len(world.sender.requests) == 2


async def test_send_now_of_a_waiting_one_uses_no_step(world):
    """Send now, failed again: the schedule goes on as it was."""
    await world.webhook("custom.*", character=in_turn(answer(500), answer(502), ok))
    delivery_id = (await world.publish()).delivery_ids[0]
    await world.quiet()
    due_at = (await world.delivery(delivery_id)).due_at
    world.clock.advance(1)
    await world.engine.redeliver(SITE, delivery_id, by="Ann Lee")
    await world.quiet()
    delivery = await world.delivery(delivery_id)
    assert (delivery.state, delivery.due_at, delivery.attempts, delivery.step) == ("waiting", due_at, 2, 1)
    await world.advance(4)
    delivery = await world.delivery(delivery_id)
    assert (delivery.state, delivery.attempts, delivery.step) == ("delivered", 3, 2)


async def test_redelivery_goes_ahead_of_the_queue_and_when_paused(world):
    """Send again works for a paused webhook, whose queue stays held."""
    webhook, delivery_id = await exhausted(world, ok)
    await world.change(webhook, state=WebhookState.PAUSED)
    held = await world.publish()
    await world.engine.redeliver(SITE, delivery_id, by="Ann Lee")
    await world.quiet()
    assert (await world.delivery(delivery_id)).state == "delivered"
    assert await world.state(held) == "waiting"


@pytest.mark.parametrize(("state", "reason"), [("disabled", "disabled"), ("deleted", "deleted")])
async def test_redelivery_is_refused_when_the_webhook_is_out(world, state, reason):
    """Send again of a disabled or deleted webhook is a conflict that says what to do."""
    webhook, delivery_id = await exhausted(world, ok)
    await world.change(webhook, state=WebhookState(state))
    with pytest.raises(Conflict) as refused:
        await world.engine.redeliver(SITE, delivery_id, by="Ann Lee")
    assert refused.value.reason == reason


async def test_redelivery_and_test_are_refused_while_the_slider_is_off(world):
    """With webhooks off nothing is sent, not even by hand."""
    webhook, delivery_id = await exhausted(world, ok)
    await world.slider(False)
    with pytest.raises(Conflict):
        await world.engine.redeliver(SITE, delivery_id, by="Ann Lee")
    with pytest.raises(Conflict):
        await world.engine.send_test(SITE, webhook.id, by=ANN)


async def test_redelivery_of_one_in_flight_is_a_conflict(world):
    """A delivery that is being sent is not sent twice at once."""
    await world.webhook("custom.*", character=hang)
    published = await world.publish()
    await until(lambda: len(world.sender.hanging) == 1)
    with pytest.raises(Conflict):
        await world.engine.redeliver(SITE, published.delivery_ids[0], by="Ann Lee")


async def test_redelivery_of_an_unknown_one(world):
    """An id that is not of this site is not found."""
    with pytest.raises(NotFound):
        await world.engine.redeliver(SITE, "dlv_00000000000000000000000000", by="Ann Lee")


async def test_cancel(world):
    """A cancelled delivery is not tried again, and cannot be cancelled twice."""
    await world.webhook("custom.*", character=answer(500))
    delivery_id = (await world.publish()).delivery_ids[0]
    await world.quiet()
    assert (await world.engine.cancel(SITE, delivery_id)).state == "cancelled"
    await world.advance(3_600)
    assert len(world.sender.requests) == 1
    with pytest.raises(Conflict):
        await world.engine.cancel(SITE, delivery_id)


@pytest.mark.parametrize("state", ["enabled", "paused", "disabled"])
async def test_test_is_sent_in_any_state(world, state):
    """The Test button sends one `test.ping` even when the webhook is paused or disabled."""
    webhook = await world.webhook("chat.*", state=WebhookState(state))
    delivery_id = await world.engine.send_test(SITE, webhook.id, by=ANN)
    await world.quiet()
    delivery = await world.delivery(delivery_id)
    assert (delivery.state, delivery.test, delivery.event_types) == ("delivered", True, ("test.ping",))
    (snapshot,) = json.loads(world.sender.requests[0].body)
    assert (snapshot["sentBy"], snapshot["meta"]["test"]) == ("Ann Lee", True)
    (attempt,) = await world.store.deliveries.attempts(SITE, delivery_id)
    assert attempt.trigger == "test"


async def test_failed_test_is_never_repeated_and_hurts_nobody(world):
    """A test that fails ends exhausted, is not retried, and leaves health and state as they were."""
    webhook = await world.webhook("custom.*", character=answer(410))
    delivery_id = await world.engine.send_test(SITE, webhook.id, by=ANN)
    await world.quiet()
    await world.advance(3_600)
    assert (await world.delivery(delivery_id)).state == "exhausted"
    assert len(world.sender.requests) == 1
    assert world.engine.health(webhook).last_attempt_at is None
    assert (await world.store.webhooks.get(SITE, webhook.id)).state == "enabled"


async def test_test_with_another_type(world):
    """Any type's sample can be the test."""
    webhook = await world.webhook("custom.*")
    await world.engine.send_test(SITE, webhook.id, by=ANN, event_type="chat.created")
    await world.quiet()
    assert json.loads(world.sender.requests[0].body)[0]["meta"]["eventType"] == "chat.created"


async def test_trigger_is_matched_like_a_real_event(world):
    """A triggered sample goes to who chose its type, marked as a test, with members replaced."""
    chat = await world.webhook("chat.*")
    custom = await world.webhook("custom.*")
    event_id = await world.engine.trigger(SITE, "chat.created", "typical", {"name": "Zoë", "creator.name": "Al"}, ANN)
    await world.quiet()
    (request,) = world.sender.to(chat)
    (snapshot,) = json.loads(request.body)
    assert (snapshot["name"], snapshot["creator"]["name"]) == ("Zoë", "Al")
    assert (snapshot["meta"]["eventId"], snapshot["meta"]["test"]) == (event_id, True)
    assert list(snapshot)[:3] == ["msp", "id", "name"]
    assert world.sender.to(custom) == []
    assert (await world.store.events.get(SITE, event_id)).test


async def test_trigger_of_a_custom_type(world):
    """For custom types the replaced members are those of `data`."""
    await world.webhook("custom.*")
    await world.engine.trigger(SITE, "custom.thing", "typical", {"title": "Hello"}, ANN)
    await world.quiet()
    assert json.loads(world.sender.requests[0].body)[0]["data"]["title"] == "Hello"


@pytest.mark.parametrize(
    ("event_type", "sample", "overrides"),
    [("chat.creatd", "typical", {}), ("chat.created", "huge", {}), ("chat.created", "typical", {"a.b.c": 1})],
)
async def test_trigger_refuses_what_is_unknown(world, event_type, sample, overrides):
    """Unknown types, samples and places are refused with a fault that helps."""
    with pytest.raises(Invalid) as refused:
        await world.engine.trigger(SITE, event_type, sample, overrides, ANN)
    assert refused.value.faults[0].detail


async def test_preview(world):
    """The preview is the payload, without a delivery."""
    webhook = await world.webhook("chat.*", format="standard")
    published = await world.publish()
    body = json.loads(await world.engine.preview(SITE, published.event_ids[0], webhook.id))
    assert body["type"] == "custom.order"
    assert world.sender.requests == []


async def test_payload_of_a_delivery(world):
    """The bytes of a delivery can be looked at before and after it was sent, in any format."""
    joined = await world.webhook("custom.*", state="paused")
    stored = await world.webhook("custom.*", format="standard")
    published = await world.publish()
    await world.quiet()
    bodies = {}
    for delivery_id in published.delivery_ids:
        webhook_id = (await world.delivery(delivery_id)).webhook_id
        bodies[webhook_id] = json.loads(await world.engine.payload_of(SITE, delivery_id))
    assert isinstance(bodies[joined.id], list)
    assert bodies[stored.id]["type"] == "custom.order"


async def test_trigger_uses_the_declared_sample(world):
    """A declared custom type is triggered with its own sample."""
    declared = CustomType(
        site=SITE, name="custom.thing", description="A thing", sample='{"colour": "red"}', created_at=world.clock.now()
    )
    await world.commit(Insert(row=declared))
    await world.webhook("custom.*")
    await world.engine.trigger(SITE, "custom.thing", "typical", {"size": 3}, ANN)
    await world.quiet()
    assert json.loads(world.sender.requests[0].body)[0]["data"] == {"colour": "red", "size": 3}
