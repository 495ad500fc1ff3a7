"""Row 6, PostgreSQL goes away during commits: what was answered is there once, what was refused is not there."""

import asyncio
import random
import signal
import tempfile
from collections import Counter
from pathlib import Path

import asyncpg
import pytest

from contract.made import delivery, event, inserts, settle
from deskbell.model.changes import Committed, Refused, Unit
from deskbell.storage.postgres import PostgresStore
from faults.relay import Relay
from postgres_server import PostgresServer, fresh_database

CUTS = 30
WRITERS = 6
CUTTING_S = 90.0


class History:
    """What was handed in, and how it was answered."""

    def __init__(self) -> None:
        self.committed: set[str] = set()
        self.settled: set[str] = set()
        self.refused: Counter[str] = Counter()

    async def write(self, store: PostgresStore, stop: asyncio.Event) -> None:
        """Publish and settle, one after the other, until told to stop."""
        while not stop.is_set():
            row = event()
            sent = delivery(event_ids=(row.id,))
            if self._note(await store.commit(inserts(row, sent)), row.id, self.committed):
                self._note(await store.commit(Unit(changes=(settle(sent),))), sent.id, self.settled)

    def _note(self, verdict: Committed | Refused, name: str, good: set[str]) -> bool:
        if isinstance(verdict, Committed):
            good.add(name)
            return True
        self.refused[verdict.reason] += 1
        return False


async def check(history: History, url: str) -> None:
    """Answered once, there once; a refused unit left nothing."""
    connection = await asyncpg.connect(url)
    try:
        events = {row[0] for row in await connection.fetch("SELECT id FROM event")}
        settled = {row[0] for row in await connection.fetch("SELECT id FROM delivery WHERE state = 'delivered'")}
        attempts = Counter(row[0] for row in await connection.fetch("SELECT delivery_id FROM attempt"))
    finally:
        await connection.close()
    assert history.committed - events == set()
    assert history.settled - settled == set()
    assert set(attempts) == settled
    assert max(attempts.values()) == 1
    assert set(history.refused) <= {"busy"}, history.refused
    assert len(events - history.committed) <= history.refused["busy"]


@pytest.mark.xdist_group("faults")
async def test_connections_break_during_commits(postgres_server: PostgresServer) -> None:
    """At random moments, again and again; each unit of which nobody knew is looked up, never written twice."""
    chance, history, stop = random.Random(11), History(), asyncio.Event()
    with tempfile.TemporaryDirectory() as folder:
        async with fresh_database(postgres_server) as url:
            name = url.partition("@/")[2].partition("?")[0]
            async with Relay(Path(folder), postgres_server.folder) as relay:
                store = await PostgresStore.open(postgres_server.url(name, Path(folder)))
                load = [asyncio.create_task(history.write(store, stop)) for _ in range(WRITERS)]
                async with asyncio.timeout(CUTTING_S):
                    for _ in range(CUTS):
                        before = len(history.committed)
                        await asyncio.sleep(chance.uniform(0.005, 0.08))
                        while len(history.committed) == before:  # noqa: ASYNC110 - whoever writes does not tell
                            await asyncio.sleep(0.001)
                        relay.cut()
                stop.set()
                await asyncio.gather(*load)
                await store.close()
            assert relay.broken >= CUTS // 2
            await check(history, url)


@pytest.mark.xdist_group("faults")
async def test_the_server_is_started_anew_under_load() -> None:
    """Killed at once, as by a crash of its machine with a disk that keeps its word, and started again."""
    server, history, stop = PostgresServer(), History(), asyncio.Event()
    try:
        server.start(fsync="on")
        server.run("createdb", "lost")
        store = await PostgresStore.open(server.url("lost"))
        load = [asyncio.create_task(history.write(store, stop)) for _ in range(WRITERS)]
        for _ in range(3):
            before = len(history.settled)
            async with asyncio.timeout(30):
                while len(history.settled) < before + 20:  # noqa: ASYNC110 - whoever writes does not tell
                    await asyncio.sleep(0.01)
            await asyncio.to_thread(server.stop, signal.SIGQUIT)
            await asyncio.to_thread(server.start, fsync="on")
        stop.set()
        await asyncio.gather(*load)
        await store.close()
        await check(history, server.url("lost"))
    finally:
        server.remove()
