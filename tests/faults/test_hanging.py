"""Row 12, one receiver hangs with 50,000 waiting: it holds its twenty slots, and fifty healthy ones notice nothing."""

import asyncio
import os
import time
from statistics import quantiles

import pytest

from faults.conftest import MakeProcess
from faults.history import Hook, check, check_rows, hook
from faults.link import Link
from faults.load import Line, Publisher
from faults.process import Process
from receiver import Receiver
from running import until

WAITING = int(os.environ.get("DESKBELL_TEST_WAITING", "50000"))
AT_ONCE = 1_000
HEALTHY = 50
ROUNDS = 40  # events for all healthy ones
RATE = 20  # of them in a second
IN_FLIGHT = 20


async def rounds(publisher: Publisher, process: Process) -> dict[str, float]:
    """Events at a steady rate; when each was handed in."""
    line, sent = Line(process), {}
    await line.open()
    begin = time.monotonic()
    for n in range(ROUNDS):
        await asyncio.sleep(max(0.0, begin + n / RATE - time.monotonic()))
        at = time.monotonic()
        sent[(await publisher.publish(line)).own] = at
    line.close()
    return sent


def p99_ms(receiver: Receiver, hooks: list[Hook], sent: dict[str, float]) -> int:
    """From handing in to arrival, over all healthy webhooks."""
    targets = {one.target for one in hooks}
    times = [
        one.at - sent[event["data"]["own"]]
        for one in receiver.received
        if one.target in targets
        for event in one.events
        if event["data"]["own"] in sent
    ]
    assert len(times) == len(sent) * len(hooks)
    return round(1_000 * quantiles(times, n=100)[98])


async def arrived(receiver: Receiver, count: int) -> None:
    """All of it is there."""

    async def is_there() -> bool:
        return len(receiver.received) >= count

    await until(is_there)


@pytest.mark.xdist_group("faults")
async def test_one_hangs_with_a_long_queue(make_process: MakeProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """Every event arrives at all others at its first attempt; deleting the one that hangs clears its queue."""
    process, began = make_process(), time.monotonic()
    async with Receiver() as receiver, Link(receiver.port) as link:
        await process.start()
        hooks = [await hook(process.client, receiver, f"h{n}", "custom.load") for n in range(HEALTHY)]
        publisher = Publisher(process)
        before = await rounds(publisher, process)
        await arrived(receiver, ROUNDS * HEALTHY)
        await link.turn("half_open")
        slow = await hook(process.client, receiver, "slow", "custom.slow", url=link.url)
        batch = [{"type": "custom.slow", "data": {}}] * AT_ONCE
        for _ in range(0, WAITING, AT_ONCE):
            await process.client.good("POST", "/events", batch)
        during = await rounds(publisher, process)
        await arrived(receiver, 2 * ROUNDS * HEALTHY)
        assert link.open_max == IN_FLIGHT
        assert {one.header("deskbell-attempt") for one in receiver.received} == {"1"}
        figures = {
            "p99_ms": p99_ms(receiver, hooks, during),
            "baseline_ms": p99_ms(receiver, hooks, before),
            "slots": link.open_max,
            "waiting": WAITING,
        }
        await process.client.good("DELETE", f"/webhooks/{slow.id}")
        await check(
            process.client,
            publisher,
            hooks,
            row=12,
            name="one hangs with a long queue",
            seconds=time.monotonic() - began,
            duplicates_max=0,
            capsys=capsys,
            **figures,
        )
        assert await asyncio.to_thread(process.stop) == 0
    check_rows(process.data)
