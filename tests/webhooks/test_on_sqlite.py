"""The life of a webhook on a real database file."""

from pathlib import Path

from deskbell.model.webhook import WebhookState
from deskbell.storage.sqlite.store import SqliteStore
from engine.world import until
from webhooks.office import ANA, ORIGIN, Office


async def test_whole_life(tmp_path: Path) -> None:
    """Create, change, rotate, pause, delete, restore with its deliveries: as in memory, and the audit is whole."""
    store = SqliteStore.open(tmp_path / "deskbell.db", commit_units_max=500)
    office = Office(store)
    await office.world.start()
    made = await office.made(headers={"X-Key": "v"}, retry_schedule_s=(1, 2), rate_per_second=50.5)
    webhook_id = made.webhook.id
    await office.rooms.update(ANA, webhook_id, {"description": "Renamed", "format": "standard"}, origin=ORIGIN)
    office.world.clock.advance(1)
    rotated = await office.rooms.rotate(ANA, webhook_id, None, origin=ORIGIN)
    await office.rooms.pause(ANA, webhook_id, None, origin=ORIGIN)
    await office.waiting(3, webhook_id)
    deleted = await office.rooms.delete(ANA, webhook_id, "a mistake", origin=ORIGIN)
    assert deleted.deletion is not None
    assert deleted.deletion.cancelled == 3
    office.world.clock.advance(60)
    back = await office.rooms.restore(ANA, webhook_id, True, origin=ORIGIN)
    assert back == await office.rooms.get("dd", webhook_id)
    assert (back.description, back.state, back.rate_per_second) == ("Renamed", WebhookState.PAUSED, 50.5)
    assert await office.rooms.secrets("dd", webhook_id) == [rotated.secret_text, made.secret_text]
    await office.rooms.resume(ANA, webhook_id, None, origin=ORIGIN)
    await until(lambda: len(office.world.sender.requests) == 3)
    assert [one.operation.partition(".")[2] for one in await office.audit()] == [
        "create", "change", "rotate", "pause", "delete", "restore", "resume",
    ]  # fmt: skip
    await office.world.quiet()
    await office.world.engine.stop(1.0)
    await store.close()
