"""Loops that must not end: one that fails is logged and begun again."""

import asyncio
from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger

PAUSE_S = 1.0
"""Before a failed loop begins again; a fault that lasts must not fill the log."""


class Supervisor:
    """Runs the engine's loops and rare errands, and stops them together."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()
        self._late_s = 0.0

    def keep(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Run this loop until `stop`; when it fails, log and run it again."""
        self._start(name, self._again_and_again(name, loop))

    def every(self, name: str, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        """Do this step every so many seconds until `stop`."""

        async def loop() -> None:
            clock = asyncio.get_running_loop()
            while True:
                due = clock.time() + seconds
                await asyncio.sleep(seconds)
                self._late_s = max(self._late_s, clock.time() - due)
                await step()

        self.keep(name, loop)

    def late_s(self) -> float:
        """The longest that a step was late since this was last asked: how busy the event loop is."""
        late_s, self._late_s = self._late_s, 0.0
        return late_s

    def errand(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        """Do something rare once, in the background; a failure is logged."""

        async def once() -> None:
            try:
                await step()
            except Exception as error:
                self._log.error("errand.failed", errand=name, error=repr(error))

        self._start(name, once())

    async def stop(self) -> None:
        """End every loop and errand, and wait until they have ended."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, name: str, work: "Awaitable[None]") -> None:
        task = asyncio.ensure_future(work)
        if isinstance(task, asyncio.Task):
            task.set_name(f"engine.{name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _again_and_again(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await loop()
            except Exception as error:
                self._log.error("loop.failed", loop=name, error=repr(error))
            await asyncio.sleep(PAUSE_S)
