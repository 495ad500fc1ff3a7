"""Row 4, a disk that fills up: what grows is refused, what is recorded goes on, with room again all is as before."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.made import SITE, at, delivery, event, inserts, settle, site, webhook
from deskbell.model.changes import Committed, Purge, Refused, Replace, Unit, Verdict
from deskbell.model.delivery import Delivery
from deskbell.model.query import DeliveryFilter
from deskbell.storage.sqlite import SqliteStore
from deskbell.storage.sqlite.room import RESERVE_NAME

FULL = Refused(reason="disk_full")
DISK_BYTES = 32 << 20
RESERVE_BYTES = 8 << 20
DAYS = 86_400_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk needs the right to mount one")
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", place], check=False)
    if made.returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


async def fill(store: SqliteStore) -> list[Delivery]:
    """Publish until the disk is full; the deliveries that were accepted."""
    accepted: list[Delivery] = []
    verdicts: list[tuple[Delivery, Verdict]] = []
    while True:
        for number in range(20):
            mine = event(number, snapshot=os.urandom(8_000))
            owed = delivery(number, event_ids=(mine.id,))
            store.submit(inserts(mine, owed), lambda verdict, owed=owed: verdicts.append((owed, verdict)))
        await store.commit(Unit(changes=()))
        accepted += [owed for owed, verdict in verdicts if isinstance(verdict, Committed)]
        if any(verdict == FULL for _, verdict in verdicts):
            return accepted
        assert all(isinstance(verdict, Committed) for _, verdict in verdicts)
        verdicts.clear()


async def taken_again(store: SqliteStore) -> None:
    """Wait until events are taken."""
    async with asyncio.timeout(30):
        while await store.commit(inserts(event(1))) == FULL:  # noqa: ASYNC110  it looks again after a while
            await asyncio.sleep(0.05)


async def test_settles_and_purges_go_on(disk: Path) -> None:
    """Everything that was accepted is settled; a purge then makes room, and events are taken again."""
    store = SqliteStore.open(disk / "deskbell.db", reserve_bytes=RESERVE_BYTES)
    assert (disk / RESERVE_NAME).stat().st_size == RESERVE_BYTES
    hook = webhook()
    await store.commit(inserts(site(), hook))
    accepted = await fill(store)
    assert len(accepted) > 500
    assert not (disk / RESERVE_NAME).exists()
    assert (store.figures.is_short(), store.figures.is_spent()) == (True, False)
    assert await store.commit(inserts(event(1), delivery(1))) == FULL
    after = Replace(row=webhook(id=hook.id, version=2, description="Changed by a person"))
    assert await store.commit(Unit(changes=(after,))) == Committed()
    settles = [settle(row, 5) for row in accepted]
    verdicts = await asyncio.gather(*[store.commit(Unit(changes=(one,))) for one in settles])
    assert set(verdicts) == {Committed()}
    assert await store.deliveries.get(SITE, accepted[0].id) == settles[0].after
    purge = Unit(changes=(Purge(site=SITE, before=at(90 * DAYS), rows_max=500),))
    while (verdict := await store.commit(purge)) != Committed():
        assert isinstance(verdict, Committed)
    assert await store.deliveries.count(SITE, DeliveryFilter(), 9) == 0
    await store.close()
    again = SqliteStore.open(disk / "deskbell.db", reserve_bytes=0)  # what the purge freed is in the file
    assert await again.commit(inserts(event(1, snapshot=os.urandom(1_000_000)))) == Committed()
    assert await again.schema.check() == ()
    await again.close()


async def test_room_again_ends_it(disk: Path) -> None:
    """Somebody clears the disk: the reserve is made again, without a restart."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 16 << 20)
    store = SqliteStore.open(disk / "deskbell.db", reserve_bytes=2 << 20)
    accepted = await fill(store)
    ballast.unlink()
    await taken_again(store)
    assert (disk / RESERVE_NAME).stat().st_size == 2 << 20
    assert not store.figures.is_short()
    assert await store.deliveries.count(SITE, DeliveryFilter(), 100_000) == len(accepted)
    assert await store.schema.check() == ()
    await store.close()


async def test_start_on_a_full_disk(disk: Path) -> None:
    """Without room for the reserve nothing that grows is begun; what was accepted before can be settled."""
    store = SqliteStore.open(disk / "deskbell.db")
    owed = delivery(1)
    await store.commit(inserts(site(), owed))
    await store.close()
    with (disk / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, DISK_BYTES - (4 << 20))
    store = SqliteStore.open(disk / "deskbell.db", reserve_bytes=RESERVE_BYTES)
    assert store.figures.is_short()
    assert await store.commit(inserts(event(1))) == FULL
    assert await store.commit(Unit(changes=(settle(owed, 2),))) == Committed()
    (disk / "ballast").unlink()
    await taken_again(store)
    await store.close()


async def test_nothing_is_begun_that_could_not_be_recorded(disk: Path) -> None:
    """With half of the reserve used up the store says so, before a settle fails."""
    store = SqliteStore.open(disk / "deskbell.db", reserve_bytes=RESERVE_BYTES)
    await fill(store)
    assert not store.figures.is_spent()
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with (disk / "ballast").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free - (3 << 20)))
    assert store.figures.is_spent()
    (disk / "ballast").unlink()
    assert not store.figures.is_spent()
    await store.close()


_LIMITED = """
import asyncio, json, resource, sys
from pathlib import Path
from contract.made import SITE, delivery, event, inserts, settle, site
from deskbell.model.changes import Committed, Unit
from deskbell.model.query import DeliveryFilter
from deskbell.storage.sqlite import SqliteStore

async def main():
    path = Path(sys.argv[1])
    store = SqliteStore.open(path, reserve_bytes=1 << 20)
    await store.commit(inserts(site()))
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, hard))
    accepted, refused = [], 0
    while refused < 5:
        mine = event(len(accepted), snapshot=b"%d" % len(accepted) * 3000)
        owed = delivery(len(accepted), event_ids=(mine.id,))
        verdict = await store.commit(inserts(mine, owed))
        if verdict == Committed():
            accepted.append(owed)
        else:
            assert verdict.reason == "disk_full", verdict
            refused += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    settled = await store.commit(Unit(changes=(settle(accepted[-1], 5),)))
    while await store.commit(inserts(event(1))) != Committed():
        await asyncio.sleep(0.05)
    count = await store.deliveries.count(SITE, DeliveryFilter(), 100_000)
    faults = await store.schema.check()
    await store.close()
    print(json.dumps([len(accepted), count, settled == Committed(), faults]))

asyncio.run(main())
"""


async def test_limit_of_a_file_is_a_full_disk(tmp_path: Path) -> None:
    """EFBIG, as a quota's EDQUOT, means no room and no damage: refused, then taken again by the same process."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _LIMITED, str(tmp_path / "deskbell.db"), env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    accepted, count, settled, faults = json.loads(output.decode().splitlines()[-1])
    assert accepted == count > 50
    assert (settled, faults) == (True, [])
