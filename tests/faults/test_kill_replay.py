"""Row 1, kill -9 during a replay: the count stays exact, no event is made twice, and the run ends by itself."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest

from faults.process import Process, ports
from faults.report import report
from receiver import Receiver
from running import until

EVENTS = 400
KILLS = 6
IN_FLIGHT = 20


@pytest.mark.xdist_group("faults")
async def test_killed_while_replaying(tmp_path: Path) -> None:
    """What was missed while off, in a range larger than a step, over several kills at random moments."""
    chance, began = random.Random(11), time.monotonic()
    process = Process(data=tmp_path / "data", port=ports())
    process.init()
    async with Receiver() as receiver:
        await process.start()
        await process.client.webhook(receiver.url, "custom.*", retrySchedule=[1] * 20)
        await process.client.good("PATCH", "/site", {"webhooksEnabled": False})
        events = [{"type": "custom.n", "data": n} for n in range(EVENTS)]
        await process.client.good("POST", "/events", events)
        await process.client.good("PATCH", "/site", {"webhooksEnabled": True})
        wish = {"states": ["missed"], "ratePerSecond": 150}
        made = await process.client.good("POST", "/replays", wish)
        assert made["total"] == EVENTS
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.05, 0.5))
            process.kill()
            await process.start()

        async def is_over() -> Any:
            now = await process.client.good("GET", f"/replays/{made['id']}")
            return now if now["endedAt"] and not now["progress"]["waiting"] else None

        done = await until(is_over)
        process.stop()
    assert (done["state"], done["done"], done["progress"]["delivered"]) == ("finished", EVENTS, EVENTS)
    ids = [one.header("webhook-id") for one in receiver.received]
    numbers = [one.events[0]["data"] for one in receiver.received]
    assert len(set(ids)) == len(set(numbers)) == EVENTS
    assert len(ids) - EVENTS <= KILLS * IN_FLIGHT  # an attempt that was not settled is made again, with the same id
    report(
        1,
        "kill -9 during a replay",
        seconds=time.monotonic() - began,
        acknowledged=EVENTS,
        lost=EVENTS - len(set(numbers)),
        duplicates=len(ids) - EVENTS,
        kills=KILLS,
    )
