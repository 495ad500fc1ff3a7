"""Row 2, the power fails at any moment: what was answered is there at the next start, and the file is sound."""

import asyncio
import os
import random
from collections.abc import Callable
from pathlib import Path

import apsw

from contract.made import delivery, event, inserts, settle
from deskbell.model.changes import Committed, Unit
from deskbell.storage.sqlite.connection import prepare_writer
from deskbell.storage.sqlite.migrate import migrate
from deskbell.storage.sqlite.room import Room
from deskbell.storage.sqlite.syncing import Syncer
from deskbell.storage.sqlite.writer import Writer
from deskbell.storage.statements import statements
from faults.power import Disk, PowerVfs

SEEDS = int(os.environ.get("DESKBELL_TEST_POWER_CUTS", "200"))
PAIRS = 30


class Machine:
    """The writer on a disk whose power can be cut."""

    def __init__(self, folder: Path, seed: int, sync: Callable[[Disk, str], None]) -> None:
        self.path = folder / "deskbell.db"
        self.disk = Disk()
        self.vfs = PowerVfs(f"power-{seed}-{id(self)}", self.disk)
        self.connection = apsw.Connection(str(self.path), vfs=self.vfs.name)
        self.connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        prepare_writer(self.connection)
        self.connection.execute("PRAGMA wal_autocheckpoint = 40")  # often, so that cuts meet checkpoints too
        migrate(self.connection)
        log = f"{self.path}-wal"
        self.disk.sync(log)
        syncer = Syncer(lambda: sync(self.disk, log))
        room = Room(self.connection, None)
        self.writer = Writer(self.connection, statements("sqlite"), syncer, room, units_max=500)
        self.answered: list[str] = []  # ids of events whose unit was answered
        self.settled: list[str] = []  # and of deliveries

    async def work(self, chance: random.Random) -> None:
        """Publish and settle in turns of random size, until about all is handed in; some of it is not answered yet."""
        waiting: list[asyncio.Future[None]] = []
        for _ in range(PAIRS):
            row = event(snapshot=b"x" * chance.randint(10, 3_000))
            sent = delivery(event_ids=(row.id,))
            waiting.append(self.hand_in(inserts(row, sent), self.answered, row.id))
            if chance.random() < 0.6:
                await waiting[-1]
                waiting.append(self.hand_in(Unit(changes=(settle(sent),)), self.settled, sent.id))
            for _ in range(chance.randint(0, 3)):
                await asyncio.sleep(0)
        for one in waiting[: chance.randint(0, len(waiting))]:
            await one

    def hand_in(self, unit: Unit, told: list[str], name: str) -> "asyncio.Future[None]":
        """Submit; the name is noted when the answer comes."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(verdict: object) -> None:
            assert verdict == Committed()
            told.append(name)
            over.set_result(None)

        self.writer.submit(unit, done)
        return over


async def cut(folder: Path, seed: int, sync: Callable[[Disk, str], None]) -> tuple[list[str], list[str]]:
    """Work, cut the power, start again: what was answered and is not there, and what is not sound."""
    chance = random.Random(seed)
    machine = Machine(folder, seed, sync)
    await machine.work(chance)
    answered, settled = list(machine.answered), list(machine.settled)
    machine.disk.cut(chance, folder / "found")
    machine.writer.drain()
    machine.connection.close()
    again = apsw.Connection(str(folder / "found" / "deskbell.db"))
    faults = [str(row[0]) for row in again.execute("PRAGMA integrity_check") if row[0] != "ok"]
    events = {row[0] for row in again.execute("SELECT id FROM event")}
    states = dict(again.execute("SELECT id, state FROM delivery"))
    carried = {row[0] for row in again.execute("SELECT event_id FROM delivery_event")}
    attempts = {row[0] for row in again.execute("SELECT delivery_id FROM attempt")}
    again.close()
    if carried != events or attempts != {one for one, state in states.items() if state == "delivered"}:
        faults.append("half a unit")
    lost = [one for one in answered if one not in events] + [one for one in settled if states.get(one) != "delivered"]
    return lost, faults


async def test_what_was_answered_survives_a_power_cut(tmp_path: Path) -> None:
    """Whenever the power fails, between writing, syncing and a checkpoint."""
    answered = 0
    for seed in range(SEEDS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        lost, faults = await cut(folder, seed, lambda disk, log: disk.sync(log))
        assert (lost, faults) == ([], []), seed
        answered += PAIRS
    assert answered == SEEDS * PAIRS


async def test_the_disk_finds_answers_that_come_too_early(tmp_path: Path) -> None:
    """The same with a sync that does nothing: some answered unit is lost, else this test proves nothing."""
    found = 0
    for seed in range(20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        lost, _ = await cut(folder, seed, lambda disk, log: None)
        found += bool(lost)
    assert found


async def test_a_failed_sync_ends_the_writer(tmp_path: Path) -> None:
    """Nobody is told that it is stored, and nothing is tried again: what the disk has is unknown."""

    def failing(disk: Disk, log: str) -> None:
        raise OSError(5, "Input/output error")

    machine = Machine(tmp_path, 1, failing)
    broken: list[bool] = []
    machine.writer.on_broken = lambda: broken.append(True)
    verdicts: list[object] = []
    over = asyncio.Event()
    machine.writer.submit(inserts(event()), verdicts.append)
    machine.writer.submit(inserts(event()), lambda verdict: (verdicts.append(verdict), over.set()))
    await asyncio.wait_for(over.wait(), 10)
    machine.writer.submit(inserts(event()), verdicts.append)
    machine.writer.drain()
    assert [getattr(one, "reason", "") for one in verdicts] == ["broken"] * 3
    assert broken == [True]
    machine.connection.close()
