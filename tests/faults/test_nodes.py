"""Rows 1 and 9, several processes on one PostgreSQL: they join, leave and die under load, and nothing is lost."""

import asyncio
import signal
import time
from pathlib import Path

import pytest

from faults.history import check, hook, quiet
from faults.link import Link
from faults.load import Publisher, load
from faults.process import Process, ports
from receiver import Receiver
from running import until

LEASE_S = 5
WEBHOOKS = 12
SLOW = 8  # webhooks; some of them belong to the one that sleeps


def process(tmp_path: Path, database: str, command: str, **environment: str) -> Process:
    """A process on the shared database, with the keyring of all."""
    settings = {"DESKBELL_DATABASE_URL": database, "DESKBELL_LIMIT_SHARD_LEASE_S": str(LEASE_S), **environment}
    return Process(data=tmp_path / "data", port=ports(), environment=settings, command=command)


async def figure(one: Process, name: str) -> int:
    """A number that a worker tells of itself."""
    text = (await one.client.call("GET", "/metrics")).body.decode()
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return int(float(line.split(" ")[1]))


async def until_it_owns(one: Process, least: int) -> None:
    """Until a worker owns at least so many shards."""

    async def enough() -> bool:
        return await figure(one, "deskbell_shards") >= least

    await until(enough)


async def is_sending(one: Process) -> bool:
    """Whether a worker waits for answers now."""
    return await figure(one, "deskbell_in_flight") > 0


@pytest.mark.xdist_group("faults")
async def test_workers_join_die_and_leave_under_load(
    tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One accepts and delivers nothing; of the workers one is killed, one stops in order, one joins."""
    serving = process(tmp_path, database, "serve", DESKBELL_DELIVER="off")
    first, second, third = (process(tmp_path, database, "worker") for _ in range(3))
    serving.init()
    began = time.monotonic()
    async with Receiver() as receiver:
        for one in (serving, first, second):
            await one.start()
        for n in range(WEBHOOKS):
            await serving.client.webhook(f"{receiver.url}/{n}", f"custom.load{n}", retrySchedule=[1] * 20)
        hooks = [await hook(serving.client, receiver, "hook", "custom.load")]
        async with load(Publisher(serving), lines=3) as publisher:
            await receiver.wait(20)
            second.kill()
            await receiver.wait(len(receiver.received) + 20)
            await third.start()
            await receiver.wait(len(receiver.received) + 20)
            assert await asyncio.to_thread(first.stop) == 0  # the receiver goes on meanwhile
            await receiver.wait(len(receiver.received) + 20)
        await check(
            serving.client,
            publisher,
            hooks,
            row=9,
            name="workers join, die and leave (PostgreSQL)",
            kills=1,
            seconds=time.monotonic() - began,
            capsys=capsys,
        )
        for one in (third, serving):
            assert await asyncio.to_thread(one.stop) == 0


@pytest.mark.xdist_group("faults")
async def test_a_worker_sleeps_past_its_lease(
    tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stopped by a signal, as a machine that swaps or a paused container: the other one takes over, and it notices."""
    serving = process(tmp_path, database, "serve", DESKBELL_DELIVER="off")
    sleeper, other = (process(tmp_path, database, "worker") for _ in range(2))
    serving.init()
    began = time.monotonic()
    async with Receiver() as receiver, Link(receiver.port, latency_s=0.4) as link:
        await link.turn("latency")  # so that some answers come while it sleeps
        for one in (serving, sleeper):
            await one.start()
        hooks = [await hook(serving.client, receiver, f"h{n}", "custom.load", url=link.url) for n in range(SLOW)]
        async with load(Publisher(serving, pause_s=0.05), lines=3) as publisher:
            await receiver.wait(20)
            await other.start()
            await until_it_owns(other, 128)
            await until(lambda: is_sending(sleeper))
            sleeper.signal(signal.SIGSTOP)
            await until_it_owns(other, 256)
            await receiver.wait(len(receiver.received) + 20)
            sleeper.signal(signal.SIGCONT)
            await until_it_owns(sleeper, 128)
            refused = await figure(sleeper, "deskbell_settles_refused_total")
            await receiver.wait(len(receiver.received) + 20)
        await check(
            serving.client,
            publisher,
            hooks,
            row=9,
            name="SIGSTOP past the lease (PostgreSQL)",
            kills=1,
            seconds=time.monotonic() - began,
            capsys=capsys,
            late_settles_refused=refused,
        )
        for one in (sleeper, other, serving):
            assert await asyncio.to_thread(one.stop) == 0


@pytest.mark.xdist_group("faults")
async def test_webhooks_are_shared_out(tmp_path: Path, database: str) -> None:
    """Two workers both deliver; what the portal's process is told to send again goes out too, by whoever owns it."""
    serving = process(tmp_path, database, "serve", DESKBELL_DELIVER="off")
    workers = [process(tmp_path, database, "worker") for _ in range(2)]
    serving.init()
    async with Receiver() as receiver:
        for one in (serving, *workers):
            await one.start()
        api = serving.client
        for n in range(WEBHOOKS):
            await api.webhook(f"{receiver.url}/{n}", "custom.load")

        async def both() -> bool:
            await api.good("POST", "/events", {"type": "custom.load", "data": {"n": 1}})
            return min([await figure(one, "deskbell_attempt_seconds_count") for one in workers]) > 0

        await until(both)
        await quiet(api)
        delivery = (await api.good("GET", "/deliveries?state=delivered"))["items"][0]
        await api.good("POST", f"/deliveries/{delivery['id']}/redeliver")

        async def twice() -> bool:
            return (await api.good("GET", f"/deliveries/{delivery['id']}"))["attempts"] == 2

        await until(twice)
        hook = (await api.good("GET", "/webhooks"))["items"][0]
        test = await api.good("POST", f"/webhooks/{hook['id']}/test")
        assert test["deliveryId"]

        async def tested() -> bool:
            return (await api.good("GET", f"/deliveries/{test['deliveryId']}"))["state"] == "delivered"

        await until(tested)
        for one in (*workers, serving):
            assert await asyncio.to_thread(one.stop) == 0


async def test_a_worker_needs_a_shared_database(tmp_path: Path) -> None:
    """With SQLite it says what to do instead."""
    one = Process(data=tmp_path / "data", port=ports(), command="worker")
    with pytest.raises(AssertionError, match="ended by itself"):
        await one.start()
    assert one.child is not None
    assert one.child.wait(10) == 1
