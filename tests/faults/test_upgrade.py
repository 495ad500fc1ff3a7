"""Row 21: a database of each earlier version is brought to this one, whole, whenever the process dies meanwhile."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest

from contract.made import SITE, delivery, event, inserts, settle
from contract.three import kill
from deskbell.model.changes import Committed, Refused, Unit, Verdict
from deskbell.model.errors import StoreBroken
from deskbell.ports import Store
from deskbell.storage.memory import MemoryStore
from deskbell.storage.postgres import PostgresStore, transaction
from deskbell.storage.postgres import migrate as postgres
from deskbell.storage.postgres.connection import AWAY
from deskbell.storage.sqlite import SqliteStore
from deskbell.storage.sqlite import migrate as sqlite
from faults import upgrading
from faults.releases import FOLDER, fill, told
from faults.report import reported
from postgres_server import PostgresServer

NEWEST = sqlite.migrations()[-1][0]
VERSIONS = range(1, NEWEST + 1)
FILED = sorted(int(path.stem[-4:]) for path in FOLDER.glob("sqlite_*.sql"))
"""Versions whose programs have left files; databases of those between come from the one before."""


async def expected() -> dict[str, Any]:
    """What every one of these databases holds."""
    store = MemoryStore()
    await fill(store)
    found = await told(store)
    await store.close()
    return found


def sqlite_of(version: int, path: Path) -> Path:
    """A file as the program of that version left it."""
    filed = max(one for one in FILED if one <= version)
    connection = apsw.Connection(str(path))
    sqlite.migrate(connection, sqlite.migrations()[:filed])
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute((FOLDER / f"sqlite_{filed:04}.sql").read_text())
    sqlite.migrate(connection, sqlite.migrations()[:version])
    connection.close()
    return path


async def postgres_of(version: int, url: str) -> None:
    """The same in a server."""
    filed = max(one for one in FILED if one <= version)
    connection = await asyncpg.connect(url)
    await postgres.migrate(connection, postgres.migrations()[:filed])
    await connection.execute((FOLDER / f"postgres_{filed:04}.sql").read_text())
    await postgres.migrate(connection, postgres.migrations()[:version])
    await connection.close()


async def check(store: Store) -> None:
    """Everything is there, sound, and goes on: what waits is settled, what comes is taken."""
    found, meant = await told(store), await expected()
    assert found.keys() == meant.keys()
    for name in meant:
        assert found[name] == meant[name]
    assert await store.schema.check() == ()
    assert await store.schema.version() == NEWEST
    ((site, hook, *_), *_) = await store.due.webhooks()
    (first, *_) = await store.due.deliveries(site, hook, None, 1)
    done = settle(first, 9_000, first.state)
    assert await store.commit(Unit(changes=(done,))) == Committed()
    assert await store.deliveries.get(site, first.id) == done.after
    assert await store.commit(inserts(event(9_999), delivery(9_999))) == Committed()
    await store.close()


def test_files_are_of_both_databases() -> None:
    """The same versions of each, and the same steps."""
    names = {f"{kind}_{version:04}.sql" for kind in ("sqlite", "postgres") for version in FILED}
    assert {path.name for path in FOLDER.iterdir()} == names
    assert FILED[0] == 1
    assert [version for version, _ in postgres.migrations()] == list(VERSIONS)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_file_of_each_version(tmp_path: Path, version: int) -> None:
    """It is migrated at the next start; a second start changes nothing more."""
    path = sqlite_of(version, tmp_path / "deskbell.db")
    await SqliteStore.open(path).close()
    connection = apsw.Connection(str(path))
    once = list(connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY 1"))
    connection.close()
    store = SqliteStore.open(path)
    assert list(store._connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY 1")) == once
    await check(store)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_server_of_each_version(empty_database: str, version: int) -> None:
    """The same in PostgreSQL."""
    await postgres_of(version, empty_database)
    await (await PostgresStore.open(empty_database)).close()
    await check(await PostgresStore.open(empty_database))


@pytest.mark.parametrize("version", range(NEWEST))
async def test_an_older_program_refuses(tmp_path: Path, empty_database: str, version: int) -> None:
    """Both versions are named, and nothing is changed."""
    connection = apsw.Connection(str(sqlite_of(NEWEST, tmp_path / "deskbell.db")))
    text = rf"version {NEWEST}, this program knows version {version}"
    steps = sqlite.migrations()[:version] or ((0, "SELECT 1"),)
    with pytest.raises(StoreBroken, match=text):
        sqlite.migrate(connection, steps)
    connection.close()
    await postgres_of(NEWEST, empty_database)
    shared = await asyncpg.connect(empty_database)
    with pytest.raises(StoreBroken, match=text):
        await postgres.migrate(shared, postgres.migrations()[:version] or ((0, "SELECT 1"),))
    await shared.close()


@pytest.mark.parametrize("version", range(NEWEST))
async def test_killed_before_each_statement_of_each_step(tmp_path: Path, version: int) -> None:
    """kill -9 leaves the version before or after a step, never half of one; the next start does the rest."""
    source = tmp_path / "source.db"
    if version:
        sqlite_of(version, source)
    else:
        source.touch()
    folder = tmp_path / "killed"
    folder.mkdir()
    with reported(21, f"SQLite of version {version} killed while it is migrated") as figures:
        command = [sys.executable, upgrading.__file__, str(source), str(folder)]
        done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, timeout=120)
        kills = int(done.stdout) - 1
        assert kills > 2
        names: dict[int, set[str]] = {}
        for n in range(1, kills + 2):
            connection = apsw.Connection(str(folder / f"{n}.db"))
            found = sqlite.schema_version(connection)
            now = {row[0] for row in connection.execute("SELECT coalesce(sql, name) FROM sqlite_schema")}
            assert names.setdefault(found, now) == now, f"half a step after {n}"
            sqlite.migrate(connection)
            assert sqlite.schema_version(connection) == NEWEST
            connection.close()
        assert set(names) == set(range(version, NEWEST + 1))
        if version:
            (folder / "mended").mkdir()
            (folder / f"{kills // 2}.db").rename(folder / "mended" / "deskbell.db")
            await check(SqliteStore.open(folder / "mended" / "deskbell.db"))
        figures.update(kills=kills, lost=0)


def statements_of(text: str) -> list[str]:
    """A script's statements; what stands between $$ is one."""
    found = [""]
    for line in text.splitlines(keepends=True):
        found[-1] += line
        if ends_with(line) and found[-1].count("$$") % 2 == 0:
            found.append("")
    return [one for one in found if one.strip()]


def ends_with(line: str) -> bool:
    """Whether a statement ends with this line."""
    return line.partition(" --")[0].rstrip().endswith(";")


@pytest.mark.parametrize("version", range(NEWEST))
async def test_a_server_ends_before_each_statement_of_each_step(empty_database: str, version: int) -> None:
    """The same in PostgreSQL: its process for the migrator ends, the version before is whole, a next start goes on."""
    if version:
        await postgres_of(version, empty_database)
    watcher = await asyncpg.connect(empty_database)
    number, text = postgres.migrations()[version]
    parts = statements_of(text)
    relations = "SELECT count(*) FROM pg_class"
    before = await watcher.fetchval(relations)
    end = "SELECT pg_terminate_backend(pg_backend_pid());"
    with reported(21, f"PostgreSQL of version {version} ended while it is migrated") as figures:
        for n in range(len(parts) + 1):
            connection = await asyncpg.connect(empty_database)
            steps = ((number, "".join(parts[:n]) + end + "".join(parts[n:])),)
            with pytest.raises(AWAY):
                await postgres.migrate(connection, steps)
            connection.terminate()
            assert await postgres.schema_version(watcher) == version
            assert await watcher.fetchval(relations) == before
        figures.update(kills=len(parts) + 1, lost=0)
    await watcher.close()
    store = await PostgresStore.open(empty_database)
    if version:
        await check(store)
    await store.close()


@pytest.mark.parametrize("version", range(1, NEWEST))
async def test_old_and_new_together(empty_database: str, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old process works while a new one migrates: what it was answered is there; then it is refused and says so."""
    await postgres_of(version, empty_database)
    broken: list[bool] = []
    with monkeypatch.context() as old_program:
        old_program.setattr(postgres, "migrations", lambda: MIGRATIONS[:version])
        old = await PostgresStore.open(empty_database, on_broken=lambda: broken.append(True))
    checked = transaction.check_version
    monkeypatch.setattr(transaction, "check_version", lambda present, _: checked(present, version))
    verdicts: dict[str, Verdict] = {}
    is_over = asyncio.Event()

    async def publishing() -> None:
        for number in range(10_000):
            row = event(number)
            verdicts[row.id] = await old.commit(inserts(row, delivery(number, event_ids=(row.id,))))
            if broken or is_over.is_set():
                return

    work = asyncio.create_task(publishing())
    new = await PostgresStore.open(empty_database)
    await asyncio.wait_for(work, 30)
    monkeypatch.undo()
    assert broken == [True]
    assert await old.commit(inserts(event(1))) == Refused(reason="broken")
    for one, verdict in verdicts.items():
        found = await new.events.get(SITE, one)
        assert (found is not None) == (verdict == Committed())
    assert await new.commit(inserts(event(20_000))) == Committed()
    assert await new.schema.check() == ()
    await old.close()
    await new.close()


MIGRATIONS = postgres.migrations()


async def test_a_migrator_that_is_killed_holds_up_nobody(postgres_server: PostgresServer, empty_database: str) -> None:
    """The process and its connections vanish after a step: the next one starts at once."""
    store = await PostgresStore.open(empty_database)
    await fill(store)
    await kill(store)
    again = await PostgresStore.open(empty_database)
    assert (await told(again))["due"] == (await expected())["due"]
    await again.close()
