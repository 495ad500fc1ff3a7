"""The three stores side by side: the same is done to each, a process that uses one dies, and time passes for leases."""

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from deskbell.model.changes import Unit, Verdict
from deskbell.model.instant import TICKS_PER_SECOND
from deskbell.ports import Store
from deskbell.storage.memory import MemoryStore
from deskbell.storage.postgres import PostgresStore
from deskbell.storage.sqlite import SqliteStore


class Kept(Protocol):
    """One kind of store, with what happens to its process and its clock."""

    store: Store

    async def crash(self) -> None: ...  # the process is gone; another one starts
    async def advance(self, seconds: float) -> None: ...  # on the clock of its leases
    async def close(self) -> None: ...


class InMemory:
    """A crash leaves what was committed."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._memory = MemoryStore(is_shared=True, now=lambda: self.seconds)
        self.store: Store = self._memory

    async def crash(self) -> None:
        self._memory._pending.clear()

    async def advance(self, seconds: float) -> None:
        self.seconds += seconds

    async def close(self) -> None:
        await self.store.close()


class InFile:
    """A crash leaves the files as the kernel has them at that moment; the next process finds a copy of them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lives = folder, 0
        self.ticks = 0
        self.store: Store = self._opened()

    def _opened(self) -> SqliteStore:
        self._path = self._folder / str(self._lives) / "deskbell.db"
        self._path.parent.mkdir(exist_ok=True)
        store = SqliteStore.open(self._path)
        store.shards._now = lambda: self.ticks  # type: ignore[attr-defined]  # the embedded store's own class
        return store

    async def crash(self) -> None:
        old, found = self.store, self._path.parent
        self._lives += 1
        shutil.copytree(found, self._folder / str(self._lives))
        await old.close()
        shutil.rmtree(found)
        self.store = self._opened()

    async def advance(self, seconds: float) -> None:
        self.ticks += round(seconds * TICKS_PER_SECOND)

    async def close(self) -> None:
        await self.store.close()


class InServer:
    """A crash cuts every connection of the process; its transactions end as the server decides."""

    def __init__(self, url: str, store: PostgresStore) -> None:
        self._url = url
        self._postgres = store
        self.store: Store = store

    @classmethod
    async def opened(cls, url: str) -> "InServer":
        return cls(url, await PostgresStore.open(url, readers=1))

    async def crash(self) -> None:
        await kill(self._postgres)
        self._postgres = await PostgresStore.open(self._url, readers=1)
        self.store = self._postgres

    async def advance(self, seconds: float) -> None:
        connection = await asyncpg.connect(self._url)
        await connection.execute(f"UPDATE shard SET lease_end = lease_end - interval '{seconds} s'")
        await connection.execute(f"UPDATE node SET seen_until = seen_until - interval '{seconds} s'")
        await connection.close()

    async def close(self) -> None:
        await self.store.close()


async def kill(store: PostgresStore) -> None:
    """End a process that uses the database, as far as the server sees it, and wait until the server knows."""
    tasks = [store._writer._task, *([store._tending] if store._tending else [])]
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await asyncio.gather(*tasks, return_exceptions=True)
    connection = await asyncpg.connect(store._sessions._url)
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    await connection.execute(f"SELECT pg_terminate_backend(pid) {others}")
    async with asyncio.timeout(10):
        while await connection.fetchval(f"SELECT count(*) {others} AND backend_type = 'client backend'"):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    await connection.close()
    await store._sessions.lose()
    store._link._drop()
    store._readers._forget_idle()


class Three:
    """Memory, SQLite and PostgreSQL."""

    def __init__(self, kept: dict[str, Kept]) -> None:
        self.kept = kept

    @classmethod
    async def opened(cls, folder: Path, url: str) -> "Three":
        return cls({"memory": InMemory(), "sqlite": InFile(folder), "postgres": await InServer.opened(url)})

    async def each(self, question: Callable[[Store], Any]) -> Any:
        """The one answer of all three."""
        found = {name: await question(kept.store) for name, kept in self.kept.items()}
        first, *others = found.values()
        assert all(other == first for other in others), found
        return first

    async def commit(self, unit: Unit) -> Verdict:
        """The one verdict of all three."""
        verdict: Verdict = await self.each(lambda store: store.commit(unit))
        return verdict

    async def crash(self, units: list[Unit], turns: int) -> None:
        """Hand in units, let the loop turn a few times, and end every process; nobody waits for the answers."""
        for kept in self.kept.values():
            for unit in units:
                kept.store.submit(unit, lambda verdict: None)
            for _ in range(turns):
                await asyncio.sleep(0)
            await kept.crash()

    async def advance(self, seconds: float) -> None:
        """Time passes for leases."""
        for kept in self.kept.values():
            await kept.advance(seconds)

    async def close(self) -> None:
        """Every one."""
        for kept in self.kept.values():
            await kept.close()
