"""Replays: what is sent again, how fast, and that a pause, a cancel or a crash changes nothing of that."""

import asyncio
from typing import Any

import pytest

from deskbell.model.account import Caller, Permission
from deskbell.model.audit import Origin
from deskbell.model.errors import Conflict
from deskbell.model.query import DeliveryFilter
from deskbell.model.replay import Replay
from deskbell.model.webhook import WebhookState
from deskbell.rules.limits import Limits
from deskbell.webhooks.replay_wish import Wish
from deskbell.webhooks.replays import Replays
from engine.world import SITE, World, answer, hang, in_turn, ok, until, url_of

ORIGIN = Origin(address="192.0.2.7", request_id="req_1")
CALLER = Caller(site=SITE, kind="person", id="usr_1", name="Ann Lee", permissions=frozenset(Permission))


def replays(world: World) -> Replays:
    """The use cases on this world's engine of the moment."""
    return Replays(
        store=world.store,
        clock=world.clock,
        random=world.random,
        limits=world.limits,
        replayer=world.engine,
        site_changed=world.engine.site_changed,
    )


async def begun(world: World, *states: str, **members: Any) -> Replay:
    """A replay that was asked for just now."""
    world.clock.advance(1)
    return await replays(world).begin(CALLER, Wish(states=states, **members), origin=ORIGIN)


async def ended(world: World, replay: Replay) -> Replay:
    """The replay when it has come to its end, and what it began has settled."""
    async with asyncio.timeout(20):
        while (now := await replays(world).get(SITE, replay.id)).ended_at is None:  # noqa: ASYNC110  a row tells
            await asyncio.sleep(0.002)
    await world.quiet()
    return now


async def rows(world: World, **members: Any) -> list[Any]:
    """Deliveries, oldest first."""
    return list(await world.store.deliveries.page(SITE, DeliveryFilter(**members), None, 10_000))[::-1]


async def test_exhausted_ones_begin_anew(world: World) -> None:
    """Same id and bytes, marked as sent again, the whole schedule once more, and the log says replay."""
    webhook = await world.webhook("custom.*", character=in_turn(answer(413), answer(500), ok))
    delivery_id = (await world.publish()).delivery_ids[0]
    await world.quiet()
    run = await begun(world, "exhausted")
    assert run.total == 1
    run = await ended(world, run)
    assert (run.state, run.done) == ("finished", 1)
    await world.advance(5)
    first, second, third = world.sender.to(webhook)
    assert first.body == second.body == third.body
    assert {dict(one.headers)["webhook-id"] for one in (first, second, third)} == {delivery_id}
    assert [dict(one.headers).get("deskbell-redelivery") for one in (first, second, third)] == [None, "true", "true"]
    delivery = await world.delivery(delivery_id)
    assert (delivery.state, delivery.attempts, delivery.step, delivery.replay_id) == ("delivered", 3, 2, run.id)
    attempts = await world.store.deliveries.attempts(SITE, delivery_id)
    assert [one.trigger for one in attempts] == ["automatic", "replay", "replay"]
    progress = await replays(world).progress(run)
    assert (progress.delivered, progress.waiting, progress.exhausted) == (1, 0, 0)


async def test_missed_while_off(world: World) -> None:
    """What happened while webhooks were off gets deliveries, with the webhook as it is now."""
    webhook = await world.webhook("custom.*")
    await world.publish("custom.before")
    await world.quiet()
    await world.slider(False)
    events = [(await world.publish(f"custom.n{n}")).event_ids[0] for n in range(3)]
    await world.slider(True)
    changed = await world.change(webhook, description="Changed")
    run = await ended(world, await begun(world, "missed"))
    assert (run.total, run.done) == (3, 3)
    made = await rows(world, replay_id=run.id)
    assert sorted(one.event_ids[0] for one in made) == sorted(events)
    assert {(one.state.value, one.webhook_version) for one in made} == {("delivered", changed.version)}
    assert (await begun(world, "missed")).total == 0


async def test_many_pages_exactly_once(world: World) -> None:
    """More than a page of each walk, two webhooks; what happens during the run is no part of it."""
    await world.webhook("custom.*", character=answer(413))
    off = await world.webhook("custom.*", character=answer(413))
    for n in range(450):
        await world.publish(data=b"%d" % n)
    await world.quiet()
    await world.slider(False)
    for n in range(250):
        await world.publish(data=b"%d" % n)
    await world.slider(True)
    world.sender.characters = dict.fromkeys(world.sender.characters, ok)
    world.sender.requests.clear()
    run = await begun(world, "exhausted", "missed")
    assert run.total == 2 * (450 + 250)
    later = await world.publish("custom.later")
    run = await ended(world, run)
    await until(lambda: len(world.sender.requests) == 1402)
    await world.quiet()
    assert run.done == run.total
    sent = [dict(one.headers)["webhook-id"] for one in world.sender.requests]
    assert len(set(sent)) == len(sent)
    assert len(await rows(world, replay_id=run.id)) == 1400
    assert (await world.delivery(later.delivery_ids[0])).replay_id is None
    assert len([one for one in await rows(world, webhook_ids=(off.id,)) if one.replay_id]) == 700


async def test_waiting_ones_are_left_alone(world: World) -> None:
    """They are on their way: not counted, not touched."""
    await world.webhook("custom.*", character=answer(500))
    delivery_id = (await world.publish()).delivery_ids[0]
    await world.quiet()
    before = await world.delivery(delivery_id)
    assert (await begun(world, "everything")).total == 0
    await world.quiet()
    assert await world.delivery(delivery_id) == before


async def test_pause_cancel_and_resume(world: World) -> None:
    """A pause begins nothing more, a resume goes on, a cancel ends it; each only from where it may."""
    await world.webhook("custom.*", character=answer(413))
    for _ in range(30):
        await world.publish()
    await world.quiet()
    run = await begun(world, "exhausted", rate_per_second=1)
    use = replays(world)
    await until_done(world, run, 1)
    paused = await use.pause(CALLER, run.id, origin=ORIGIN)
    assert (paused.state, paused.done, paused.state_by.name) == ("paused", 1, "Ann Lee")
    with pytest.raises(Conflict, match="paused"):
        await use.pause(CALLER, run.id, origin=ORIGIN)
    for _ in range(5):
        await world.advance(10)
    assert (await use.get(SITE, run.id)).done == 1
    await use.resume(CALLER, run.id, origin=ORIGIN)
    await until_done(world, run, 3, pass_s=1)
    cancelled = await use.cancel(CALLER, run.id, origin=ORIGIN)
    await world.advance(100)
    now = await use.get(SITE, run.id)
    assert (now.state, now.done, now.total) == ("cancelled", cancelled.done, 30)
    assert len(await rows(world, replay_id=run.id)) == now.done
    for act in (use.pause, use.resume, use.cancel):
        with pytest.raises(Conflict, match="cancelled"):
            await act(CALLER, run.id, origin=ORIGIN)
    audit = [row.entry.operation for row in await world.store.audit.range(SITE, 0, 100)]
    assert audit == ["replay.create", "replay.pause", "replay.resume", "replay.cancel"]


async def until_done(world: World, run: Replay, count: int, pass_s: float = 0.0) -> None:
    """Until the run has begun so many deliveries; time passes meanwhile."""
    async with asyncio.timeout(20):
        while (await replays(world).get(SITE, run.id)).done < count:
            if pass_s:
                world.clock.advance(pass_s)
                world.engine.wake()
            await asyncio.sleep(0.005)


async def test_rate(world: World) -> None:
    """So many per second: one second's worth at once, then by the clock."""
    await world.webhook("custom.*", character=answer(413))
    for _ in range(50):
        await world.publish()
    await world.quiet()
    run = await begun(world, "exhausted", rate_per_second=10)
    await until_done(world, run, 10)
    for seconds in range(1, 4):
        for _ in range(20):
            world.engine.wake()
            await asyncio.sleep(0.001)
        assert (await replays(world).get(SITE, run.id)).done == 10 * seconds
        world.clock.advance(1)
        world.engine.wake()
        await until_done(world, run, 10 * seconds + 10)


async def test_no_further_ahead_than_the_webhook_sends(world: World) -> None:
    """A receiver that hangs gets only so many begun; the rest waits in the replay, where a pause holds it."""
    webhook = await world.webhook("custom.*", character=answer(413), rate_per_second=10)
    for _ in range(60):
        await world.publish()
    await world.advance(1)
    for _ in range(6):
        await world.advance(1)
    world.sender.characters[url_of(webhook.id)] = hang
    run = await begun(world, "exhausted")
    assert run.total == 60
    await until_done(world, run, 20)
    for _ in range(30):
        world.engine.wake()
        await asyncio.sleep(0.002)
    assert 20 <= (await replays(world).get(SITE, run.id)).done < 60


async def test_off_and_paused_webhooks(world: World) -> None:
    """While the slider is off a replay waits; a paused webhook gets its deliveries and holds them."""
    webhook = await world.webhook("custom.*", character=answer(413))
    for _ in range(5):
        await world.publish()
    await world.quiet()
    await world.change(webhook, state=WebhookState.PAUSED)
    await world.slider(False)
    with pytest.raises(Conflict, match="off"):
        await begun(world, "exhausted")
    await world.slider(True)
    run = await ended(world, await begun(world, "exhausted"))
    assert [one.state.value for one in await rows(world, replay_id=run.id)] == ["waiting"] * 5


@pytest.mark.parametrize("state", ["disabled", "deleted"])
async def test_webhooks_that_are_out(world: World, state: str) -> None:
    """Named, they are a conflict that says what to do; else they are left out."""
    webhook = await world.webhook("custom.*", character=answer(413))
    await world.publish()
    await world.quiet()
    await world.change(webhook, state=state)
    with pytest.raises(Conflict, match=state):
        await begun(world, "exhausted", webhook_ids=(webhook.id,))
    assert (await begun(world, "exhausted")).total == 0


async def test_deleted_during_the_run(world: World) -> None:
    """Nothing is made for a webhook that was deleted meanwhile; the run comes to its end."""
    webhook = await world.webhook("custom.*", character=answer(413))
    for _ in range(5):
        await world.publish()
    await world.quiet()
    run = await begun(world, "exhausted", rate_per_second=1)
    await until_done(world, run, 1)
    await world.change(webhook, state=WebhookState.DELETED)
    run = await ended(world, run)
    assert (run.state, run.total, run.done) == ("finished", 5, 1)


async def test_sent_by_hand_at_that_moment(world: World) -> None:
    """The attempt of a person is settled first; it succeeded, so the replay leaves the delivery alone."""
    webhook = await world.webhook("custom.*", character=answer(413))
    delivery_id = (await world.publish()).delivery_ids[0]
    await world.quiet()
    world.sender.characters[url_of(webhook.id)] = hang
    await world.engine.redeliver(SITE, delivery_id, by="Ann Lee")
    await until(lambda: len(world.sender.hanging) == 1)
    run = await begun(world, "exhausted")
    assert run.total == 1
    for _ in range(10):
        world.engine.wake()
        await asyncio.sleep(0.002)
    assert (await replays(world).get(SITE, run.id)).ended_at is None
    world.sender.answer_hanging(ok(world.sender.requests[-1]))
    run = await ended(world, run)
    assert (run.done, (await world.delivery(delivery_id)).state) == (0, "delivered")
    assert len(world.sender.requests) == 2


async def test_too_many_at_once(world: World) -> None:
    """A site may have so many unfinished ones."""
    webhook = await world.webhook("custom.*", character=answer(413))
    for _ in range(30):
        await world.publish()
    await world.quiet()
    for _ in range(Limits().replays_running_max):
        await begun(world, "exhausted", webhook_ids=(webhook.id,), rate_per_second=0.01)
    with pytest.raises(Conflict, match="10 replays have not ended"):
        await begun(world, "exhausted")


async def test_with_todays_settings(world: World) -> None:
    """A new delivery of the same events: new id, present version, linked, sent at once by that person, with retries."""
    webhook = await world.webhook("custom.*", character=in_turn(answer(413), answer(500), ok))
    old_id = (await world.publish()).delivery_ids[0]
    await world.quiet()
    changed = await world.change(webhook, format="standard")
    copy = await world.engine.send_again(SITE, old_id, by="Ann Lee")
    await world.quiet()
    await world.advance(5)
    first, second, third = world.sender.requests
    assert first.body != second.body == third.body
    assert [dict(one.headers)["webhook-id"] for one in (second, third)] == [copy.id] * 2
    assert dict(second.headers)["deskbell-redelivery"] == "true"
    now = await world.delivery(copy.id)
    assert (now.state, now.copy_of, now.webhook_version, now.step) == ("delivered", old_id, changed.version, 2)
    attempts = await world.store.deliveries.attempts(SITE, copy.id)
    assert [(one.trigger.value, one.by) for one in attempts] == [("manual", "Ann Lee"), ("automatic", None)]
    assert (await world.delivery(old_id)).state == "exhausted"
    assert (await begun(world, "exhausted")).total == 0
