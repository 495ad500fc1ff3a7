"""What is past its time goes: rows in rounds, captures and keys in their own time, deleted webhooks for good."""

import json
from dataclasses import replace

import pytest

from contract.made import bin_, capture, entry
from deskbell.accounts import AuditReader
from deskbell.model.changes import Insert, Refused, Unit
from deskbell.model.event import Idempotency
from deskbell.model.instant import plus
from deskbell.model.people import SYSTEM
from deskbell.model.query import DeliveryFilter, EventFilter
from deskbell.model.webhook import Deletion, WebhookState
from deskbell.rules.limits import Limits
from engine.world import SITE, World

DAY_S = 86_400


@pytest.fixture
def limits():
    """Rounds of a few rows."""
    return Limits(rows_at_once=10)


async def test_more_than_a_round_goes_at_once(world: World) -> None:
    """However much is past retention, one look clears all of it."""
    await world.webhook("custom.*")
    for _ in range(35):
        await world.publish()
    await world.quiet()
    await world.advance(29 * DAY_S)
    assert await world.store.events.count(SITE, EventFilter()) == 35
    kept = await world.publish()
    await world.advance(2 * DAY_S)
    assert [row.id for row in await world.store.events.page(SITE, EventFilter(), None, 99)] == list(kept.event_ids)
    assert await world.store.deliveries.count(SITE, DeliveryFilter(), 99) == 1


async def test_round_that_is_refused_is_made_again_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk ends the look, not the loop: the next one goes on."""
    for _ in range(3):
        await world.publish()
    world.clock.advance(31 * DAY_S)
    commit = world.store.commit

    async def full(unit):
        return Refused(reason="disk_full")

    monkeypatch.setattr(world.store, "commit", full)
    await world.engine.tend()
    monkeypatch.setattr(world.store, "commit", commit)
    assert await world.store.events.count(SITE, EventFilter()) == 3
    await world.engine.tend()
    assert await world.store.events.count(SITE, EventFilter()) == 0


async def test_captures_and_keys_go_sooner(world: World) -> None:
    """Captures after a week, remembered keys after a day, events after a month."""
    now, mine = world.clock.now(), bin_(site=SITE)
    key = Idempotency(site=SITE, maker="key_1", key="k", body_hash="", answer=b"", at=now)
    await world.commit(Insert(row=mine), Insert(row=capture(mine, 1, at=now)), Insert(row=key))
    await world.publish()
    for days, keys, captures in ((0.9, 1, 1), (6.0, 0, 1), (0.2, 0, 0)):
        await world.advance(days * DAY_S)
        assert len(await world.store.bins.captures(SITE, mine.id, None, 9)) == captures
        assert (await world.store.events.idempotency(SITE, "key_1", "k") is not None) == bool(keys)
    assert await world.store.events.count(SITE, EventFilter()) == 1


async def test_webhook_deleted_long_ago_is_erased(world: World) -> None:
    """After 90 days it goes with its secrets, and the audit says so; one that was restored stays."""
    gone, back = await world.webhook("custom.*"), await world.webhook("custom.*")
    deletion = Deletion(at=world.clock.now(), by=SYSTEM)
    for one in (gone, back):
        await world.change(one, state=WebhookState.DELETED, deletion=deletion)
    await world.quiet()
    await world.advance(89 * DAY_S)
    await world.change(back, state=WebhookState.ENABLED, deletion=None)
    assert len(await world.store.webhooks.all(SITE)) == 2
    await world.advance(1 * DAY_S)
    assert [one.id for one in await world.store.webhooks.all(SITE)] == [back.id]
    assert await world.store.webhooks.secrets(SITE, gone.id) == ()
    (row,) = await world.store.audit.range(SITE, 0, 9)
    assert (row.entry.operation, row.entry.object_id, row.entry.actor) == ("webhook.erase", gone.id, SYSTEM)
    published = await world.publish()
    await world.quiet()
    assert await world.state(published) == "delivered"


async def test_the_audit_has_a_retention_of_its_own(world: World) -> None:
    """A chain is cut where it is older than the site wants, tells of it, and is whole before and after."""
    reader = AuditReader(store=world.store)
    for day in range(25):
        await world.store.commit(Unit(changes=(), audit=entry(site=SITE, at=world.clock.now(), object_id=str(day))))
        world.clock.advance(DAY_S)
    before = await reader.check(SITE)
    world.clock.advance(390 * DAY_S)
    await world.engine.tend()
    rows = await world.store.audit.range(SITE, 0, 99)
    assert rows[0].entry.object_id == "15"
    assert [row.entry.operation for row in rows[-2:]] == ["audit.purge", "audit.purge"]  # rounds of ten rows
    assert rows[-1].entry.actor == SYSTEM
    found = await reader.check(SITE)
    assert before.broken is None
    assert found.broken is None
    assert found.checkpoint is not None
    assert json.loads(rows[-1].entry.after or "")["lastHash"] == found.checkpoint.hash
    await world.engine.tend()
    assert len(await world.store.audit.range(SITE, 0, 99)) == len(rows)


async def test_clock_of_a_deletion_is_that_of_the_webhook(world: World) -> None:
    """A webhook that was deleted again after it was restored counts from the last time."""
    webhook = await world.webhook("custom.*")
    first = Deletion(at=world.clock.now(), by=SYSTEM)
    await world.change(webhook, state=WebhookState.DELETED, deletion=first)
    world.clock.advance(20 * DAY_S)
    await world.change(webhook, state=WebhookState.ENABLED, deletion=None)
    again = replace(first, at=world.clock.now())
    await world.change(webhook, state=WebhookState.DELETED, deletion=again)
    await world.quiet()
    await world.advance(80 * DAY_S)
    assert len(await world.store.webhooks.all(SITE)) == 1
    assert plus(again.at, 80 * DAY_S) == world.clock.now()
