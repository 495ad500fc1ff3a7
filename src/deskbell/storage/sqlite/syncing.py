"""Durable, off the loop: one sync in a helper thread covers every commit that was made before it began.

SQLite writes commits to its log without waiting for the disk (`synchronous = NORMAL`: checkpoints still sync in order,
so a power cut leaves a sound database). Nobody is answered, and nothing that was read is handed out, before the log is
on the disk up to that commit: for whoever is told, this is `FULL`, but the loop goes on meanwhile and the next commit
grows.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import structlog

_log = structlog.get_logger()
Then = Callable[[bool], None]
"""Called with whether it is durable now."""


class LogFile:
    """SQLite's write-ahead log beside the database. It stays the same file as long as a connection is open."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + "-wal")
        self._file: int | None = None

    def sync(self) -> None:
        """Wait until everything written to it is on the disk. Raises OSError."""
        if self._file is None:
            self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        os.fdatasync(self._file)

    def close(self) -> None:
        """Let go of it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class Syncer:
    """Numbers commits, and tells when each is durable. After a failed sync nothing is durable any more."""

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="deskbell-sync")
        self._committed = 0
        self._durable = 0
        self._waiting: deque[tuple[int, Then]] = deque()
        self._is_running = False
        self._is_broken = False

    def committed(self, then: Then) -> None:
        """A commit was made just now; `then` is told when it is durable, in the order of commits."""
        self._committed += 1
        self._waiting.append((self._committed, then))
        if not self._is_running:
            self._start()

    async def barrier(self) -> None:
        """Wait until everything that is committed by now is durable: whoever read it may tell it on then."""
        if self._durable == self._committed:
            return
        durable = asyncio.Event()
        self._waiting.append((self._committed, lambda _: durable.set()))
        await durable.wait()

    def finish(self) -> None:
        """Make everything durable, now, on this thread; the loop may have ended."""
        self._thread.shutdown(wait=True)
        if self._waiting:
            self._end(self._committed, self._try())

    def _start(self) -> None:
        self._is_running = True
        upto = self._committed
        loop = asyncio.get_running_loop()

        def ended(future: "Future[bool]") -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._ended, upto, future)

        self._thread.submit(self._try).add_done_callback(ended)

    def _try(self) -> bool:
        """Sync once; a failed one is never tried again: what the disk then has is unknown."""
        if self._is_broken:
            return False
        try:
            self._sync()
        except OSError:
            self._is_broken = True
            _log.exception("commit.sync_failed")
            return False
        return True

    def _ended(self, upto: int, future: "Future[bool]") -> None:
        self._is_running = False
        self._end(upto, future.result())
        if self._waiting and not self._is_running:
            self._start()

    def _end(self, upto: int, is_durable: bool) -> None:
        self._durable = max(self._durable, upto)
        while self._waiting and self._waiting[0][0] <= upto:
            self._waiting.popleft()[1](is_durable)
