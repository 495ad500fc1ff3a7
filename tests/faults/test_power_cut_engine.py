"""Row 2 with the engine: the power fails while events are accepted, gathered, sent and settled.

What was answered is delivered by the next process, and what was sent before is sent again with the same id and bytes.
"""

import asyncio
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from deskbell.model.draft import Draft, Published
from deskbell.model.exchange import Reply, Sendable, Stage
from deskbell.model.webhook import Batch
from deskbell.storage.sqlite.syncing import LogFile
from engine.test_on_sqlite import opened
from engine.world import KEY, SITE, World
from faults.power import Disk, PowerVfs
from faults.report import reported

SEEDS = int(os.environ.get("DESKBELL_TEST_POWER_CUTS", "200")) // 8
STEPS = 8


@contextmanager
def powered(disk: Disk) -> Iterator[None]:
    """Whatever SQLite opens meanwhile lies on this disk."""
    vfs, synced = PowerVfs(f"power-{id(disk)}", disk), LogFile.sync

    def sync(log: LogFile) -> None:
        synced(log)
        disk.sync(str(log._path))

    apsw.set_default_vfs(vfs.name)
    LogFile.sync = sync  # type: ignore[method-assign]  # the log is synced beside SQLite
    try:
        yield
    finally:
        LogFile.sync = synced  # type: ignore[method-assign]  # as it was
        apsw.set_default_vfs("unix")
        vfs.unregister()


class Shop:
    """Publishers, three webhooks, moody receivers, and a book of what was answered and of what arrived."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.answered: list[str] = []
        self.bodies: defaultdict[str, list[bytes]] = defaultdict(list)  # by webhook-id
        self.is_well = False

    def receive(self, sendable: Sendable) -> Reply:
        """200, or 500 now and then."""
        self.bodies[dict(sendable.headers)["webhook-id"]].append(sendable.body)
        return Reply(stage=Stage.READ, status=200 if self.is_well else self.chance.choice([200, 200, 500]))

    async def hooks(self, world: World) -> None:
        """One plain, one that gathers, one with a payload of its own."""
        template = (
            '{"n": {"$": "event.data.n"}, "delivery": {"$": "delivery.id"}, "event": {"$": "event.meta.eventId"}}'
        )
        plain = {"character": self.receive, "retry_schedule_s": (5,) * 20}
        await world.webhook("custom.*", **plain)
        await world.webhook("custom.*", batch=Batch(events_max=3, wait_ms=2_000), **plain)
        await world.webhook("custom.*", format="template", template=template, **plain)

    async def work(self, world: World) -> None:
        """Publish in groups, let time pass, and stop looking at any moment."""
        for number in range(STEPS):
            for _ in range(self.chance.randint(1, 3)):
                draft = Draft(type="custom.n", by=KEY, occurred_at=world.clock.now(), data=b'{"n":%d}' % number)
                world.engine.submit(SITE, [draft], self.told)
            for _ in range(self.chance.randint(0, 12)):
                await asyncio.sleep(0)
            if self.chance.random() < 0.5:
                await world.advance(self.chance.choice([1, 3, 6]))

    def told(self, answer: object) -> None:
        """A publisher hears."""
        if isinstance(answer, Published):
            self.answered += answer.event_ids


async def cut(folder: Path, seed: int) -> tuple[Shop, World]:
    """One life that ends with the power, and the next one."""
    shop, disk = Shop(seed), Disk()
    (folder / "first").mkdir(parents=True)
    with powered(disk):
        world = await opened(folder / "first" / "deskbell.db")
        await shop.hooks(world)
        await shop.work(world)
        disk.cut(shop.chance, folder / "found")
        answered, bodies = list(shop.answered), {one: list(seen) for one, seen in shop.bodies.items()}
        await world.engine.stop(0)
        await world.store.close()
    shop.answered = answered
    shop.bodies = defaultdict(list, bodies)
    shop.is_well = True
    await opened(folder / "found" / "deskbell.db", world)
    for seconds in (3, 10, 60, 600, 3_600):
        await world.advance(seconds)
    return shop, world


async def test_what_was_answered_arrives_and_what_was_sent_stays(tmp_path: Path) -> None:
    """Each answered event reaches every webhook in one payload, whose bytes are the same before and after."""
    sent_before = 0
    with reported(2, "the power fails under the engine") as figures:
        for seed in range(SEEDS):
            shop, world = await cut(tmp_path / str(seed), seed)
            assert await world.store.schema.check() == ()
            held = Counter(
                event_id
                for one, bodies in shop.bodies.items()
                for event_id in set(shop.answered)
                if event_id.encode() in bodies[0]
            )
            assert held == Counter(dict.fromkeys(shop.answered, 3)), seed
            for one, bodies in shop.bodies.items():
                assert len(set(bodies)) == 1, (seed, one)
                found = await world.store.deliveries.get(SITE, one)
                assert found is not None
                assert found.state == "delivered"
            sent_before += sum(len(bodies) for bodies in shop.bodies.values())
            await world.engine.stop(1)
            await world.store.close()
        assert sent_before
        figures.update(cuts=SEEDS, payloads=sent_before, lost=0)


async def test_the_disk_finds_what_was_sent_too_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a sync that does nothing some answered event is lost or sent otherwise, else this test proves nothing."""
    sync = Disk.sync
    monkeypatch.setattr(Disk, "sync", lambda disk, name: None if name.endswith("-wal") else sync(disk, name))
    for seed in range(5):
        try:
            shop, world = await cut(tmp_path / str(seed), seed)
        except Exception:  # not even a database is left
            return
        there = [await world.store.events.get(SITE, one) for one in shop.answered]
        await world.engine.stop(1)
        await world.store.close()
        if None in there:
            return
    raise AssertionError("nothing was lost")
