"""Row 19, no descriptors left: with 64 in all and 5,000 publishes at once the listener lives, refuses, and recovers."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

import pytest

from faults.conftest import MakeProcess
from faults.history import check, check_rows, hook
from faults.load import Line, Publisher, load
from receiver import Receiver

DESCRIPTORS = 64
CALLERS = 500  # each on a connection of its own, all at once
EVENTS = 10  # of each


async def call(line: Line, publisher: Publisher) -> None:
    """So many events, whatever becomes of each; a connection that is not taken is tried again."""
    for _ in range(EVENTS):
        with suppress(OSError):
            await line.open()
            await publisher.publish(line)
    line.close()


async def crowd(lines: Sequence[Line], publisher: Publisher) -> None:
    """Everybody at once, connected before the first is served."""
    await asyncio.gather(*(line.open() for line in lines), return_exceptions=True)
    async with asyncio.timeout(60):
        await asyncio.gather(*(call(line, publisher) for line in lines))


@pytest.mark.xdist_group("faults")
async def test_a_crowd_at_the_door(make_process: MakeProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever gets in is answered; afterwards it serves as before, and what was answered arrives."""
    process, began = make_process(), time.monotonic()
    process.tricks = {"descriptors": DESCRIPTORS}
    async with Receiver() as receiver:
        await process.start()
        hooks = [await hook(process.client, receiver)]
        publisher = Publisher(process)
        await crowd([Line(process) for _ in range(CALLERS)], publisher)
        assert await process.is_ready()
        served = publisher.count("ok")
        async with load(publisher, lines=2):
            await receiver.wait(len(receiver.received) + 20)
        await check(
            process.client,
            publisher,
            hooks,
            row=19,
            name="no descriptors left",
            seconds=time.monotonic() - began,
            duplicates_max=0,
            capsys=capsys,
            called=CALLERS * EVENTS,
            served=served,
        )
        assert await asyncio.to_thread(process.stop) == 0
    check_rows(process.data)
