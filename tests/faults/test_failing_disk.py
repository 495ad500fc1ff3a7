"""Rows 3 and 4: whatever the disk fails to do, nobody is told what is not stored, and the next start is clean."""

import asyncio
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs

from contract.made import SITE, delivery, event, inserts, settle, site, webhook
from deskbell.model.changes import Committed, Refused, Unit, Verdict
from deskbell.model.delivery import Delivery
from deskbell.model.errors import StoreBroken
from deskbell.storage.sqlite import SqliteStore
from faults import failing_disk
from faults.failing_disk import failing
from faults.process import ENVIRONMENT, Process, ports
from faults.report import reported
from running import until

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""What fails while SQLite closes a file has no caller to tell."""
PAIRS = 12
FRESH = 5
"""Every so many runs begin without a file."""
EARLY = 40
STEP = 2
"""How far apart the operations are that fail after the first ones."""


class Told:
    """What was answered."""

    def __init__(self) -> None:
        self.stored: list[Delivery] = []
        self.settled: list[Delivery] = []
        self.refused: list[Refused] = []
        self.broken: list[bool] = []

    async def work(self, path: Path) -> None:
        """Start, publish and settle; ends early when the store says that it is broken. Raises StoreBroken."""
        store = SqliteStore.open(path, on_broken=lambda: self.broken.append(True))
        try:
            await store.commit(inserts(site(), webhook()))
            store._connection.execute("PRAGMA wal_autocheckpoint = 10")  # often, so that checkpoints fail too
            for number in range(PAIRS):
                await self._pair(store, number)
        finally:
            with suppress(apsw.Error):  # folding the log in failed: it stays
                await store.close()

    async def _pair(self, store: SqliteStore, number: int) -> None:
        mine = event(number, snapshot=b"x" * (300 * number + 1))
        owed = delivery(number, event_ids=(mine.id,))
        if self._took(await store.commit(inserts(mine, owed))):
            self.stored.append(owed)
            if number % 2 and self._took(await store.commit(Unit(changes=(settle(owed, 5),)))):
                self.settled.append(owed)

    def _took(self, verdict: Verdict) -> bool:
        if isinstance(verdict, Refused):
            self.refused.append(verdict)
        return isinstance(verdict, Committed)

    async def check(self, path: Path) -> None:
        """The next process: what was answered is there, whole, and it works."""
        store = SqliteStore.open(path)
        assert await store.schema.check() == ()
        for row in self.stored:
            found = await store.deliveries.get(SITE, row.id)
            assert found is not None
            assert await store.events.get(SITE, row.event_ids[0]) is not None
            assert found.state == "delivered" or row not in self.settled
        assert await store.commit(inserts(event(99))) == Committed()
        await store.close()


async def broken_at(folder: Path, n: int) -> tuple[bool, Told]:
    """Whether the n-th operation came at all, and what was answered until then."""
    told = Told()
    with capture_logs(), failing("broken", n) as disk:
        try:
            await told.work(folder / "deskbell.db")
        except (StoreBroken, apsw.Error):  # at the start, or when the log is folded in at the end
            assert disk.failed
    assert bool(told.refused) == bool(told.broken), "who is refused for good is told once to the process"
    assert {one.reason for one in told.refused} <= {"broken"}
    await told.check(folder / "deskbell.db")
    return bool(disk.failed), told


async def test_every_operation_fails_once(tmp_path: Path) -> None:
    """The first, the second, the third …: whatever was answered survives, and a broken store takes nothing more."""
    refused = 0
    template = tmp_path / "template"
    template.mkdir()
    await SqliteStore.open(template / "deskbell.db").close()
    with reported(3, "the n-th operation of the disk fails") as figures:
        n, found = 1, True
        while found:
            folder = tmp_path / str(n)
            shutil.copytree(template, folder) if n % FRESH else folder.mkdir()
            found, told = await broken_at(folder, n)
            refused += bool(told.refused)
            n += 1 if n < EARLY else STEP
        assert refused > 10
        figures.update(operations=n - 1, refused=refused, lost=0)


async def test_every_write_finds_the_disk_full(tmp_path: Path) -> None:
    """For a while, from the n-th on: nobody is told what is not stored, the store lives, and takes all again."""
    full = 0
    with reported(4, "the disk is full from the n-th write on") as figures:
        for n in range(1, 61, 3):
            folder = tmp_path / str(n)
            folder.mkdir()
            await SqliteStore.open(folder / "deskbell.db").close()
            told = Told()
            with capture_logs(), failing("full", n, n + 25) as disk:
                await told.work(folder / "deskbell.db")
            assert {one.reason for one in told.refused} <= {"disk_full"}
            assert told.broken == []
            full += bool(told.refused)
            assert disk.failed
            await told.check(folder / "deskbell.db")
        assert full > 5
        figures.update(starts=20, refused=full, lost=0)


def serve_on(process: Process, n: int) -> subprocess.Popen[bytes]:
    """Start the process on a disk whose n-th operation fails, and each one after it."""
    command = [sys.executable, failing_disk.__file__, "broken", str(n), "serve", "--data", str(process.data)]
    command += ["--port", str(process.port)]
    with process.log.open("ab") as log:
        return subprocess.Popen(command, env={**ENVIRONMENT, "DESKBELL_METRICS": "off"}, stdout=log, stderr=log)


@pytest.mark.parametrize("n", [150, 171, 200])
async def test_the_process_ends_and_the_next_one_goes_on(tmp_path: Path, n: int) -> None:
    """Callers get 5xx, the process exits with an error, and what was answered 202 is there at the next start."""
    process = Process(tmp_path / "data", ports())
    process.init()
    process.child = serve_on(process, n)
    await until(process.is_ready)
    answered: list[str] = []
    statuses: set[int] = set()
    async with asyncio.timeout(60):
        while process.child.poll() is None:
            try:
                answer = await process.client.call("POST", "/events", {"type": "custom.a", "data": {}})
            except (OSError, EOFError):
                continue
            statuses.add(answer.status)
            answered += [answer.json["id"]] if answer.status == 202 else []
    assert process.child.returncode not in (0, -9)
    assert statuses <= {202, 500, 503}
    await process.start()
    for one in answered:
        assert (await process.client.call("GET", f"/events/{one}")).status == 200
    assert process.stop() == 0
