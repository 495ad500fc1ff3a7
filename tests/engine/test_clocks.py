"""A wall clock that is set, forward or back, while the process runs or while it does not."""

import pytest

from deskbell.model.exchange import Reply, Stage
from deskbell.model.instant import plus
from engine.world import SITE, answer, hang, in_turn, ok, until

HOUR = 3_600
DAY = 24 * HOUR


async def failed(world, *then, schedule, count=1):
    """A webhook with so many deliveries that failed once and wait in the database."""
    webhook = await world.webhook(
        "custom.*", character=in_turn(*[answer(500)] * count, *then), retry_schedule_s=schedule
    )
    published = [await world.publish() for _ in range(count)]
    await world.quiet()
    assert len(world.sender.to(webhook)) == count
    return webhook, published


async def set_clock(world, seconds):
    """Somebody sets the wall clock; the keeper looks at the next second."""
    world.clock.wall = plus(world.clock.wall, seconds)
    await world.advance(1)


async def test_what_a_jump_forward_makes_overdue_starts_spread_over_a_minute(world, monkeypatch):
    """Retries that were hours away are all overdue at once; they start one after the other."""
    fractions = [0.0, 0.25, 0.5, 0.75] * 3
    monkeypatch.setattr(world.random, "fraction", lambda: fractions.pop(0))
    webhook, published = await failed(world, ok, schedule=(HOUR,), count=4)
    await set_clock(world, 3 * HOUR)
    await until(lambda: len(world.sender.to(webhook)) == 5)
    sent = []
    for _ in range(4):
        sent.append(len(world.sender.to(webhook)))
        await world.advance(15)
    assert sent == [5, 6, 7, 8]
    assert [await world.state(one) for one in published] == ["delivered"] * 4


async def test_after_a_jump_forward_new_retries_keep_to_the_schedule(world):
    """Only what fell due in the time that never was is affected."""
    webhook, _ = await failed(world, answer(500), ok, schedule=(HOUR, HOUR))
    await set_clock(world, 3 * HOUR)
    await until(lambda: len(world.sender.to(webhook)) == 2)
    await world.advance(HOUR - 2)
    assert len(world.sender.to(webhook)) == 2
    await world.advance(2)
    assert len(world.sender.to(webhook)) == 3


@pytest.mark.parametrize("schedule_s", [60, HOUR])
async def test_after_a_jump_back_no_retry_waits_longer_than_its_step(world, schedule_s):
    """The clock goes back by a day: the retry comes after its own step, with its jitter, and not after a day."""
    webhook, published = await failed(world, ok, schedule=(schedule_s,))
    await set_clock(world, -DAY)
    await world.advance(schedule_s * 1.2 + 1)
    await until(lambda: len(world.sender.to(webhook)) == 2)
    await world.quiet()
    assert await world.state(published[0]) == "delivered"


async def test_a_jump_back_leaves_alone_what_is_near_enough(world):
    """What is due within its step stays as it is."""
    _, published = await failed(world, ok, schedule=(DAY,))
    await world.advance(3 * HOUR)
    before = await world.delivery(published[0].delivery_ids[0])
    await set_clock(world, -HOUR)
    assert await world.delivery(before.id) == before


async def test_a_clock_that_went_back_while_nothing_ran(world):
    """The next process finds attempts of a time to come, and brings what waits into line."""
    webhook, published = await failed(world, ok, schedule=(60,))
    await world.engine.stop(1)
    world.clock.wall = plus(world.clock.wall, -DAY)
    await world.new_engine().start()
    await until(lambda: world.engine.counters().publishes_waiting == 0)
    await world.quiet()
    await world.advance(73)
    await until(lambda: len(world.sender.to(webhook)) == 2)
    await world.quiet()
    assert await world.state(published[0]) == "delivered"


async def test_held_deliveries_are_brought_into_line_too(world):
    """A paused webhook: when it goes on, nothing of it waits for a day."""
    webhook, _ = await failed(world, ok, schedule=(60,))
    paused = await world.change(webhook, state="paused")
    await set_clock(world, -DAY)
    await world.advance(73)
    await world.change(paused, state="enabled")
    await until(lambda: len(world.sender.to(webhook)) == 2)


@pytest.mark.parametrize("by", [-DAY, 10 * HOUR])
async def test_a_pause_that_a_receiver_asked_for_goes_by_the_monotonic_clock(world, by):
    """Ten minutes are ten minutes, whatever the wall clock does, and over a change of settings."""
    webhook = await world.webhook("custom.*", character=in_turn(answer(429, retry_after="600"), ok))
    await world.publish()
    await world.quiet()
    await set_clock(world, by)
    await world.change(webhook, description="Other")
    await world.publish()
    await world.advance(597)
    assert len(world.sender.to(webhook)) == 1
    await world.advance(3)
    await until(lambda: len(world.sender.to(webhook)) >= 2)


async def test_a_pause_is_not_longer_after_a_restart_with_an_older_clock(world):
    """What was asked for counts from the moment of asking."""
    webhook = await world.webhook("custom.*", character=in_turn(answer(429, retry_after="600"), ok))
    await world.publish()
    await world.quiet()
    await world.engine.stop(1)
    world.clock.wall = plus(world.clock.wall, -DAY)
    await world.new_engine().start()
    await world.publish()
    await world.advance(599)
    assert len(world.sender.to(webhook)) == 1
    await world.advance(2)
    await until(lambda: len(world.sender.to(webhook)) >= 2)


async def test_a_pause_that_is_over_does_not_come_back_with_the_next_restart(world):
    """It was asked for by a clock that was a day ahead, and it ended long before."""
    webhook = await world.webhook(
        "custom.*", character=in_turn(answer(429, retry_after="30"), ok), retry_schedule_s=(5, 5)
    )
    await world.publish()
    await world.quiet()
    await world.engine.stop(0.1)
    world.clock.wall = plus(world.clock.wall, -DAY)
    for count in (2, 3, 4):
        await world.new_engine().start()
        await world.quiet()
        await world.advance(40)
        if count > 2:
            await world.publish()
        await until(lambda count=count: len(world.sender.to(webhook)) == count)
        await world.quiet()
        await world.engine.stop(0.1)
    await world.new_engine().start()


async def test_days_that_did_not_pass_disable_nobody(world):
    """The clock was wrong by a month: a receiver that failed for an hour has failed for an hour."""
    webhook = await world.webhook("custom.*", character=answer(500), retry_schedule_s=(60,) * 40)
    for _ in range(12):
        await world.publish()
        await world.advance(300)
    await set_clock(world, 30 * DAY)
    for _ in range(5):
        await world.advance(900)
    assert len(world.sender.to(webhook)) > 13
    assert (await world.store.webhooks.get(SITE, webhook.id)).state == "enabled"


async def test_an_open_breaker_goes_by_the_monotonic_clock(world):
    """Thirty seconds without a delivery, though the clock says that hours have passed."""
    webhook, _ = await failed(world, ok, schedule=(5,), count=5)
    await set_clock(world, 10 * HOUR)
    await world.advance(28)
    assert len(world.sender.to(webhook)) == 5
    await world.advance(1)
    await until(lambda: len(world.sender.to(webhook)) == 10)


async def test_an_attempt_cut_by_our_own_stop_is_no_failure(world):
    """The time for the drain is over: what hangs is not recorded, waits with its step, and is made again."""
    webhook = await world.webhook("custom.*", character=hang)
    published = await world.publish()
    await until(lambda: len(world.sender.hanging) == 1)
    await world.engine.stop(0)
    world.sender.answer_hanging(Reply(stage=Stage.WAIT, fault="connection_closed"))
    delivery = await world.delivery(published.delivery_ids[0])
    assert (delivery.state, delivery.attempts, delivery.step) == ("waiting", 0, 0)
    assert await world.store.deliveries.attempts(SITE, delivery.id) == ()
    world.sender.characters[world.sender.to(webhook)[0].url] = ok
    await world.new_engine().start()
    await until(lambda: len(world.sender.to(webhook)) == 2)
    await world.quiet()
    first, second = world.sender.to(webhook)
    assert (await world.state(published), first.body) == ("delivered", second.body)


async def test_an_answer_at_the_last_moment_still_counts(world):
    """It came after the time for the drain, but it came: the delivery is not sent twice."""
    await world.webhook("custom.*", character=hang)
    published = await world.publish()
    await until(lambda: len(world.sender.hanging) == 1)
    await world.engine.stop(0)
    world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
    await world.quiet()
    assert await world.state(published) == "delivered"
