"""Another process holds SQLite's write lock: the loop goes on, and what waited too long is refused."""

import asyncio
from pathlib import Path

import apsw
import pytest

from contract.made import event, inserts
from deskbell.model.changes import Committed, Refused
from deskbell.storage.sqlite import SqliteStore, writer


async def held(path: Path) -> tuple[SqliteStore, apsw.Connection]:
    """A store, and another connection that writes and does not end."""
    store = SqliteStore.open(path)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    return store, other


async def test_the_loop_goes_on_meanwhile(tmp_path: Path) -> None:
    """A unit waits without holding anybody up, and is written in its turn once the lock is free."""
    store, other = await held(tmp_path / "deskbell.db")
    verdicts: list[object] = []
    for n in range(3):
        store.submit(inserts(event(n)), verdicts.append)
    turns = 0
    while turns < 50:
        await asyncio.sleep(0)
        turns += 1
    assert (verdicts, store.pending) == ([], 3)
    other.execute("ROLLBACK")
    assert await store.commit(inserts(event(3))) == Committed()
    assert verdicts == [Committed()] * 3
    other.close()
    await store.close()


async def test_what_waited_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`busy`, and nothing is written; afterwards all is taken as before."""
    monkeypatch.setattr(writer, "BUSY_MS", 100)
    store, other = await held(tmp_path / "deskbell.db")
    row = event(1)
    assert await store.commit(inserts(row)) == Refused(reason="busy")
    other.execute("ROLLBACK")
    assert await store.events.get(row.site, row.id) is None
    assert await store.commit(inserts(row)) == Committed()
    other.close()
    await store.close()


async def test_a_close_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is pending then is refused when the lock is not freed in time."""
    monkeypatch.setattr(writer, "BUSY_MS", 100)
    store, other = await held(tmp_path / "deskbell.db")
    verdicts: list[object] = []
    store.submit(inserts(event(1)), verdicts.append)
    await store.close()
    assert verdicts == [Refused(reason="busy")]
    other.close()
