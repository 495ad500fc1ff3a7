"""Row 7, a slow database: another connection holds the write lock, or the disk is slow; publishers are told to wait."""

import asyncio
import time
from http import HTTPStatus

import apsw
import pytest

from faults.conftest import MakeProcess
from faults.history import check, check_rows, hook
from faults.load import Line, Publisher, load
from faults.process import Process
from faults.tricks import Knob
from receiver import Receiver
from running import Running, until

HELD_S = 2.0
LIMIT_S = 60.0
DELAYS_S = (0.05, 1.0)


def refused(publisher: Publisher) -> int:
    """How often a publisher was told to come back."""
    return publisher.statuses[HTTPStatus.SERVICE_UNAVAILABLE]


async def lists(api: Running) -> bool:
    """A page of what is stored, whatever the writer waits for."""
    return (await api.call("GET", "/deliveries")).status == HTTPStatus.OK


async def press(process: Process, publisher: Publisher, seconds: float) -> None:
    """For so long: the process answers that it lives, and whoever comes when the queue is full is told to come back."""
    line, end = Line(process), time.monotonic() + seconds
    await line.open()
    while time.monotonic() < end:
        assert (await process.client.call("GET", "/healthz")).status == HTTPStatus.OK
        if await is_full(process.client):  # those who came before wait for their answers
            await publisher.publish(line)
        await asyncio.sleep(0.02)
    line.close()


async def told_to_wait(process: Process, publisher: Publisher) -> bool:
    """Whether some publisher was told to come back by now."""
    await press(process, publisher, 0.1)
    return refused(publisher) > 0


async def is_full(api: Running) -> bool:
    """Whether the oldest publish has waited for so long that the next is refused."""
    return (await api.call("GET", "/readyz")).status == HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.xdist_group("faults")
async def test_the_write_lock_is_held(make_process: MakeProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """Events get 503, pages and health answer all the time, and with the lock free each thing is done once."""
    process, began = make_process(), time.monotonic()
    async with Receiver() as receiver:
        await process.start()
        hooks = [await hook(process.client, receiver)]
        async with load(Publisher(process, pause_s=0.01)) as publisher:
            await receiver.wait(20)
            other = apsw.Connection(str(process.data / "deskbell.db"))
            other.set_busy_timeout(5_000)
            other.execute("BEGIN IMMEDIATE")
            await press(process, publisher, HELD_S)
            await until(lambda: told_to_wait(process, publisher), LIMIT_S)
            assert await lists(process.client)
            assert {*publisher.statuses} <= {202, 503}
            other.execute("ROLLBACK")
            other.close()
            await receiver.wait(len(receiver.received) + 20)
        await check(
            process.client,
            publisher,
            hooks,
            row=7,
            name="write lock held",
            seconds=time.monotonic() - began,
            duplicates_max=0,
            capsys=capsys,
        )
        assert process.stop() == 0
    check_rows(process.data)


@pytest.mark.xdist_group("faults")
async def test_a_slow_disk(make_process: MakeProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """Each sync takes up to a second: 503 at the bounded queue, never a duplicate, and it goes on by itself."""
    process, began = make_process(), time.monotonic()
    path = process.data.parent / "delay"
    delay = Knob(path)
    process.tricks = {"slow_disk": str(path)}
    async with Receiver() as receiver:
        await process.start()
        hooks = [await hook(process.client, receiver)]
        async with load(Publisher(process, pause_s=0.01), lines=8) as publisher:
            for seconds in DELAYS_S:
                delay.turn(seconds)
                await press(process, publisher, 2 * seconds)
            await until(lambda: told_to_wait(process, publisher), LIMIT_S)
            delay.turn(0.0)
            await receiver.wait(len(receiver.received) + 20)
        await check(
            process.client,
            publisher,
            hooks,
            row=7,
            name="slow disk",
            seconds=time.monotonic() - began,
            duplicates_max=0,
            capsys=capsys,
        )
        assert process.stop() == 0
    check_rows(process.data)
