"""Row 8, the wall clock is set while the process runs: retries go by the monotonic clock, signatures by the wall."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from faults.conftest import MakeProcess
from faults.history import check, check_rows, hook
from faults.load import Publisher, load
from faults.process import Process
from faults.tricks import Knob
from receiver import Receiver
from running import until

HOUR = 3_600.0
STEP_S = 1


def seconds_to(year: int) -> float:
    """From now to the 19th of January of a year."""
    return datetime(year, 1, 19, 3, 14, 7, tzinfo=UTC).timestamp() - time.time()


JUMPS_S = (2 * HOUR, -2 * HOUR, 24 * HOUR, -24 * HOUR, -1.0, seconds_to(1970), seconds_to(2038), 0.0)
"""Where the clock stands, against the true time, one after the other; -1 is a leap second."""


async def waiting(process: Process) -> Any:
    """The delivery that waits for its retry."""
    items = (await process.client.good("GET", "/deliveries?state=waiting"))["items"]
    return next((one["id"] for one in items if one["attempts"] == 1), None)


async def set_while_one_waits(process: Process, receiver: Receiver, clock: Knob, offset_s: float) -> None:
    """The retry of a delivery comes no earlier than its step and not hours later; requests are signed as of now."""
    receiver.answers.append((500, {}))
    refused = await until(lambda: waiting(process))
    clock.turn(offset_s)
    requests = await receiver.wait(2, lambda one: one.header("webhook-id") == refused)
    assert requests[1].at - requests[0].at >= STEP_S
    assert abs(int(requests[1].header("webhook-timestamp")) - time.time() - offset_s) < HOUR / 2


@pytest.mark.xdist_group("faults")
async def test_the_clock_is_set(make_process: MakeProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """By hours, a day and decades, forward and back, under load."""
    process, began = make_process(), time.monotonic()
    path = process.data.parent / "clock"
    clock = Knob(path)
    process.tricks = {"wall_clock": str(path)}
    async with Receiver() as receiver:
        await process.start()
        hooks = [await hook(process.client, receiver, retrySchedule=[STEP_S] * 30)]
        publisher = Publisher(process, pause_s=0.01)
        async with load(publisher, lines=1):
            for offset_s in JUMPS_S:
                await set_while_one_waits(process, receiver, clock, offset_s)
        await check(
            process.client,
            publisher,
            hooks,
            row=8,
            name="clock set",
            seconds=time.monotonic() - began,
            duplicates_max=0,
            capsys=capsys,
            jumps=len(JUMPS_S),
        )
        assert process.stop() == 0
    check_rows(process.data)


@pytest.mark.xdist_group("faults")
async def test_the_clock_went_back_while_it_was_stopped(
    make_process: MakeProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    """A start at a wall time before everything that is stored: what waits goes out within its step."""
    process, began = make_process(), time.monotonic()
    path = process.data.parent / "clock"
    process.tricks = {"wall_clock": str(path)}
    async with Receiver() as receiver:
        await process.start()
        receiver.answers.append((500, {}))
        hooks = [await hook(process.client, receiver, retrySchedule=[STEP_S] * 30)]
        publisher = Publisher(process, pause_s=0.01)
        async with load(publisher, lines=1):
            await until(lambda: waiting(process))
        assert await asyncio.to_thread(process.stop) == 0
        Knob(path).turn(-24 * HOUR)
        await process.start()
        await check(
            process.client,
            publisher,
            hooks,
            row=8,
            name="clock set back while stopped",
            seconds=time.monotonic() - began,
            duplicates_max=0,
            capsys=capsys,
        )
        assert process.stop() == 0
    check_rows(process.data)
