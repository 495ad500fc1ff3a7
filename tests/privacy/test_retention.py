"""Clocks run forward: nothing older than its site's retention is left, in no row, no index and no file."""

from dataclasses import replace
from pathlib import Path

import apsw

from contract.made import bin_, capture
from deskbell.model.changes import Insert, Replace, Unit
from deskbell.model.event import Idempotency, Subject
from deskbell.model.query import EventFilter
from deskbell.rules.limits import Limits
from deskbell.storage.sqlite.store import SqliteStore
from engine.world import SITE, World

DAY_S = 86_400
DAYS = 5
BOX = bin_()


def text_of(day: int) -> str:
    """What was said on that day."""
    return f"UNMISTAKABLE-{day:02}-words"


async def a_day(world: World, day: int) -> None:
    """An event with a title, delivered; a capture and a remembered request."""
    said = text_of(day)
    await world.publish(data=f'{{"said":"{said}"}}'.encode(), subject=Subject(type="ticket", id=str(day), title=said))
    now = world.clock.now()
    kept = capture(BOX, day, at=now, body=said.encode())
    key = Idempotency(site=SITE, maker="key_1", key=said, body_hash="h", answer=said.encode(), at=now)
    await world.commit(Insert(row=kept), Insert(row=key))
    await world.advance(DAY_S)


async def test_nothing_older_than_its_retention_is_left(tmp_path: Path) -> None:
    """With a retention of five days: after each day the last five are there, and after closing no file holds more."""
    path = tmp_path / "deskbell.db"
    store = SqliteStore.open(path)
    world = World(store, Limits(capture_days=DAYS))
    await world.start()
    site = await store.sites.get(SITE)
    assert site is not None
    shorter = replace(site, retention_days=DAYS, version=site.version + 1)
    await store.commit(Unit(changes=(Replace(row=shorter),)))
    world.engine.site_changed(SITE)
    await world.webhook("custom.*")
    await world.commit(Insert(row=BOX))
    for day in range(12):
        await a_day(world, day)
        left = await store.events.page(SITE, EventFilter(), None, 99)
        assert len(left) <= DAYS + 1
        assert not [one for one in left if world.clock.now() - one.received_at > (DAYS + 1) * DAY_S * 10_000_000]
    await world.advance(DAY_S)
    oldest = await oldest_instants(path)
    assert [
        name for name, at in oldest.items() if at and world.clock.now() - at > (DAYS + 1) * DAY_S * 10_000_000
    ] == []
    await world.engine.stop(0.1)
    await store.close()
    raw = everything_in(tmp_path)
    gone = [day for day in range(12) if text_of(day).encode() not in raw]
    assert gone == list(range(12 - DAYS + 1)), gone


def everything_in(folder: Path) -> bytes:
    """The bytes of all files."""
    return b"".join(one.read_bytes() for one in folder.iterdir() if one.is_file())


async def oldest_instants(path: Path) -> dict[str, int | None]:
    """The oldest row of each table that is purged."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    columns = {"event": "received_at", "delivery": "created_at", "attempt": "started_at", "capture": "at",
               "idempotency": "at"}  # fmt: skip
    found = {table: connection.execute(f"SELECT min({name}) FROM {table}").get for table, name in columns.items()}
    connection.close()
    return found
