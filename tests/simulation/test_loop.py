"""The loop itself, before anything is believed that runs on it."""

import asyncio
from contextvars import copy_context

import pytest

from simulation.loop import LIFE, Died, Life, SimLoop, Stall, run
from simulation.tape import Tape


def test_time_is_virtual() -> None:
    """A day passes at once, and each sleeper wakes at its very moment."""
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        await asyncio.gather(sleeper("day", 86_400.0), sleeper("moment", 0.001), sleeper("hour", 3_600.0))

    run(SimLoop(Tape(1)), main())
    assert woken == [("moment", 0.001), ("hour", 3_600.0), ("day", 86_400.0)]


def test_the_order_of_what_is_ready_is_the_tapes() -> None:
    """Different seeds give different orders, one seed always the same, and a tape of zeros that of coming."""

    def order(tape: Tape) -> list[int]:
        seen: list[int] = []

        async def one(n: int) -> None:
            seen.append(n)

        async def main() -> None:
            await asyncio.gather(*(one(n) for n in range(6)))

        run(SimLoop(tape), main())
        return seen

    assert order(Tape(5)) == order(Tape(5))
    assert len({tuple(order(Tape(seed))) for seed in range(20)}) > 10
    assert order(Tape()) == [0, 1, 2, 3, 4, 5]
    assert sorted(order(Tape(9))) == [0, 1, 2, 3, 4, 5]


def test_a_deadlock_is_found() -> None:
    """Nothing ready, no timer: nobody will ever come."""

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Stall, match="deadlock"):
        run(SimLoop(Tape(1)), main())


def test_a_livelock_is_found() -> None:
    """Steps without end."""

    async def main() -> None:
        while True:  # noqa: ASYNC110  nobody ever comes
            await asyncio.sleep(0)

    with pytest.raises(Stall, match="livelock"):
        run(SimLoop(Tape(1), steps_max=1_000), main())


def test_threads_are_refused() -> None:
    """They would make runs differ."""

    async def main() -> None:
        await asyncio.to_thread(print)

    with pytest.raises(RuntimeError, match="threads"):
        run(SimLoop(Tape(1)), main())


def test_a_cancelled_timer_neither_runs_nor_moves_the_clock() -> None:
    """Limits of time that were not needed leave no mark."""

    async def main() -> float:
        async with asyncio.timeout(500):
            await asyncio.sleep(1)
        await asyncio.wait_for(asyncio.sleep(1), 900)
        return asyncio.get_running_loop().time()

    assert run(SimLoop(Tape(1)), main()) == 2.0


def test_a_limit_of_time_ends_what_is_late() -> None:
    """At its moment."""

    async def main() -> float:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(10), 3)
        return asyncio.get_running_loop().time()

    assert run(SimLoop(Tape(1)), main()) == 3.0


def test_what_a_dead_process_was_about_to_do_never_happens() -> None:
    """Neither its next step nor its clean-up; others go on."""
    done: list[str] = []

    async def work(name: str) -> None:
        try:
            for n in range(4):
                await asyncio.sleep(1)
                done.append(f"{name}{n}")
        finally:
            done.append(f"{name} cleaned up")

    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        life = Life("a")
        context = copy_context()
        context.run(LIFE.set, life)
        dying = loop.create_task(work("a"), context=context)
        other = loop.create_task(work("b"))
        await asyncio.sleep(2.5)
        loop.kill(life)
        await other
        assert not dying.done()
        return list(done)

    seen = run(SimLoop(Tape(1)), main())
    assert [one for one in seen if one.startswith("a")] == ["a0", "a1"]
    assert [one for one in seen if one.startswith("b")] == ["b0", "b1", "b2", "b3", "b cleaned up"]


def test_a_stopped_process_goes_on_late() -> None:
    """What came due meanwhile is done when it wakes."""
    done: list[float] = []

    async def beat() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(3):
            await asyncio.sleep(1)
            done.append(loop.time())

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        life = Life("a")
        context = copy_context()
        context.run(LIFE.set, life)
        task = loop.create_task(beat(), context=context)
        await asyncio.sleep(1.5)
        life.asleep = []
        await asyncio.sleep(5)
        loop.wake(life)
        await task

    run(SimLoop(Tape(1)), main())
    assert done == [1.0, 6.5, 7.5]


def test_exceptions_that_nobody_caught_are_kept() -> None:
    """But not the end of a process."""

    def fails(error: BaseException) -> None:
        raise error

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(fails, ValueError("lost"))
        loop.call_soon(fails, Died())
        await asyncio.sleep(1)

    loop = SimLoop(Tape(1))
    run(loop, main())
    assert len(loop.faults) == 1
    assert "lost" in loop.faults[0]
