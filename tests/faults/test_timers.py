"""Row 1, kill -9 while timers fire: each armed timer fires exactly once."""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from deskbell.model.instant import format_instant, from_seconds
from faults.process import Process, ports
from faults.report import report
from receiver import Receiver
from running import until

TIMERS = int(os.environ.get("DESKBELL_TEST_TIMERS", "200"))
KILLS_MAX = 60
SPREAD_S = 6.0
THRESHOLD_S = 8


@pytest.mark.xdist_group("faults")
async def test_killed_while_firing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Timers due over some seconds, in small batches, and a process that is killed at random moments meanwhile."""
    chance, began = random.Random(11), time.monotonic()
    process = Process(data=tmp_path / "data", port=ports(), environment={"DESKBELL_LIMIT_TIMERS_AT_ONCE": "3"})
    process.init()
    async with Receiver() as receiver:
        await process.start()
        await process.client.webhook(receiver.url, "chat.dwelled", retrySchedule=[1] * 20)
        chats = await arm(process)
        counts: list[int] = []  # of events, after each kill
        while len(counts) < KILLS_MAX and TIMERS not in counts:
            await asyncio.sleep(chance.uniform(0.02, 0.5))
            process.kill()
            await process.start()
            counts.append(len(await events(process)))
        await until(lambda: all_told(process))
        told = await events(process)
        process.stop()
    with capsys.disabled():
        sys.stdout.write(f"\nkill -9: {len(counts)} kills, {TIMERS} timers, events after each kill {counts}\n")
    assert Counter(one["subject"]["id"] for one in told) == Counter(chats)
    assert sum(0 < count < TIMERS for count in counts) >= 2, "the process was not killed while timers fired"
    arrived = {event["meta"]["eventId"] for request in receiver.received for event in request.events}
    assert arrived <= {one["id"] for one in told}
    seconds = time.monotonic() - began
    report(
        1, "kill -9 while timers fire", seconds=seconds, acknowledged=TIMERS, lost=0, duplicates=0, kills=len(counts)
    )


async def arm(process: Process) -> list[str]:
    """Chats that were handled at different times, and the rule that waits for them."""
    rule = {"subject": "chat", "status": "handled", "longerThanSeconds": THRESHOLD_S}
    await process.client.good("POST", "/desk/dwell-rules", rule)
    creator = {"userId": "desk~c~1", "name": "Cora"}
    now, found = time.time(), []
    for number in range(TIMERS):
        since = format_instant(from_seconds(now - SPREAD_S * number / TIMERS))
        told: dict[str, Any] = {"creator": creator, "status": "handled", "report": {"handledDateTime": since}}
        await process.client.good("PUT", f"/desk/chats/c-{number}", told)
        found.append(f"c-{number}")
    return found


async def events(process: Process) -> list[Any]:
    """Every event that a timer made."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = await process.client.good("GET", f"/events?type=chat.dwelled&limit=200{cursor}")
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


async def all_told(process: Process) -> bool:
    """Nothing is armed any more."""
    return len(await events(process)) >= TIMERS
