"""Row 20, SIGTERM under load: in order and in time; twice is a crash that loses nothing; the next start sends."""

import asyncio
import signal
import time

import pytest

from faults.conftest import MakeProcess
from faults.history import check, check_rows, hook
from faults.link import Link
from faults.load import Publisher, load
from receiver import Receiver
from running import until

DRAIN_S = 2
STOPS = 4
STOP_S = 20.0
"""What a stop may take, whatever hangs (delivery.md 9)."""
SLOTS = 20


@pytest.mark.xdist_group("faults")
async def test_stopped_in_order_again_and_again(make_process: MakeProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is sent twice by an orderly stop, though publishers go on; each start sends at once."""
    process, began = make_process(), time.monotonic()
    async with Receiver() as receiver:
        await process.start()
        hooks = [
            await hook(process.client, receiver),
            await hook(process.client, receiver, "ordered", orderedBy="subject"),
        ]
        async with load(Publisher(process, pause_s=0.005), lines=3, subjects=3) as publisher:
            for _ in range(STOPS):
                await receiver.wait(len(receiver.received) + 40)
                assert await asyncio.to_thread(process.stop, STOP_S) == 0
                await process.start()
            await receiver.wait(len(receiver.received) + 40)
        await check(
            process.client,
            publisher,
            hooks,
            row=20,
            name="SIGTERM under load",
            seconds=time.monotonic() - began,
            duplicates_max=0,
            capsys=capsys,
            stops=STOPS,
        )
        assert await asyncio.to_thread(process.stop) == 0
    check_rows(process.data)


@pytest.mark.xdist_group("faults")
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
async def test_stopped_while_receivers_hang(
    make_process: MakeProcess, twice: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The drain has its limit, and a second signal ends it at once; what was on its way is sent by the next start."""
    process, began = make_process(DESKBELL_LIMIT_DRAIN_S=str(DRAIN_S)), time.monotonic()
    async with Receiver() as receiver, Link(receiver.port) as link:
        await process.start()
        await link.turn("half_open")
        hooks = [await hook(process.client, receiver), await hook(process.client, receiver, "hung", url=link.url)]
        async with load(Publisher(process, pause_s=0.01), lines=2) as publisher:
            await until(lambda: holds(link))
            begun = time.monotonic()
            process.signal(signal.SIGTERM)
            if twice:
                await until(lambda: refuses(process.port))  # it heard the first
                process.signal(signal.SIGTERM)
            assert process.child is not None
            code = await asyncio.to_thread(process.child.wait, STOP_S)
            stop_s = time.monotonic() - begun
            assert code == (1 if twice else 0)
            await link.turn("ok")
            await process.start()
            await receiver.wait(SLOTS, lambda one: one.target == "/hung")
        await check(
            process.client,
            publisher,
            hooks,
            row=20,
            name=f"SIGTERM {'twice' if twice else 'once'} while receivers hang",
            kills=int(twice),
            seconds=time.monotonic() - began,
            capsys=capsys,
            stop_s=round(stop_s, 2),
        )
        assert await asyncio.to_thread(process.stop) == 0
    check_rows(process.data)


async def holds(link: Link) -> bool:
    """All its slots wait for an answer."""
    return link.open == SLOTS


async def refuses(port: int) -> bool:
    """It listens no more."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return True
    writer.transport.abort()
    return False
