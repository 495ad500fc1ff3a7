"""Row 7: PostgreSQL answers late, or somebody holds a lock: 503 soon, the sender lives, nothing is sent twice."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from faults.history import check, hook
from faults.load import Publisher, load
from faults.process import Process, ports
from postgres_proxy import PostgresProxy
from postgres_server import PostgresServer, fresh_database
from receiver import Receiver
from running import until

DELAYS_MS = [int(one) for one in os.environ.get("DESKBELL_TEST_DELAYS_MS", "50,200").split(",")]
HELD_S = float(os.environ.get("DESKBELL_TEST_LOCK_HELD_S", "0"))  # at least until the process has given up once
LINES = 4
ANSWERS_S = 120.0
PAUSE_S = 0.01


async def answers(publisher: Publisher, count: int) -> None:
    """Until so many more had an answer, a good one or 503."""
    wanted = publisher.statuses.total() + count
    async with asyncio.timeout(ANSWERS_S):
        while publisher.statuses.total() < wanted:  # noqa: ASYNC110 - a condition without an event
            await asyncio.sleep(0.01)
    assert set(publisher.statuses) <= {202, 503}


async def answered(publisher: Publisher, count: int) -> None:
    """Until so many more were answered 202."""
    wanted = publisher.count("ok") + count

    async def enough() -> bool:
        return publisher.count("ok") >= wanted

    await until(enough)


@pytest.mark.xdist_group("faults")
async def test_late_answers(
    tmp_path: Path, postgres_server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each answer of the server takes a while, up to two seconds: some are accepted, the others are told to wait."""
    began = time.monotonic()
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
            async with load(Publisher(process, pause_s=PAUSE_S), lines=LINES) as publisher:
                for delay_ms in DELAYS_MS:
                    await answered(publisher, 20)
                    proxy.delay_s = delay_ms / 1000
                    await answers(publisher, 2 * LINES)
                    assert (await process.client.call("GET", "/healthz", key="")).status == 200
                    proxy.delay_s = 0.0
                await answered(publisher, 20)
            await check(
                process.client,
                publisher,
                hooks,
                row=7,
                name="PostgreSQL answers late",
                seconds=time.monotonic() - began,
                duplicates_max=0,
                capsys=capsys,
                delay_ms_max=max(DELAYS_MS),
            )
            assert await asyncio.to_thread(process.stop) == 0


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Somebody else holds a lock that keeps events from being written."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE event IN SHARE ROW EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


@pytest.mark.xdist_group("faults")
async def test_a_lock_is_held(tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody waits longer than for a lock; those who come meanwhile are refused; afterwards all goes on by itself."""
    began = time.monotonic()
    process = Process(data=tmp_path / "data", port=ports(), environment={"DESKBELL_DATABASE_URL": database})
    process.init()
    async with Receiver() as receiver:
        await process.start()
        hooks = [await hook(process.client, receiver)]
        async with load(Publisher(process, pause_s=PAUSE_S), lines=LINES) as publisher:
            await answered(publisher, 20)
            async with locked(database):
                held = time.monotonic()

                async def given_up() -> bool:
                    return "commit.busy" in process.log.read_text()

                await until(given_up)
                await asyncio.sleep(max(0.0, HELD_S - (time.monotonic() - held)))
                assert (await process.client.call("GET", "/healthz", key="")).status == 200
            await answered(publisher, 20)
        assert publisher.statuses[503] > 0
        assert set(publisher.statuses) == {202, 503}
        await check(
            process.client,
            publisher,
            hooks,
            row=7,
            name="a lock is held in PostgreSQL",
            seconds=time.monotonic() - began,
            duplicates_max=0,
            capsys=capsys,
            held_s=round(HELD_S),
        )
        assert await asyncio.to_thread(process.stop) == 0
