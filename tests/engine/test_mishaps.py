"""What goes wrong at a bad moment must not stop a webhook's queue, nor keep what it holds for ever."""

import asyncio
from dataclasses import replace

import pytest

from deskbell.model.changes import MoveDelivery, Unit
from deskbell.model.delivery import DeliveryState
from deskbell.model.exchange import Reply, Stage
from engine.world import SITE, answer, hang, in_turn, ok, until


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
        from deskbell.model.changes import Refused

        return Refused(reason="disk_full")

    monkeypatch.setattr(world.store, "commit", full)
    await world.engine._statistics.flush()
    monkeypatch.setattr(world.store, "commit", commit)
    await world.publish()
    await world.quiet()
    await world.engine.tend()
    (row,) = await world.store.webhooks.stats(SITE, 0)
    assert (row.webhook_id, row.delivered) == (webhook.id, 2)
