"""kill -9 under load: what was answered 202 is never lost, and every duplicate has the same id and bytes."""

import asyncio
import os
import random
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from faults.process import Process, Publisher, ports
from receiver import Receiver
from running import until

KILLS = int(os.environ.get("DESKBELL_TEST_KILLS", "50"))
IN_FLIGHT = 20  # per webhook


@pytest.mark.xdist_group("faults")
async def test_killed_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After many kills at random moments, each answered event has reached the receiver."""
    chance = random.Random(7)
    process = Process(data=tmp_path / "data", port=ports())
    process.init()
    async with Receiver() as receiver:
        await process.start()
        await process.client.webhook(receiver.url, "custom.*", retrySchedule=[1] * 20)
        publisher, stop = Publisher(process), asyncio.Event()
        load = [asyncio.create_task(publisher.run(stop)) for _ in range(4)]
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.001, 0.3))
            process.kill()
            await process.start()
        stop.set()
        await asyncio.gather(*load)
        await until(lambda: quiet(process))
        process.stop()
    check_history(receiver, publisher, capsys)


async def quiet(process: Process) -> bool:
    """Nothing waits any more."""
    return (await process.client.good("GET", "/deliveries?state=waiting"))["items"] == []


def check_history(
    receiver: Receiver, publisher: Publisher, capsys: pytest.CaptureFixture[str], kills: int = KILLS
) -> None:
    """Lost and unexpected are empty; duplicates are counted, bounded, and identical."""
    bodies: dict[str, set[bytes]] = defaultdict(set)
    events: dict[str, set[str]] = defaultdict(set)
    for request in receiver.received:
        bodies[request.header("webhook-id")].add(request.body)
        events[request.header("webhook-id")].add(f"own-{request.events[0]['data']['n']}")
    arrived = {own for owns in events.values() for own in owns}
    duplicates = len(receiver.received) - len(bodies)
    with capsys.disabled():
        sys.stdout.write(
            f"\nkill -9: {kills} kills, {len(publisher.acknowledged)} acknowledged, "
            f"{len(publisher.acknowledged - arrived)} lost, {duplicates} duplicates, {len(publisher.unknown)} unknown\n"
        )
    assert publisher.acknowledged - arrived == set()
    assert arrived - publisher.acknowledged - publisher.unknown == set()
    assert all(len(versions) == 1 for versions in bodies.values())
    assert len(bodies) == len(arrived)
    assert duplicates <= kills * IN_FLIGHT
    assert len(publisher.acknowledged) > kills
