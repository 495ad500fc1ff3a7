"""A webhook's own payload: made from the events, stored with the first settle, and refused by name when it fails."""

import json

from deskbell.model.changes import Replace
from deskbell.model.webhook import Format
from engine.world import ANN, SITE, answer, in_turn, ok

TEMPLATE = {
    "text": "Order {{ event.data.n }} of {{ site.name }}, {{ event.meta.occurredDateTime|date('%d %b') }}",
    "n": {"$": "event.data.n"},
    "by": {"$": "webhook.description"},
    "delivery": {"$": "delivery.id"},
}


async def templated(world, template=TEMPLATE, **more):
    """A webhook with a payload of its own."""
    return await world.webhook("custom.*", format="template", template=json.dumps(template), **more)


async def test_the_template_makes_the_payload(world):
    """Types stay, texts are filled in; the content type is plain JSON; it is signed like any other."""
    webhook = await templated(world)
    published = await world.publish(data=b'{"n":7}')
    await world.quiet()
    assert json.loads(world.sender.requests[0].body) == {
        "text": "Order 7 of Desk, 13 Sep",
        "n": 7,
        "by": webhook.description,
        "delivery": published.delivery_ids[0],
    }
    headers = world.sender.headers()
    assert headers["content-type"] == "application/json"
    assert headers["webhook-signature"].startswith("v1,")


async def test_the_bytes_are_stored_and_stay(world):
    """What was made at the first attempt is sent by every later one, whatever was changed meanwhile."""
    webhook = await templated(world, character=in_turn(answer(500), ok))
    published = await world.publish(data=b'{"n":7}')
    await world.quiet()
    delivery = await world.delivery(published.delivery_ids[0])
    assert delivery.payload == world.sender.requests[0].body
    site = await world.store.sites.get(SITE)
    await world.commit(Replace(row=type(site)(**{**vars(site), "name": "Other", "version": site.version + 1})))
    world.engine.site_changed(SITE)
    await world.change(webhook, template='{"other":true}')
    await world.advance(10)
    assert world.sender.requests[1].body == world.sender.requests[0].body
    assert await world.state(published) == "delivered"


async def test_the_version_of_the_delivery_decides(world):
    """A template changed before the first attempt is for later events only."""
    webhook = await templated(world, template={"old": "{{ event.data.n }}"}, state="paused")
    await world.publish(data=b'{"n":1}')
    await world.change(webhook, template='{"new":"{{ event.data.n }}"}')
    await world.publish(data=b'{"n":2}')
    await world.change(webhook, state="enabled")
    await world.quiet()
    assert sorted(one.body for one in world.sender.requests) == [b'{"new":"2"}', b'{"old":"1"}']


async def test_a_fault_is_refused_and_the_owner_is_told(world):
    """A type fault on a real event: exhausted at once, nothing sent, place and expression in the attempt."""
    await templated(world, template={"a": "{{ event.data.n + 1 }}"})
    watcher = await world.webhook("delivery.exhausted")
    published = await world.publish(data=b'{"n":"x"}')
    await world.quiet()
    assert await world.state(published) == "exhausted"
    (attempt,) = await world.store.deliveries.attempts(SITE, published.delivery_ids[0])
    assert (attempt.outcome.kind, attempt.outcome.name) == ("refused", "template")
    assert attempt.outcome.text == "/a, event.data.n + 1: + needs numbers, not a text. Write ~ to join texts."
    (told,) = world.sender.to(watcher)
    assert json.loads(told.body)[0]["delivery"]["lastOutcome"] == "template"
    assert len(world.sender.requests) == 1


async def test_a_limit_has_a_name_of_its_own_and_others_are_unaffected(world):
    """A template that does too much for one event stops there; its next event, and other webhooks, go on."""
    greedy = await templated(
        world, template={"a": "{% for a in event.data.l %}{% for b in event.data.l %}{% endfor %}{% endfor %}"}
    )
    plain = await world.webhook("custom.*")
    large = json.dumps({"l": list(range(1_000))}).encode()
    published = await world.publish(data=large)
    await world.publish(data=b'{"l":[1]}')
    await world.quiet()
    (attempt,) = await world.store.deliveries.attempts(SITE, published.delivery_ids[0])
    assert (attempt.outcome.kind, attempt.outcome.name) == ("refused", "template_limit")
    assert "more than 50,000 steps" in attempt.outcome.text
    assert (len(world.sender.to(greedy)), len(world.sender.to(plain))) == (1, 2)
    assert world.engine.health(greedy).failures_in_row == 0


async def test_preview_and_stored_payload(world):
    """What would be sent for an event can be looked at; a fault is told as such."""
    webhook = await templated(world, template={"a": "{{ event.data.n + 1 }}"})
    good, bad = await world.publish(data=b'{"n":1}'), await world.publish(data=b'{"n":"x"}')
    await world.quiet()
    assert await world.engine.preview(SITE, good.event_ids[0], webhook.id) == b'{"a":"2"}'
    assert await world.engine.payload_of(SITE, good.delivery_ids[0]) == b'{"a":"2"}'
    assert await world.engine.payload_of(SITE, bad.delivery_ids[0]) is None
    await world.change(webhook, format=Format.DESK)
    assert (await world.engine.preview(SITE, bad.event_ids[0], webhook.id)).startswith(b'[{"msp":"dd"')


async def test_a_test_send_uses_the_template(world):
    """The Test button shows what the template makes of a test event."""
    webhook = await templated(world, template={"kind": "{{ event.meta.eventType }}", "by": {"$": "event.sentBy"}})
    await world.engine.send_test(SITE, webhook.id, by=ANN)
    await world.quiet()
    assert json.loads(world.sender.requests[0].body) == {"kind": "test.ping", "by": "Ann Lee"}
