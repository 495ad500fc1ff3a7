"""Only when …: who wants the event gets it; the trace has the reason for the others."""

from structlog.testing import capture_logs

from deskbell.model.draft import Draft
from engine.world import KEY, SITE


async def reasons(world, published):
    """Reason by webhook."""
    event = await world.store.events.get(SITE, published.event_ids[0])
    return {one.webhook_id: one.reason for one in event.trace}


async def test_a_filter_decides_on_the_snapshot(world):
    """The expression sees what Payload Sample shows, data and meta included."""
    large = await world.webhook("custom.*", filter="data.total > 100 and meta.eventType == 'custom.order'")
    small = await world.webhook("custom.*", filter="data.total <= 100")
    plain = await world.webhook("custom.*")
    published = await world.publish(data=b'{"total":150}')
    await world.quiet()
    assert await reasons(world, published) == {
        large.id: "matched", small.id: "filter: data.total <= 100", plain.id: "matched"
    }  # fmt: skip
    assert (len(world.sender.to(large)), len(world.sender.to(small)), len(world.sender.to(plain))) == (1, 0, 1)


async def test_changed_fields(world):
    """A webhook for changes of the status hears of no other change; creation always passes."""
    webhook = await world.webhook("ticket.*", changed_fields=("status",))
    found = []
    for changed in (("status", "tags"), ("tags",), (), None):
        draft = Draft(type="ticket.updated", by=KEY, occurred_at=world.clock.now(), head=b'{"id":"1"', changed=changed)
        published = await world.engine.publish(SITE, [draft])
        found.append((await reasons(world, published))[webhook.id])
    assert found == ["matched", "fields", "matched", "matched"]


async def test_a_filter_that_fails_matches_nothing_and_the_owner_is_told_once_a_day(world):
    """A type fault is no match, named in the trace of each event; the note is one a day."""
    webhook = await world.webhook("custom.*", filter="data.n + 1 > 1")
    with capture_logs() as logs:
        for _ in range(3):
            published = await world.publish(data=b'{"n":"1"}')
        await world.advance(86_400)
        await world.publish(data=b'{"n":[]}')
        await world.publish(data=b'{"n":1}')
        await world.quiet()
    assert await reasons(world, published) == {
        webhook.id: "filter: not evaluated: + needs numbers, not a text. Write ~ to join texts."
    }
    assert [one["event"] for one in logs if one["event"] == "filter.fault"] == ["filter.fault"] * 2
    fault = world.engine.filter_fault(webhook)
    assert fault is not None
    assert (fault.count, fault.text) == (4, "+ needs numbers, not a list.")
    assert len(world.sender.to(webhook)) == 1


async def test_a_changed_filter_starts_without_faults(world):
    """The note is about the webhook as it is now."""
    webhook = await world.webhook("custom.*", filter="data.n + 1 > 1")
    await world.publish(data=b'{"n":"1"}')
    after = await world.change(webhook, filter="data.n == '1'")
    assert world.engine.filter_fault(after) is None
    await world.publish(data=b'{"n":"1"}')
    await world.quiet()
    assert len(world.sender.to(webhook)) == 1


async def test_a_paused_webhook_filters_too(world):
    """What its filter refuses is not queued while it is paused."""
    webhook = await world.webhook("custom.*", state="paused", filter="data.n == 1")
    first, second = await world.publish(data=b'{"n":1}'), await world.publish(data=b'{"n":2}')
    assert (await reasons(world, first))[webhook.id] == "paused"
    assert (await reasons(world, second))[webhook.id] == "filter: data.n == 1"
    assert (len(first.delivery_ids), len(second.delivery_ids)) == (1, 0)


async def test_a_test_is_sent_whatever_the_filter_says(world):
    """The Test button asks no filter."""
    webhook = await world.webhook("custom.*", filter="false", changed_fields=("status",))
    await world.engine.send_test(SITE, webhook.id, by=KEY)
    await world.quiet()
    assert len(world.sender.to(webhook)) == 1
