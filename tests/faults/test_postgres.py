"""Rows 1 and 6, the whole Deskbell on PostgreSQL: delivered, killed, started again, and nothing lost."""

import asyncio
import time
from pathlib import Path

import pytest

from faults.history import check, hook
from faults.load import Publisher, load
from faults.process import Process, ports
from postgres_server import PostgresServer
from receiver import Receiver
from running import Running, running, until

KILLS = 2
LEASE = {"DESKBELL_LIMIT_SHARD_LEASE_S": "5"}


async def test_published_and_delivered(tmp_path: Path, database: str) -> None:
    """An event is stored, sent and seen as delivered; what the portal lists comes from PostgreSQL."""
    async with Receiver() as receiver, running(tmp_path / "data", DESKBELL_DATABASE_URL=database) as desk:
        await desk.webhook(receiver.url, "custom.*")
        await desk.good("POST", "/events", {"type": "custom.x", "data": {"n": 1}, "id": "own-1"})
        delivered = await desk.delivery(lambda one: one["state"] == "delivered")
        assert [one.header("webhook-id") for one in receiver.received] == [delivered["id"]]
        assert delivered["attempts"] == 1
    assert not (tmp_path / "data" / "deskbell.db").exists()


@pytest.mark.xdist_group("faults")
async def test_lives_through_a_restart_of_the_server(
    tmp_path: Path, database: str, postgres_server: PostgresServer
) -> None:
    """The server is stopped at once and started again: the same process publishes, delivers and shows as before."""
    async with Receiver() as receiver, running(tmp_path / "data", DESKBELL_DATABASE_URL=database) as desk:
        await desk.webhook(receiver.url, "custom.*")
        for number in range(3):
            await desk.good("POST", "/events", {"type": "custom.x", "data": {"n": number}, "id": f"own-{number}"})
            await receiver.wait(number + 1)
            await asyncio.to_thread(postgres_server.stop)
            await asyncio.to_thread(postgres_server.start)
        items = (await desk.good("GET", "/deliveries"))["items"]
        assert len(items) == 3
        await until(lambda: _all_delivered(desk))
        assert not desk.house.broken.is_set()
        assert len({one.header("webhook-id") for one in receiver.received}) == 3


async def _all_delivered(desk: Running) -> bool:
    return {one["state"] for one in (await desk.good("GET", "/deliveries"))["items"]} == {"delivered"}


@pytest.mark.xdist_group("faults")
async def test_killed_under_load(tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]) -> None:
    """After kill -9 under load each answered event has reached the receiver, once the lease of the dead has ended."""
    process = Process(data=tmp_path / "data", port=ports(), environment={"DESKBELL_DATABASE_URL": database, **LEASE})
    process.init()
    began = time.monotonic()
    async with Receiver() as receiver:
        await process.start()
        hooks = [await hook(process.client, receiver)]
        async with load(Publisher(process, pause_s=0.002)) as publisher:
            for _ in range(KILLS):
                await receiver.wait(len(receiver.received) + 20)
                process.kill()
                await process.start()
        await check(
            process.client,
            publisher,
            hooks,
            row=1,
            name="kill -9 (PostgreSQL)",
            kills=KILLS,
            seconds=time.monotonic() - began,
            capsys=capsys,
        )
        process.stop()
