"""Paused, disabled, deleted, slider off: what is matched, what is held, and what goes on when."""

from dataclasses import replace

import pytest

from deskbell.model.changes import CancelWaiting, Replace
from deskbell.model.instant import plus
from deskbell.model.webhook import WebhookState
from deskbell.rules.sealing import aad_field
from engine.world import KEY, SITE, answer, hang, in_turn, ok, until


async def trace_of(world, published):
    """The trace of the first event as webhook: reason."""
    event = await world.store.events.get(SITE, published.event_ids[0])
    return {entry.webhook_id: entry.reason for entry in event.trace}


async def test_paused_webhook_holds_and_goes_on(world):
    """While paused events are matched and held; on resume they are sent in order."""
    webhook = await world.webhook("custom.*")
    await world.change(webhook, state=WebhookState.PAUSED)
    published = [await world.publish() for _ in range(3)]
    await world.quiet()
    assert world.sender.requests == []
    assert await trace_of(world, published[0]) == {webhook.id: "paused"}
    await world.change(webhook, state=WebhookState.ENABLED)
    await until(lambda: len(world.sender.requests) == 3)
    sent = [dict(one.headers)["webhook-id"] for one in world.sender.requests]
    assert sent == [one.delivery_ids[0] for one in published]


async def test_pause_until_ends_by_itself(world):
    """A pause with an end is over at that time, by the system, without an audit row."""
    webhook = await world.webhook("custom.*")
    await world.change(webhook, state=WebhookState.PAUSED, paused_until=plus(world.clock.now(), 600))
    await world.publish()
    await world.advance(599)
    assert world.sender.requests == []
    await world.advance(2)
    await until(lambda: len(world.sender.requests) == 1)
    resumed = await world.store.webhooks.get(SITE, webhook.id)
    assert (resumed.state, resumed.paused_until, resumed.state_by.name) == ("enabled", None, "system")
    assert await world.store.audit.page(SITE, None, 10) == ()


async def test_disabled_webhook_gets_no_delivery(world):
    """A disabled webhook stands in the trace, without a delivery."""
    webhook = await world.webhook("custom.*")
    await world.change(webhook, state=WebhookState.DISABLED)
    published = await world.publish()
    assert published.delivery_ids == ()
    assert await trace_of(world, published) == {webhook.id: "disabled"}


async def test_slider_off_and_on(world):
    """With the slider off nothing new is made and waiting ones are held; back on, they go on."""
    webhook = await world.webhook("custom.*", character=in_turn(answer(500), ok))
    waiting = await world.publish()
    await world.quiet()
    await world.slider(False)
    missed = await world.publish()
    assert missed.delivery_ids == ()
    assert await trace_of(world, missed) == {webhook.id: "off"}
    await world.advance(60)
    assert len(world.sender.requests) == 1
    await world.slider(True)
    await until(lambda: len(world.sender.requests) == 2)
    await world.quiet()
    assert await world.state(waiting) == "delivered"


async def test_deleted_webhook_is_not_considered(world):
    """A deleted webhook is neither matched nor traced, and its waiting deliveries stay cancelled."""
    webhook = await world.webhook("custom.*", character=answer(500))
    published = await world.publish()
    await world.quiet()
    await world.commit(CancelWaiting(site=SITE, webhook_id=webhook.id, at=world.clock.now()))
    await world.change(webhook, state=WebhookState.DELETED)
    later = await world.publish()
    assert (later.delivery_ids, await trace_of(world, later)) == ((), {})
    await world.advance(3_600)
    assert len(world.sender.requests) == 1
    assert await world.state(published) == "cancelled"


async def test_attempt_in_flight_of_a_cancelled_delivery_changes_nothing(world):
    """A settle that comes after the delivery was cancelled is refused and counted; the request stands in the log."""
    webhook = await world.webhook("custom.*", character=hang)
    published = await world.publish()
    await world.quiet()
    await world.commit(CancelWaiting(site=SITE, webhook_id=webhook.id, at=world.clock.now()))
    world.sender.answer_hanging(answer(200)(world.sender.requests[0]))
    await world.quiet()
    assert await world.state(published) == "cancelled"
    assert world.engine.counters().settles_refused == 1
    (attempt,) = await world.store.deliveries.attempts(SITE, published.delivery_ids[0])
    assert (attempt.number, attempt.outcome.name) == (1, "http_200")


async def test_change_acts_on_the_next_event(world):
    """An event accepted after a change is matched by the new settings, however fast it comes."""
    webhook = await world.webhook("custom.a")
    await world.change(webhook, event_types=("custom.b",))
    published = await world.publish("custom.a")
    assert await trace_of(world, published) == {webhook.id: "types"}


async def test_change_acts_on_the_next_attempt(world):
    """A retry uses the URL of now: it goes where the webhook points today."""
    webhook = await world.webhook("custom.*", character=answer(500))
    other = await world.webhook("chat.*")
    await world.publish()
    await world.quiet()
    sealed = world.keyring.open(other.receiver_url.sealed, aad(other))

    url = replace(webhook.receiver_url, sealed=world.keyring.seal(sealed, aad(webhook), b"v" * 12))
    await world.change(webhook, receiver_url=url)
    await world.advance(5)
    assert (len(world.sender.to(webhook)), len(world.sender.to(other))) == (1, 1)


def aad(webhook):
    """What a sealed URL is bound to."""

    return aad_field(webhook.site, webhook.id, "receiver_url")


@pytest.mark.parametrize(
    ("choice", "event_type", "reason"),
    [
        ("custom.*", "custom.order", "matched"),
        ("*", "custom.order", "matched"),
        ("custom.order", "custom.order", "matched"),
        ("custom.other", "custom.order", "types"),
        ("chat.*", "custom.order", None),
    ],
)
async def test_trace_names_who_was_considered(world, choice, event_type, reason):
    """The trace names the webhooks that chose a type of the event's group, or `*`."""
    webhook = await world.webhook(choice)
    trace = await trace_of(world, await world.publish(event_type))
    assert trace.get(webhook.id) == reason


async def test_loop_protection(world):
    """An event that the webhook's own key caused is not sent to it, if it asked for that."""

    webhook = await world.webhook("custom.*", loop_protection=True)
    await world.change(webhook, created_by=KEY)
    assert await trace_of(world, await world.publish(maker_key="key_1")) == {webhook.id: "loop"}
    assert await trace_of(world, await world.publish(maker_key="key_2")) == {webhook.id: "matched"}


async def test_restart_keeps_a_deleted_webhook_quiet(world):
    """After a restart nothing is sent to a webhook that was deleted, even if something of it still waits."""
    webhook = await world.webhook("custom.*", character=answer(500))
    published = await world.publish()
    await world.quiet()
    await world.engine.stop(1)
    now = await world.store.webhooks.get(SITE, webhook.id)
    await world.commit(Replace(row=replace(now, version=2, state=WebhookState.DELETED)))
    await world.new_engine().start()
    await world.advance(3_600)
    assert len(world.sender.requests) == 1
    assert await world.state(published) == "cancelled"
