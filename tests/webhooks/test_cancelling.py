"""Much that waits is cancelled in rounds: the change of the webhook counts at once, also when the process dies."""

from collections.abc import AsyncIterator

import pytest

from deskbell.model.changes import CancelWaiting, Refused, Unit, Verdict
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.limits import Limits
from engine.world import until
from webhooks.office import ANA, ORIGIN, Office


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """Rounds of ten rows."""
    opened = Office(limits=Limits(rows_at_once=10))
    await opened.world.start()
    yield opened
    await opened.world.engine.stop(1.0)


async def paused(office: Office, count: int) -> Webhook:
    """A paused webhook for which so much waits."""
    webhook = (await office.made()).webhook
    await office.rooms.pause(ANA, webhook.id, None, origin=ORIGIN)
    await office.waiting(count, webhook.id)
    return await office.rooms.get("dd", webhook.id)


async def crash(office: Office) -> None:
    """The engine is gone before it can do anything more; another one starts on the same database."""
    await office.world.engine.stop(0.0)
    await office.world.new_engine().start()
    office.rooms = office.registrations()


async def cancelled(office: Office, webhook_id: str, count: int) -> None:
    """Wait until so many are cancelled."""
    for _ in range(2_000):
        if len(await office.deliveries(webhook_id, "cancelled")) == count:
            return
        await office.world.quiet()
    raise AssertionError(f"{len(await office.deliveries(webhook_id, 'cancelled'))} of {count} are cancelled")


@pytest.mark.parametrize("crashes", [False, True])
async def test_deletion_goes_on_in_the_background(office: Office, crashes: bool) -> None:
    """The webhook is deleted at once and nothing counts as waiting; what is left is cancelled, also after a crash."""
    webhook = await paused(office, 45)
    deleted = await office.rooms.delete(ANA, webhook.id, None, origin=ORIGIN)
    assert deleted.deletion is not None
    assert deleted.deletion.cancelled == 45
    assert len(await office.deliveries(webhook.id, "cancelled")) == 10
    assert await office.world.store.deliveries.waiting("dd") == ()
    if crashes:
        await crash(office)
    await cancelled(office, webhook.id, 45)
    assert office.world.sender.requests == []


@pytest.mark.parametrize("crashes", [False, True])
async def test_resume_drops_before_it_sends(office: Office, crashes: bool) -> None:
    """Nothing of what is dropped is sent, whatever happens; the rest is sent when the last of it is cancelled."""
    webhook = await paused(office, 45)
    office.world.clock.advance(7_200)
    await office.waiting(3, webhook.id)
    found = await office.rooms.resume(ANA, webhook.id, 3_600, origin=ORIGIN)
    resumed = found.webhook
    assert (found.kept, found.cancelled) == (3, 45)
    assert (resumed.state, resumed.drop_before is not None) == (WebhookState.ENABLED, True)
    assert [row.waiting for row in await office.world.store.deliveries.waiting("dd")] == [3]
    if crashes:
        await crash(office)
    await until(lambda: len(office.world.sender.requests) == 3)
    await office.world.quiet()
    assert len(await office.deliveries(webhook.id, "cancelled")) == 45
    assert len(await office.deliveries(webhook.id, "delivered")) == 3
    assert (await office.rooms.get("dd", webhook.id)).drop_before is None
    await office.world.publish()
    await until(lambda: len(office.world.sender.requests) == 4)


async def test_pause_while_it_drops(office: Office) -> None:
    """A person may pause in the middle: dropping goes on, sending does not."""
    webhook = await paused(office, 45)
    office.world.clock.advance(7_200)
    await office.waiting(3, webhook.id)
    await office.rooms.resume(ANA, webhook.id, 3_600, origin=ORIGIN)
    await office.rooms.pause(ANA, webhook.id, None, origin=ORIGIN)
    await cancelled(office, webhook.id, 45)
    await office.world.quiet()
    assert office.world.sender.requests == []
    assert len(await office.deliveries(webhook.id, "waiting")) == 3


async def test_enable_cancels_what_was_held(office: Office) -> None:
    """Much or little: what was held when it was disabled is not sent."""
    webhook = await paused(office, 25)
    await office.rooms.disable(ANA, webhook.id, None, origin=ORIGIN)
    await office.rooms.enable(ANA, webhook.id, "cancel", origin=ORIGIN)
    office.world.clock.advance(1)
    await office.world.publish()
    await until(lambda: len(office.world.sender.requests) == 1)
    await office.world.quiet()
    assert len(await office.deliveries(webhook.id, "cancelled")) == 25


async def test_restore_waits_for_the_last_of_them(office: Office) -> None:
    """A webhook that is restored at once sends nothing that its deletion cancels."""
    webhook = await paused(office, 45)
    await office.rooms.delete(ANA, webhook.id, None, origin=ORIGIN)
    back = await office.rooms.restore(ANA, webhook.id, False, origin=ORIGIN)
    assert back.state is WebhookState.PAUSED
    assert len(await office.deliveries(webhook.id, "cancelled")) == 45
    office.world.clock.advance(60)
    await office.rooms.delete(ANA, webhook.id, None, origin=ORIGIN)
    await office.rooms.restore(ANA, webhook.id, True, origin=ORIGIN)
    assert len(await office.deliveries(webhook.id, "cancelled")) == 45  # by the first deletion, not by the second


async def test_round_that_is_refused_is_made_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk in the middle: the poll goes on where it stopped."""
    webhook = await paused(office, 45)
    commit, refused = office.world.store.commit, []

    async def full(unit: Unit) -> Verdict:
        if isinstance(unit.changes[0], CancelWaiting):
            refused.append(unit)
            return Refused(reason="disk_full")
        return await commit(unit)

    monkeypatch.setattr(office.world.store, "commit", full)
    await office.rooms.delete(ANA, webhook.id, None, origin=ORIGIN)
    await until(lambda: bool(refused))
    await office.world.quiet()
    assert len(await office.deliveries(webhook.id, "cancelled")) == 10
    monkeypatch.setattr(office.world.store, "commit", commit)
    await office.world.engine.tend()
    await cancelled(office, webhook.id, 45)


async def test_what_was_dropped_is_not_brought_back(office: Office) -> None:
    """A person drops old ones, then deletes and restores: only what the deletion cancelled waits anew."""
    webhook = await paused(office, 45)
    office.world.clock.advance(7_200)
    await office.waiting(3, webhook.id)
    await office.rooms.resume(ANA, webhook.id, 3_600, origin=ORIGIN)
    await office.rooms.delete(ANA, webhook.id, None, origin=ORIGIN)
    await office.rooms.restore(ANA, webhook.id, True, origin=ORIGIN)
    await until(lambda: len(office.world.sender.requests) == 3)
    await office.world.quiet()
    assert len(await office.deliveries(webhook.id, "cancelled")) == 45
