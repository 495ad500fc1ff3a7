"""What goes wrong at a bad moment must not stop a webhook's queue, nor keep what it holds for ever."""

import asyncio
from dataclasses import replace

import pytest

from deskbell.engine import statistics, supervise
from deskbell.model.changes import Insert, MoveDelivery, Refused, Replace, Unit
from deskbell.model.delivery import DeliveryState
from deskbell.model.draft import Draft
from deskbell.model.errors import Busy
from deskbell.model.exchange import Reply, Stage
from deskbell.model.ids import SiteId
from deskbell.model.site import Site
from deskbell.rules.sealing import aad_field
from engine.world import ANN, KEY, SITE, START, answer, hang, in_turn, ok, until


async def test_gone_of_a_cancelled_delivery_still_disables(world):
    """The receiver says 410 while its delivery is cancelled: the webhook is disabled, not held without a word."""
    webhook = await world.webhook("custom.*", character=hang)
    published = await world.publish()
    await until(lambda: len(world.sender.hanging) == 1)
    await world.engine.cancel(SITE, published.delivery_ids[0])
    world.sender.answer_hanging(answer(410)(world.sender.requests[0]))
    await world.quiet()
    await world.advance(5)
    found = await world.store.webhooks.get(SITE, webhook.id)
    assert found.state == "disabled"


async def test_manual_attempt_that_is_throttled_waits_as_long_as_asked(world):
    """A retry that is due in hours does not hold the whole webhook back, when "send now" meets a short 429."""
    webhook = await world.webhook(
        "custom.*", character=in_turn(answer(500), answer(429, retry_after="2"), ok), retry_schedule_s=(36_000,)
    )
    published = await world.publish()
    await world.quiet()
    await world.engine.redeliver(SITE, published.delivery_ids[0], by="usr_1")
    await until(lambda: len(world.sender.requests) == 2)
    await world.quiet()
    later = await world.publish()
    await world.quiet()
    assert len(world.sender.to(webhook)) == 2
    await world.advance(3)
    assert await world.state(later) == "delivered"


@pytest.mark.parametrize("answers_too", [False, True])
async def test_sender_that_raises_frees_its_slot(world, monkeypatch, answers_too):
    """An attempt that cannot even be handed over is judged once and tried again; the others are not disturbed."""
    await world.webhook("custom.*", rate_per_second=None)
    submit, faults = world.sender.submit, [OSError("no descriptors")]

    def shaky(sendable, policy, done):
        if not faults:
            submit(sendable, policy, done)
            return
        if answers_too:
            asyncio.get_running_loop().call_soon(done, Reply(stage=Stage.READ, status=200))
        raise faults.pop()

    monkeypatch.setattr(world.sender, "submit", shaky)
    published = [await world.publish() for _ in range(3)]
    await world.advance(10)
    assert [await world.state(one) for one in published] == ["delivered"] * 3
    now = world.engine.counters()
    assert (now.in_flight, now.in_memory, now.unsettled) == (0, 0, 0)


async def test_plans_of_many_types_are_bounded(world):
    """Publishers choose the names of custom types: what is remembered of each must not grow without end."""
    await world.webhook("custom.*")
    await world.publish()
    settings = world.engine._settings
    site = settings.site(SITE)
    for number in range(20_000):
        settings.plan(site, f"custom.n{number}")
    assert len(settings._plans) <= 5_000


async def test_cancelling_does_not_undo_what_an_attempt_wrote(world):
    """A delivery that was attempted after it was looked at is not set back by the move."""
    await world.webhook("custom.*", character=answer(500))
    published = await world.publish()
    before = await world.delivery(published.delivery_ids[0])
    await world.quiet()
    stale = replace(before, attempts=0, state=DeliveryState.CANCELLED, ended_at=world.clock.now())
    verdict = await world.store.commit(Unit(changes=(MoveDelivery(after=stale, expected=DeliveryState.WAITING),)))
    assert (verdict.reason, (await world.delivery(stale.id)).attempts) == ("state", 1)


async def test_statistics_that_could_not_be_written_are_written_later(world, monkeypatch):
    """A full disk costs no count."""
    webhook = await world.webhook("custom.*")
    await world.publish()
    await world.quiet()
    commit = world.store.commit

    async def full(unit):

        return Refused(reason="disk_full")

    monkeypatch.setattr(world.store, "commit", full)
    await world.engine._statistics.flush()
    monkeypatch.setattr(world.store, "commit", commit)
    await world.publish()
    await world.quiet()
    await world.engine.tend()
    (row,) = await world.store.webhooks.stats(SITE, 0)
    assert (row.webhook_id, row.delivered) == (webhook.id, 2)


async def test_end_of_an_old_delivery_stays_to_be_seen(world):
    """What is exhausted after more days than the retention has is kept that long from its end."""
    site = await world.store.sites.get(SITE)
    await world.commit(Replace(row=replace(site, version=site.version + 1, retention_days=1)))
    world.engine.site_changed(SITE)
    await world.webhook("custom.*", character=answer(500), retry_schedule_s=(200_000,))
    published = await world.publish()
    await world.quiet()
    await world.advance(200_001)
    await world.advance(80_000)
    assert await world.state(published) == "exhausted"
    assert await world.store.events.get(SITE, published.event_ids[0]) is not None
    await world.advance(10_000)
    assert await world.store.deliveries.get(SITE, published.delivery_ids[0]) is None


async def test_gone_receiver_does_not_disable_the_one_that_took_its_place(world):
    """A 410 of the URL that a person has replaced meanwhile: the delivery goes to the new one."""
    webhook = await world.webhook("custom.*", character=hang)
    other = await world.webhook("chat.*")
    published = await world.publish()
    await until(lambda: len(world.sender.hanging) == 1)
    text = world.keyring.open(other.receiver_url.sealed, aad_field(SITE, other.id, "receiver_url"))
    sealed = world.keyring.seal(text, aad_field(SITE, webhook.id, "receiver_url"), b"v" * 12)
    await world.change(webhook, receiver_url=replace(other.receiver_url, sealed=sealed))
    world.sender.answer_hanging(answer(410)(world.sender.requests[0]))
    await until(lambda: len(world.sender.to(other)) == 1)
    await world.quiet()
    found = await world.store.webhooks.get(SITE, webhook.id)
    assert (found.state, await world.state(published)) == ("enabled", "delivered")


async def test_late_clearing_of_a_deleted_webhook_spares_a_restored_one(world):
    """The engine clears what came in during a deletion; when the webhook is back by then, nothing is cancelled."""
    webhook = await world.webhook("custom.*", character=answer(500))
    published = await world.publish()
    await world.quiet()
    deleted = await world.change(webhook, state="deleted")
    await world.quiet()
    waiting = replace(await world.delivery(published.delivery_ids[0]), state=DeliveryState.WAITING, ended_at=None)
    back = replace(deleted, version=deleted.version + 1, state=webhook.state)
    await world.commit(Replace(row=back), MoveDelivery(after=waiting, expected=DeliveryState.CANCELLED))
    await world.engine.tend()
    assert await world.state(published) == "waiting"


async def other_site(world):
    """Another site with a webhook of its own."""
    other = SiteId("other")
    await world.commit(Insert(row=Site(site=other, name="Other", created_at=START)))
    return other, await world.webhook("custom.*", site=other)


def draft_of(world):
    """One event."""
    return Draft(type="custom.order", by=KEY, occurred_at=world.clock.now(), data=b"{}")


def torn_for(monkeypatch, noun, name, site):
    """Reading this of one site raises until the answer is called."""
    read = getattr(noun, name)

    async def torn(asked, *more):
        if asked == site:
            raise ValueError("torn")
        return await read(asked, *more)

    monkeypatch.setattr(noun, name, torn)
    return lambda: monkeypatch.setattr(noun, name, read)


async def test_site_that_cannot_be_read_is_busy_alone(world, monkeypatch):
    """Its publishes are refused at once, those of another site go on; it recovers by itself."""
    monkeypatch.setattr(supervise, "PAUSE_S", 0.01)
    webhook = await world.webhook("custom.*")
    other, theirs = await other_site(world)
    await world.publish()
    mend = torn_for(monkeypatch, world.store.sites, "get", SITE)
    world.engine.site_changed(SITE)
    answers = []
    for _ in range(world.limits.commit_queue_max):
        world.engine.submit(SITE, [draft_of(world)], answers.append)
    with pytest.raises(Busy):  # no more than so many wait for the settings of one site
        world.engine.submit(SITE, [draft_of(world)], answers.append)
    await until(lambda: len(answers) == world.limits.commit_queue_max)
    assert {one.reason for one in answers} == {"busy"}
    with pytest.raises(Busy):
        await world.engine.publish(SITE, [draft_of(world)])
    with pytest.raises(Busy):
        await world.engine.send_test(SITE, webhook.id, by=ANN)
    await world.engine.publish(other, [draft_of(world)])
    await until(lambda: len(world.sender.to(theirs)) == 1)
    mend()
    await until(lambda: world.engine._settings.is_fresh(SITE))
    await world.publish()
    await until(lambda: len(world.sender.to(webhook)) == 2)


async def test_webhook_that_cannot_be_read_is_set_aside_alone(world, monkeypatch):
    """Nothing is matched with it or sent; the trace names it, the others get the event, and it comes back by itself."""
    broken, other = await world.webhook("custom.*"), await world.webhook("custom.*")
    get = world.store.webhooks.get

    async def torn(site, webhook_id):
        if webhook_id == broken.id:
            raise ValueError("torn")
        return await get(site, webhook_id)

    monkeypatch.setattr(world.store.webhooks, "get", torn)
    world.engine.webhook_changed(SITE, broken.id)
    published = await world.publish()
    await world.advance(5)
    event = await world.store.events.get(SITE, published.event_ids[0])
    assert {one.webhook_id: one.reason for one in event.trace} == {other.id: "matched", broken.id: "unreadable"}
    assert (len(world.sender.to(broken)), len(world.sender.to(other))) == (0, 1)
    assert world.engine.unreadable(SITE) == {broken.id}
    monkeypatch.setattr(world.store.webhooks, "get", get)
    await world.advance(5)
    await world.publish()
    await until(lambda: len(world.sender.to(broken)) == 1)
    assert world.engine.unreadable(SITE) == frozenset()


async def test_full_disk_at_start_does_not_count_for_ever(world, monkeypatch):
    """What was left uncounted is taken up once, and written when there is room again."""
    await world.webhook("custom.*")
    await world.publish()
    await world.quiet()
    rows = await world.store.due.uncounted(10)
    assert len(rows) == 1
    monkeypatch.setattr(statistics, "_UNCOUNTED_PAGE", 1)
    commit, refused = world.store.commit, Refused(reason="disk_full")

    async def full(unit):
        return refused

    monkeypatch.setattr(world.store, "commit", full)
    fresh = statistics.Statistics(world.store)
    async with asyncio.timeout(5):
        await fresh.recount()
    monkeypatch.setattr(world.store, "commit", commit)
    await fresh.flush()
    (row,) = await world.store.webhooks.stats(SITE, 0)
    assert row.delivered == 1
