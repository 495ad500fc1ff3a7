"""Reading beside the writer: a few read-only connections, each used by one thread at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import Any, TypeVar

import apsw

from deskbell.model.errors import StoreBroken
from deskbell.model.figures import Spread
from deskbell.storage.reading import filled
from deskbell.storage.sqlite.connection import open_reader

T = TypeVar("T")


class Readers:
    """The threads and their connections; `close` ends both."""

    def __init__(
        self, path: Path, sql: Mapping[str, str], barrier: Callable[[], Awaitable[None]], *, count: int = 4
    ) -> None:
        self._path = path
        self._barrier = barrier
        self._sql = sql
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="deskbell-read")
        self._idle: SimpleQueue[apsw.Connection] = SimpleQueue()
        self._opened: list[apsw.Connection] = []
        self._is_closed = False
        self.took_s = Spread()

    async def rows(
        self, name: str, bindings: Mapping[str, Any], make: Callable[[Any], T], /, **blanks: str
    ) -> tuple[T, ...]:
        """Every row of a named statement, made into a value."""
        return tuple(await self._read(name, bindings, make, blanks, rows_max=None))

    async def one(self, name: str, bindings: Mapping[str, Any], make: Callable[[Any], T], /, **blanks: str) -> T | None:
        """The first row, or None."""
        found = await self._read(name, bindings, make, blanks, rows_max=1)
        return found[0] if found else None

    async def _read(
        self,
        name: str,
        bindings: Mapping[str, Any],
        make: Callable[[Any], T],
        blanks: Mapping[str, str],
        rows_max: int | None,
    ) -> list[T]:
        if self._is_closed:
            raise StoreBroken("the store is closed")
        ask = partial(self._ask, filled(self._sql[name], blanks), dict(bindings), make, rows_max)
        started = perf_counter()
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._executor, ask)
            await self._barrier()  # what was read may be told on: it must be durable
            return found
        finally:
            self.took_s.add(perf_counter() - started)

    def _ask(self, text: str, bindings: dict[str, Any], make: Callable[[Any], T], rows_max: int | None) -> list[T]:
        connection = self._take()
        try:
            cursor = connection.execute(text, bindings)
            try:
                found = [make(row) for row in islice(cursor, rows_max)]
            finally:  # also when a row is damaged: a statement that stays open would read this state for ever
                cursor.close(True)  # rows that nobody takes are not read
        except apsw.Error as error:
            raise StoreBroken(f"the database could not be read: {error}") from error
        finally:
            self._idle.put(connection)
        return found

    def _take(self) -> apsw.Connection:
        try:
            return self._idle.get_nowait()
        except Empty:  # no more threads than connections, so this ends
            connection = open_reader(self._path)
            self._opened.append(connection)
            return connection

    def close(self) -> None:
        """Let running reads end, then close every connection."""
        self._is_closed = True
        self._executor.shutdown(wait=True)
        for connection in self._opened:
            connection.close()
