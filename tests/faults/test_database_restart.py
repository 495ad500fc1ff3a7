"""Row 6: PostgreSQL is stopped at once under load, and connections break during COMMIT: no loss, and one event each."""

import asyncio
import os
import random
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

import asyncpg
import pytest

from faults.history import check, hook
from faults.insistent import Insistent
from faults.load import load
from faults.process import Process, ports
from postgres_proxy import PostgresProxy
from postgres_server import PostgresServer, fresh_database
from receiver import Receiver

STOPS = int(os.environ.get("DESKBELL_TEST_DATABASE_STOPS", "2"))
RESETS = int(os.environ.get("DESKBELL_TEST_COMMIT_RESETS", "20"))
PAUSE_S = 0.01
RECOVERY_S = 90.0


async def check_stored(url: str, publisher: Insistent) -> None:
    """Each event that was published stands in the database once."""
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch("SELECT external_id FROM event WHERE type = 'custom.load'")
    finally:
        await connection.close()
    stored = Counter(row[0] for row in found)
    assert set(stored) == set(publisher.log)
    assert set(stored.values()) == {1}


async def more(publisher: Insistent, count: int) -> None:
    """Until so many more were answered; a server that was killed may take a while to recover."""
    wanted = publisher.count("ok") + count
    async with asyncio.timeout(RECOVERY_S):
        while publisher.count("ok") < wanted:  # noqa: ASYNC110 - a condition without an event
            await asyncio.sleep(0.01)


@pytest.mark.xdist_group("faults")
async def test_stopped_at_once_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The server is killed again and again, on a disk that keeps its word; whoever was unsure asks again."""
    server, began = PostgresServer(), time.monotonic()
    try:
        server.start(fsync="on")
        server.run("createdb", "lost")
        url = server.url("lost")
        process = Process(data=tmp_path / "data", port=ports(), environment={"DESKBELL_DATABASE_URL": url})
        process.init()
        async with Receiver() as receiver:
            await process.start()
            hooks = [await hook(process.client, receiver)]
            publisher = Insistent(process, pause_s=PAUSE_S)
            async with load(publisher):
                for _ in range(STOPS):
                    await more(publisher, 30)
                    await asyncio.to_thread(server.stop, signal.SIGQUIT)
                    await asyncio.to_thread(server.start, fsync="on")
                await more(publisher, 30)
            await check(
                process.client,
                publisher,
                hooks,
                row=6,
                name="PostgreSQL stopped at once",
                seconds=time.monotonic() - began,
                duplicates_max=0,
                capsys=capsys,
                stops=STOPS,
            )
            assert await asyncio.to_thread(process.stop) == 0
        await check_stored(url, publisher)
    finally:
        server.remove()


@pytest.mark.xdist_group("faults")
async def test_reset_during_commit(
    tmp_path: Path, postgres_server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """COMMIT is lost, or its answer: the process finds out which, answers all the same, and writes nothing twice."""
    chance, began = random.Random(6), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="proxy-", dir="/tmp") as folder:
        async with (
            fresh_database(postgres_server) as url,
            PostgresProxy(Path(folder), postgres_server.folder) as proxy,
            Receiver() as receiver,
        ):
            through = url.replace(str(postgres_server.folder), folder)
            process = Process(data=tmp_path / "data", port=ports(), environment={"DESKBELL_DATABASE_URL": through})
            await asyncio.to_thread(process.init)  # the proxy goes on meanwhile
            await process.start()
            hooks = [await hook(process.client, receiver)]
            publisher = Insistent(process, pause_s=PAUSE_S)
            async with load(publisher):
                for number in range(RESETS):
                    await more(publisher, chance.randint(1, 10))
                    proxy.at_commit = chance.choice(("commit", "answer"))
                    await _until_lost(proxy, number + 1)
                await more(publisher, 30)
            await check(
                process.client,
                publisher,
                hooks,
                row=6,
                name="connections reset during COMMIT",
                seconds=time.monotonic() - began,
                duplicates_max=0,
                capsys=capsys,
                resets=RESETS,
            )
            assert await asyncio.to_thread(process.stop) == 0
            await check_stored(url, publisher)
    assert publisher.repeated == publisher.statuses[503], "every publish has its answer, whatever became of its commit"


async def _until_lost(proxy: PostgresProxy, count: int) -> None:
    async with asyncio.timeout(RECOVERY_S):
        while proxy.lost < count:  # noqa: ASYNC110 - a condition without an event
            await asyncio.sleep(0.005)
