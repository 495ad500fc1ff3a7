"""An event loop in virtual time: nothing waits, everything is repeatable, and a dead process never runs again."""

import asyncio
import hashlib
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from typing import Any, NoReturn

from simulation.tape import Tape

STEPS_MAX = 400_000
STEPS_PER_NUDGE, NUDGE_S = 500, 1e-6
"""Work takes time: else a timer that a rounding made due too soon would be due too soon for ever."""


class Stall(AssertionError):
    """Nothing can happen any more (deadlock), or too much does (livelock)."""


class Life:
    """What one process may do at this moment; every callback that it schedules carries it."""

    __slots__ = ("asleep", "dead", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.dead = False
        self.asleep: list[asyncio.Handle] | None = None  # stopped by a signal: what came due meanwhile


LIFE: ContextVar[Life | None] = ContextVar("LIFE", default=None)
"""Whose callback runs; None: the world's own."""


class SimLoop(asyncio.BaseEventLoop):
    """Jumps to the next timer when nothing is ready; what is ready runs in an order that the tape says.

    It leans on private names of asyncio (`_ready`, `_stopping`, `_run_once`, and those of a Handle): `test_loop.py`
    shows that they still mean the same.
    """

    _ready: deque[asyncio.Handle]

    def __init__(self, tape: Tape, *, shuffles: bool = True, steps_max: int = STEPS_MAX) -> None:
        super().__init__()
        self._tape = tape
        self._shuffles = shuffles
        self._now = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._asked = 0
        self._trace = hashlib.blake2b(digest_size=8)
        self._kept: list[asyncio.Task[Any]] = []  # of dead processes: they must not end by being collected
        self._ending = False
        self.steps = 0
        self.steps_max = steps_max
        self.world = copy_context()  # for what is nobody's own: the wire, receivers, the database
        self.faults: list[str] = []  # exceptions that nobody caught
        self.set_exception_handler(self._uncaught)

    # what asyncio asks of a loop

    def time(self) -> float:
        """Virtual seconds."""
        return self._now

    def run_in_executor(self, *args: Any) -> NoReturn:
        """Raises: a thread is not repeatable."""
        raise RuntimeError("threads are forbidden in a simulation")

    def call_soon_threadsafe(self, *args: Any, **more: Any) -> NoReturn:
        """Raises: there are no threads."""
        raise RuntimeError("threads are forbidden in a simulation")

    def _process_events(self, events: Any) -> None:
        """There is no selector."""

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        """In the next step."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """After so many virtual seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """At a virtual time; what is due at the same time comes in the order of asking."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._asked += 1
        heapq.heappush(self._timers, (when, self._asked, handle))
        return handle

    def _run_once(self) -> None:
        """One step: what is ready now, in an order of the tape's; what that makes ready belongs to the next."""
        ready, timers = self._ready, self._timers
        if not ready and not self._stopping:  # type: ignore[attr-defined]
            while timers and timers[0][2]._cancelled:
                heapq.heappop(timers)
            if not timers:
                raise Stall("deadlock: nothing is ready, and no timer runs")
            self._now = max(self._now, timers[0][0])
        now = self._now
        while timers and timers[0][0] <= now:
            handle: asyncio.Handle = heapq.heappop(timers)[2]
            if not handle._cancelled:
                ready.append(handle)
        self.steps += 1
        if self.steps % STEPS_PER_NUDGE == 0:
            self._now += NUDGE_S
        if self.steps > self.steps_max:
            raise Stall(f"livelock: more than {self.steps_max} steps, at {self._now:.3f} s")
        turn = list(ready)
        ready.clear()
        if len(turn) > 1 and self._shuffles:
            self._tape.shuffle(turn)
        for handle in turn:
            if not handle._cancelled and self._may_run(handle):
                handle._run()

    def _may_run(self, handle: asyncio.Handle) -> bool:
        life = handle._context.get(LIFE)
        if life is None or self._ending:
            return True
        if life.asleep is not None and not life.dead:
            life.asleep.append(handle)
            return False
        return not life.dead

    def _uncaught(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        life = LIFE.get()
        if not isinstance(error, Died) and not self._ending and (life is None or not life.dead):
            self.faults.append(f"{context.get('message')}: {error!r}")

    # what a simulation asks of it

    def note(self, *what: Any) -> None:
        """Something happened that must happen again in every run of the same tape."""
        self._trace.update(repr((round(self._now, 6), *what)).encode())

    @property
    def trace(self) -> str:
        """The hash of all that happened."""
        return self._trace.hexdigest()

    def later(self, delay_s: float, step: Callable[..., object], *args: Any, by: Context | None = None) -> None:
        """Do this after so long, as the world's own or in a process's name."""
        self.call_later(delay_s, step, *args, context=self.world if by is None else by)

    def kill(self, life: Life) -> None:
        """From this moment on nothing of this process happens: no clean-up, no last word."""
        life.dead = True
        life.asleep = None
        self._kept.extend(asyncio.all_tasks(self))

    def wake(self, life: Life) -> None:
        """A stopped process goes on: what came due meanwhile is done now."""
        late, life.asleep = life.asleep or [], None
        if not life.dead:
            self._ready.extend(late)

    def finish(self) -> None:
        """After a run: end every task that is left, so that none ends by being collected."""
        self._ending, self.steps_max = True, self.steps + 1_000
        tasks = asyncio.all_tasks(self) | set(self._kept)
        for task in tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            task.cancel()
        for _ in range(50):
            if not self._ready:
                break
            self._run_once()
        for task in tasks:
            if not task.done():  # its next step was dropped with its process
                with suppress(RuntimeError):
                    task.get_coro().close()  # type: ignore[union-attr]
        self._kept.clear()
        self.close()


class Died(BaseException):
    """A process ends here, in the middle of what it does."""


async def wait_for(awaitable: Any, timeout_s: float | None) -> Any:
    """`asyncio.wait_for` as it is since 3.12, so that a run takes the same steps on every Python."""
    async with asyncio.timeout(timeout_s):
        return await awaitable


def run(loop: SimLoop, main: Coroutine[Any, Any, Any]) -> Any:
    """Run a simulation to its end."""
    before = asyncio.wait_for
    asyncio.wait_for = wait_for
    try:
        return loop.run_until_complete(main)
    finally:
        loop.finish()
        asyncio.wait_for = before
