"""Row 10, links to receivers that break in every way: only their own webhook notices, and each outcome has its name."""

import asyncio
import os
import random
import time
from contextlib import AsyncExitStack

import pytest

from faults.conftest import MakeProcess
from faults.history import Hook, check, check_rows, hook, outcomes
from faults.link import Link
from faults.load import Publisher, load
from faults.process import Process
from receiver import Receiver
from running import until

LINKS = 6
NAMED = {
    "latency": "http_200",
    "bandwidth": "http_200",
    "slicer": "http_200",
    "down": "connection_refused",
    "reset": "connection_reset",
    "half_open": "timeout",
}
BREAKER = {"DESKBELL_LIMIT_BREAKER_OPEN_S": "0.1", "DESKBELL_LIMIT_BREAKER_OPEN_S_MAX": "0.5"}
IN_FLIGHT = 20  # per webhook
IDLE_MAX = 50  # connections that are kept
OWN_FILES = 60  # of the process: database, listener, publishers


async def comes_out(process: Process, each: Hook, name: str) -> None:
    """Until a delivery of this webhook had this outcome last."""

    async def has_come_out() -> bool:
        return name in await outcomes(process.client, each)

    await until(has_come_out)


def count_open(process: Process) -> int:
    """Files and sockets that the process has open."""
    assert process.child is not None
    return len(os.listdir(f"/proc/{process.child.pid}/fd"))


@pytest.mark.xdist_group("faults")
async def test_links_break_and_heal(make_process: MakeProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """Six links in six ways at once; then all hang, one after the other, and are released in any order."""
    chance, began = random.Random(10), time.monotonic()
    process = make_process(**BREAKER, DESKBELL_LIMIT_CONNECTIONS_IDLE_MAX=str(IDLE_MAX))
    async with Receiver() as receiver, AsyncExitStack() as stack:
        await process.start()
        links = [await stack.enter_async_context(Link(receiver.port)) for _ in range(LINKS)]
        healthy = await hook(process.client, receiver, "healthy")
        hooks = [
            await hook(process.client, receiver, f"link{n}", url=one.url, timeoutSeconds=1)
            for n, one in enumerate(links)
        ]
        opened = 0
        async with load(Publisher(process, pause_s=0.05), lines=2) as publisher:
            for link, mode in zip(links, NAMED, strict=True):
                await link.turn(mode)
            for each, name in zip(hooks, NAMED.values(), strict=True):
                await comes_out(process, each, name)
            for link in links:
                await link.turn("half_open")
                await receiver.wait(_healthy(receiver) + 5, lambda one: one.target == healthy.target)
                opened = max(opened, count_open(process))
            for link in chance.sample(links, LINKS):
                await link.turn("ok")
                await receiver.wait(_healthy(receiver) + 5, lambda one: one.target == healthy.target)
        assert opened <= OWN_FILES + IDLE_MAX + LINKS * IN_FLIGHT
        assert max(one.open_max for one in links) <= IN_FLIGHT
        firsts = [one for one in receiver.received if one.target == healthy.target]
        assert {one.header("deskbell-attempt") for one in firsts} == {"1"}
        await check(
            process.client,
            publisher,
            [healthy, *hooks],
            row=10,
            name="links break and heal",
            seconds=time.monotonic() - began,
            duplicates_max=2 * LINKS * IN_FLIGHT,  # whatever a link had passed on when it was turned
            capsys=capsys,
            files_open_max=opened,
        )
        assert await asyncio.to_thread(process.stop) == 0
    check_rows(process.data)


def _healthy(receiver: Receiver) -> int:
    return sum(one.target == "/healthy" for one in receiver.received)
