"""Reading beside the writer: a few connections that can only read, opened when needed and anew when lost."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, TypeVar

import asyncpg

from deskbell.model.errors import StoreBroken
from deskbell.model.figures import Spread
from deskbell.storage.postgres.connection import AWAY, Connection, hang_up, open_reader
from deskbell.storage.postgres.numbered import Numbered, numbered
from deskbell.storage.postgres.patience import Patience
from deskbell.storage.reading import filled

T = TypeVar("T")


class Readers:
    """`storage.reading.Reads`: at most `count` questions at once, the others wait for their turn."""

    def __init__(self, url: str, sql: Mapping[str, str], *, count: int, wait_s: float) -> None:
        self._url = url
        self._sql = sql
        self._wait_s = wait_s
        self._turns = asyncio.Semaphore(count)
        self._idle: deque[Connection] = deque()
        self._is_closed = False
        self.took_s = Spread()

    async def rows(
        self, name: str, bindings: Mapping[str, Any], make: Callable[[Any], T], /, **blanks: str
    ) -> tuple[T, ...]:
        """Every row of a named statement, made into a value."""
        asked = numbered(filled(self._sql[name], blanks))
        return tuple([make(row) for row in await self._ask(asked, bindings)])

    async def one(self, name: str, bindings: Mapping[str, Any], make: Callable[[Any], T], /, **blanks: str) -> T | None:
        """The first row, or None."""
        asked = numbered(filled(self._sql[name], blanks))
        found = await self._ask(asked, bindings)
        return make(found[0]) if found else None

    async def _ask(self, asked: Numbered, bindings: Mapping[str, Any]) -> Any:
        """Ask, and ask once more on a fresh connection while the database is away and there is patience."""
        started = perf_counter()
        arguments = asked.arguments(bindings)
        patience = Patience(self._wait_s)
        try:
            async with self._turns:
                while True:
                    try:
                        return await self._once(asked.text, arguments, patience)
                    except AWAY as error:
                        self._forget_idle()
                        if not await patience.wait():
                            raise StoreBroken(f"the database is out of reach: {error!r}") from error
        except asyncpg.PostgresError as error:
            raise StoreBroken(f"the database could not be read: {error}") from error
        finally:
            self.took_s.add(perf_counter() - started)

    async def _once(self, text: str, arguments: Sequence[Any], patience: Patience) -> Any:
        if self._is_closed:
            raise StoreBroken("the store is closed")
        async with self._connection(patience) as connection:
            return await connection.fetch(text, *arguments)

    @asynccontextmanager
    async def _connection(self, patience: Patience) -> AsyncIterator[Connection]:
        """An idle connection, or a new one; one that failed or was left in the middle of an answer is not kept."""
        async with patience.limit():
            connection = self._idle.pop() if self._idle else await open_reader(self._url)
        try:
            yield connection
        except asyncpg.PostgresError:
            self._keep(connection)
            raise
        except BaseException:
            connection.terminate()
            raise
        self._keep(connection)

    def _keep(self, connection: Connection) -> None:
        if not connection.is_closed():
            self._idle.append(connection)

    def _forget_idle(self) -> None:
        """When one connection is lost, the others are suspect."""
        while self._idle:
            self._idle.pop().terminate()

    async def close(self) -> None:
        """Hang up; questions that are asked at this moment end by themselves."""
        self._is_closed = True
        while self._idle:
            await hang_up(self._idle.pop())
