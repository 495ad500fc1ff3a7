"""The database as a file: durable, held by one process, refused when it is newer or broken."""

import asyncio
import os
import sys
from pathlib import Path

import apsw
import pytest

from contract.made import SITE, at, delivery, entry, event, inserts, settle, site
from deskbell.model.changes import Committed, Refused, Unit, Verdict
from deskbell.model.errors import StoreBroken
from deskbell.model.query import DeliveryFilter, EventFilter
from deskbell.storage.sqlite import SqliteStore
from deskbell.storage.sqlite.migrate import migrate, migrations

OK = Committed()


async def test_what_was_answered_is_there_after_reopening(tmp_path: Path) -> None:
    """A closed database comes back with everything, without a log beside it."""
    path = tmp_path / "deskbell.db"
    store = SqliteStore.open(path)
    one = delivery()
    await store.commit(inserts(site(), event(1), one, audit=entry()))
    done = settle(one, 2)
    await store.commit(Unit(changes=(done,)))
    await store.close()
    assert sorted(one.name for one in os.scandir(tmp_path)) == ["deskbell.db", "deskbell.lock"]
    again = SqliteStore.open(path)
    assert await again.deliveries.get(SITE, one.id) == done.after
    assert await again.deliveries.attempts(SITE, one.id) == (done.attempt,)
    assert len(await again.audit.page(SITE, None, 9)) == 1
    await again.close()


_KILLED = """
import asyncio, os, sys
from pathlib import Path
from contract.made import event, inserts
from deskbell.storage.sqlite import SqliteStore

async def main():
    store = SqliteStore.open(Path(sys.argv[1]))
    for number in range(50):
        await store.commit(inserts(event(number)))
        print(number, flush=True)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


async def test_kill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """After kill -9 every answered unit is there, and the lock is free."""
    path = tmp_path / "deskbell.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _KILLED, str(path), env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await killed.communicate()
    assert killed.returncode == -9
    store = SqliteStore.open(path)
    assert await store.events.count(SITE, EventFilter()) == len(output.split()) == 50
    assert await store.schema.check() == ()
    await store.close()


async def test_second_process_is_told_who_holds_the_database(tmp_path: Path) -> None:
    """The lock names its holder; an operator's command may go without it; after close it is free."""
    path = tmp_path / "deskbell.db"
    store = SqliteStore.open(path)
    with pytest.raises(StoreBroken, match=f"process {os.getpid()} already uses"):
        SqliteStore.open(path)
    beside = SqliteStore.open(path, lock=False)
    assert await beside.commit(inserts(site())) == OK
    assert await store.sites.all() == (site(),)
    await beside.close()
    await store.close()
    await SqliteStore.open(path).close()


async def test_newer_database_is_refused(tmp_path: Path) -> None:
    """A database of a newer program is refused with both versions, and left alone."""
    path = tmp_path / "deskbell.db"
    await SqliteStore.open(path).close()
    newest = migrations()[-1][0]
    with apsw.Connection(str(path)) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()
    with pytest.raises(StoreBroken, match=rf"version 99, this program knows version {newest}"):
        SqliteStore.open(path)
    with pytest.raises(StoreBroken):
        SqliteStore.open(path)  # the refusal has given the lock back: the same answer again


def test_migration_that_fails_leaves_the_version_before() -> None:
    """A step is all or nothing."""
    connection = apsw.Connection(":memory:")
    steps = (*migrations(), (99, "CREATE TABLE extra (a); SELECT nonsense;"))
    with pytest.raises(apsw.SQLError):
        migrate(connection, steps)
    assert connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").get == str(migrations()[-1][0])
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'").get == 0
    assert migrate(connection) == migrations()[-1][0]


async def test_not_a_database_is_refused(tmp_path: Path) -> None:
    """A file of something else is named as broken."""
    path = tmp_path / "deskbell.db"
    path.write_bytes(b"not a database, but long enough to be looked at" * 300)
    with pytest.raises(StoreBroken, match=r"deskbell\.db cannot be opened"):
        SqliteStore.open(path)


async def test_audit_cannot_be_altered(tmp_path: Path, store: SqliteStore) -> None:
    """The database itself refuses to change or delete an audit row."""
    await store.commit(inserts(event(1), audit=entry()))
    connection = apsw.Connection(str(tmp_path / "deskbell.db"))
    for statement in (
        "UPDATE audit SET hash = ''",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit (site, seq, previous_hash, hash, entry) "
        "SELECT site, seq, '', '', entry FROM audit",
        "INSERT INTO audit_checkpoint SELECT site, seq, 'false' FROM audit",
        "INSERT INTO audit_checkpoint SELECT site, seq + 1, hash FROM audit",
    ):
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            connection.execute(statement)
    connection.close()


async def test_full_disk_refuses_and_recovers(store: SqliteStore) -> None:
    """A full disk refuses the whole turn as `disk_full`; with room again the same store goes on."""
    connection = store._connection
    pages = connection.execute("PRAGMA page_count").get
    connection.execute(f"PRAGMA max_page_count = {pages}")
    big = [inserts(event(n, snapshot=os.urandom(100_000))) for n in range(3)]
    verdicts: list[Verdict] = []
    for unit in big:
        store.submit(unit, verdicts.append)
    assert await store.commit(big[0]) == Refused(reason="disk_full")
    assert verdicts == [Refused(reason="disk_full")] * 3
    connection.execute("PRAGMA max_page_count = 1000000")
    async with asyncio.timeout(20):
        while await store.commit(big[0]) != OK:  # noqa: ASYNC110  it looks again after a while
            await asyncio.sleep(0.05)


async def test_failed_commit_breaks_the_store_once(store: SqliteStore) -> None:
    """When a commit fails for good all are refused as broken, and the owner is told once."""
    calls: list[str] = []
    store.on_broken = lambda: calls.append("broken")
    store._connection.set_commit_hook(_fail)
    first: list[Verdict] = []
    store.submit(inserts(event(1)), first.append)
    assert await store.commit(inserts(event(2))) == Refused(reason="broken")
    store._connection.set_commit_hook(None)
    assert await store.commit(inserts(event(3))) == Refused(reason="broken")
    assert first == [Refused(reason="broken")]
    assert calls == ["broken"]
    assert await store.events.count(SITE, EventFilter()) == 0


def _fail() -> bool:
    raise apsw.IOError("the disk is gone")


async def test_answer_that_raises_costs_the_others_nothing(store: SqliteStore) -> None:
    """A caller's fault in `done` is logged; the other callers get their verdicts."""

    def fault(_verdict: Verdict) -> None:
        raise RuntimeError("mine")

    store.submit(inserts(event(1)), fault)
    assert await store.commit(inserts(event(2))) == OK
    assert await store.events.count(SITE, EventFilter()) == 2


async def test_backup_is_a_sound_copy(tmp_path: Path, store: SqliteStore) -> None:
    """A copy made while the store is open holds what was committed."""
    await store.commit(inserts(site(), delivery(at(0) * 0)))
    folder = tmp_path / "copy"
    folder.mkdir()
    await store.schema.backup(str(folder / "deskbell.db"))
    copy = SqliteStore.open(folder / "deskbell.db")
    assert await copy.sites.all() == (site(),)
    assert await copy.deliveries.count(SITE, DeliveryFilter(), 9) == 1
    await copy.close()


async def test_reading_after_close_is_a_fault(tmp_path: Path) -> None:
    """A closed store says so; closing twice is fine."""
    store = SqliteStore.open(tmp_path / "deskbell.db")
    await store.close()
    await store.close()
    with pytest.raises(StoreBroken, match="closed"):
        await store.sites.all()


async def test_pending_counts_what_waits(store: SqliteStore) -> None:
    """The engine can see how long the queue of commits is."""
    verdicts: list[Verdict] = []
    for number in range(3):
        store.submit(inserts(event(number)), verdicts.append)
    assert store.pending == 3
    assert await store.commit(inserts(event(9))) == OK
    assert store.pending == 0
    assert verdicts == [OK] * 3
