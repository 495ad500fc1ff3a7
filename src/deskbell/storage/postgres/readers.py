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
from deskbell.storage.postgres.numbered import Numbered, numbered, statement
from deskbell.storage.postgres.patience import Patience
from deskbell.storage.postgres.wall import EVERY_SITE, ROLE
from deskbell.storage.reading import filled

T = TypeVar("T")
_NAME_SITE = statement("wall_name_site").text
_NO_SITE = "-"
"""Of a fresh connection: not even the installation's own rows, whose site is empty."""


class Readers:
    """`storage.reading.Reads`: at most `count` questions at once, the others wait for their turn."""

    def __init__(self, url: str, sql: Mapping[str, str], *, count: int, wait_s: float, is_bound: bool = True) -> None:
        """`is_bound`: the server shows only rows of the site that a question names (wall.py)."""
        self._url = url
        self._role = ROLE if is_bound else None
        self._sql = sql
        self._wait_s = wait_s
        self._turns = asyncio.Semaphore(count)
        self._idle: deque[tuple[str, Connection]] = deque()  # with the site that each is bound to
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
        arguments, site = asked.arguments(bindings), bindings.get("site", EVERY_SITE)
        patience = Patience(self._wait_s)
        try:
            async with self._turns:
                while True:
                    try:
                        return await self._once(asked.text, arguments, site, patience)
                    except AWAY as error:
                        self._forget_idle()
                        if not await patience.wait():
                            raise StoreBroken(f"the database is out of reach: {error!r}") from error
        except asyncpg.PostgresError as error:
            raise StoreBroken(f"the database could not be read: {error}") from error
        finally:
            self.took_s.add(perf_counter() - started)

    async def _once(self, text: str, arguments: Sequence[Any], site: str, patience: Patience) -> Any:
        if self._is_closed:
            raise StoreBroken("the store is closed")
        async with self._connection(site, patience) as connection:
            return await connection.fetch(text, *arguments)

    @asynccontextmanager
    async def _connection(self, site: str, patience: Patience) -> AsyncIterator[Connection]:
        """A connection bound to this site; one that failed or was left in the middle of an answer is not kept."""
        async with patience.limit():
            named, connection = self._taken(site) or (_NO_SITE, await open_reader(self._url, self._role))
        try:
            if named != site and self._role is not None:
                await connection.fetchval(_NAME_SITE, site)
                named = site
            yield connection
        except asyncpg.PostgresError:
            self._keep(named, connection)
            raise
        except BaseException:
            connection.terminate()
            raise
        self._keep(named, connection)

    def _taken(self, site: str) -> tuple[str, Connection] | None:
        """An idle connection, if possible one that is bound to this site already: that saves a round trip."""
        if not self._idle:
            return None
        found = next((one for one in reversed(self._idle) if one[0] == site), self._idle[0])
        self._idle.remove(found)
        return found

    def _keep(self, named: str, connection: Connection) -> None:
        if not connection.is_closed():
            self._idle.append((named, connection))

    def _forget_idle(self) -> None:
        """When one connection is lost, the others are suspect."""
        while self._idle:
            self._idle.pop()[1].terminate()

    async def close(self) -> None:
        """Hang up; questions that are asked at this moment end by themselves."""
        self._is_closed = True
        while self._idle:
            await hang_up(self._idle.pop()[1])
