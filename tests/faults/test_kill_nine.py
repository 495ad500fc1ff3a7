"""Row 1, kill -9 under load: what was answered 202 is never lost, and every duplicate has the same id and bytes."""

import asyncio
import os
import random
import time

import pytest

from faults.conftest import MakeProcess
from faults.history import Hook, check, check_rows, hook
from faults.load import Publisher, load
from faults.process import START_S, Process
from faults.tricks import STORE_POINTS
from receiver import Receiver
from running import until

KILLS = int(os.environ.get("DESKBELL_TEST_KILLS", "200"))
PARTS = 2  # each with its own data directory, so that two workers share the work
POINTS = (
    "before_commit", "after_commit", "before_freeze", "after_freeze", "before_send", "after_send", "before_settle",
    "after_settle", *STORE_POINTS,
)  # fmt: skip
LIFE_S = 0.3
PAUSE_S = 0.04  # of each publisher, so that the deaths are many and not the events
FLAWS = 0.02
PASSES = 25
FREEZING = ("before_freeze", "after_freeze")
SELDOM = 5  # passes: only batches are frozen


class Reaper:
    """Starts a process again and again, and ends each life another way."""

    def __init__(self, process: Process, chance: random.Random) -> None:
        self.process = process
        self.chance = chance
        self.deaths: dict[str, int] = {}

    async def life(self, number: int) -> None:
        """One start and its end: at a named point, while it starts, or at any moment of its work."""
        point = POINTS[number // 2 % len(POINTS)] if number % 2 else None
        passes = self.chance.randint(1, SELDOM if point in FREEZING else PASSES)
        self.process.tricks = {} if point is None else {"dies_at": (point, passes)}
        self.process.spawn()
        is_early = number % 20 == 0
        if not is_early:
            await until(self.is_ready_or_dead, START_S)
        cause = point if point and await self.dies_within(4 * LIFE_S) else "random"
        if cause == "random":
            await asyncio.sleep(self.chance.uniform(0.001, LIFE_S))
            self.process.kill()
        self.deaths[cause] = self.deaths.get(cause, 0) + 1

    async def is_ready_or_dead(self) -> bool:
        """Ready to serve, unless it died at its point before that."""
        return self.is_dead() or await self.process.is_ready()

    def is_dead(self) -> bool:
        """It has killed itself; any other end is a failure."""
        assert self.process.child is not None
        code = self.process.child.poll()
        assert code in (None, -9), self.process.log.read_text()[-2_000:]
        return code is not None

    async def dies_within(self, seconds: float) -> bool:
        """Whether it passes its point often enough in this time."""
        end = time.monotonic() + seconds
        while not (is_dead := self.is_dead()) and time.monotonic() < end:  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.005)
        return is_dead


async def hooks_of(process: Process, receiver: Receiver) -> list[Hook]:
    """One as it comes, one in order of its subjects, one in batches."""
    return [
        await hook(process.client, receiver, "plain"),
        await hook(process.client, receiver, "ordered", orderedBy="subject"),
        await hook(process.client, receiver, "batched", batch={"eventsMax": 10, "waitMs": 50}),
    ]


class Flaky:
    """A receiver's answers: a few are refusals, so that retries run through every death too."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def __bool__(self) -> bool:
        return True

    def pop(self, _: int) -> tuple[int, dict[str, str]]:
        """The next one."""
        return (500 if self.chance.random() < FLAWS else 200), {}


@pytest.mark.parametrize(
    "part",
    [pytest.param(n, marks=pytest.mark.xdist_group(f"kills-{n}")) for n in range(PARTS)],
)
async def test_killed_under_load(make_process: MakeProcess, part: int, capsys: pytest.CaptureFixture[str]) -> None:
    """After many deaths at random moments and named points, each answered event has arrived, or ended in sight."""
    chance, kills, began = random.Random(part), KILLS // PARTS, time.monotonic()
    process = make_process()
    async with Receiver(answers=Flaky(random.Random(part))) as receiver:
        await process.start()
        hooks = await hooks_of(process, receiver)
        process.kill()
        reaper, publisher = Reaper(process, chance), Publisher(process, pause_s=PAUSE_S)
        async with load(publisher, lines=2, subjects=8):
            for number in range(kills):
                await reaper.life(number + part)
            process.tricks = {}
            await process.start()
        found = await check(
            process.client,
            publisher,
            hooks,
            row=1,
            name=f"kill -9, part {part + 1}",
            kills=kills,
            seconds=time.monotonic() - began,
            capsys=capsys,
            at_named_points=kills - reaper.deaths["random"],
        )
        assert process.stop() == 0
    check_rows(process.data)
    assert found.acknowledged > kills
    if kills >= 4 * len(POINTS):
        assert len({*POINTS} - {*reaper.deaths}) <= len(POINTS) // 2  # on a busy machine some are not come by in time
