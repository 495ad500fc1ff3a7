"""Reading beside the writer: a few read-only connections, each used by one thread at a time."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import apsw

from deskbell.model.errors import StoreBroken
from deskbell.storage.sqlite.connection import open_reader

T = TypeVar("T")


class Reading:
    """One read: named statements on one connection."""

    def __init__(self, connection: apsw.Connection, sql: Mapping[str, str]) -> None:
        self._connection = connection
        self._sql = sql

    def rows(self, name: str, bindings: Mapping[str, Any], make: Callable[[Any], T], /, **blanks: str) -> tuple[T, ...]:
        """Every row of a named statement, made into a value; `blanks` fill its words in braces."""
        return tuple(self.each(name, bindings, make, **blanks))

    def each(self, name: str, bindings: Mapping[str, Any], make: Callable[[Any], T], /, **blanks: str) -> Iterator[T]:
        """The same, one at a time; rows that nobody takes are not read."""
        cursor = self._connection.execute(self.text(name, **blanks), dict(bindings))
        try:
            for row in cursor:
                yield make(row)
        finally:
            cursor.close(True)

    def one(self, name: str, bindings: Mapping[str, Any], make: Callable[[Any], T], /, **blanks: str) -> T | None:
        """The first row, or None."""
        return next(self.each(name, bindings, make, **blanks), None)

    def text(self, name: str, **blanks: str) -> str:
        """A statement with its words in braces filled."""
        statement = self._sql[name]
        for word, filling in blanks.items():
            statement = statement.replace("{" + word + "}", filling)
        return statement


class Readers:
    """The threads and their connections; `close` ends both."""

    def __init__(self, path: Path, sql: Mapping[str, str], *, count: int = 4) -> None:
        self._path = path
        self._sql = sql
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="deskbell-read")
        self._idle: SimpleQueue[apsw.Connection] = SimpleQueue()
        self._opened: list[apsw.Connection] = []
        self._is_closed = False

    async def read(self, question: Callable[[Reading], T]) -> T:
        """Run a question in a thread. Raises StoreBroken when the store is closed or the database fails."""
        if self._is_closed:
            raise StoreBroken("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._ask, question)

    def _ask(self, question: Callable[[Reading], T]) -> T:
        connection = self._take()
        try:
            return question(Reading(connection, self._sql))
        except apsw.Error as error:
            raise StoreBroken(f"the database could not be read: {error}") from error
        finally:
            self._idle.put(connection)

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
