"""A connection for rare questions that write outside the writer's transactions, opened anew when it was lost."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from deskbell.model.errors import StoreBroken
from deskbell.storage.postgres.connection import AWAY, Connection, hang_up, open_plain
from deskbell.storage.postgres.numbered import statement
from deskbell.storage.reading import filled
from deskbell.storage.statements import statements

ASK_S = 5.0
"""How long a question may take; who owns a shard must know in time that the database is away."""


class Link:
    """One question at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None

    async def ask(self, name: str, bindings: Mapping[str, Any]) -> Sequence[Any]:
        """The rows of a named statement. Raises StoreBroken when it failed, also on a fresh connection."""
        asked = statement(name)
        arguments = asked.arguments(bindings)
        async with self._turn:
            try:
                return await self._try(asked.text, arguments)
            except AWAY:
                self._drop()
            try:
                return await self._try(asked.text, arguments)
            except (*AWAY, asyncpg.PostgresError) as error:
                self._drop()
                raise StoreBroken(f"the database is out of reach: {error!r}") from error

    async def change(self, script: str, /, **blanks: str) -> None:
        """Run a script in one transaction of its own. Raises StoreBroken, or what the database refused."""
        text = filled(statements("postgres")[script], blanks)
        async with self._turn:
            try:
                connection = await self._connected()
                await connection.execute(text)
            except AWAY as error:
                self._drop()
                raise StoreBroken(f"the database is out of reach: {error!r}") from error

    async def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = await open_plain(self._url)
        return self._connection

    async def _try(self, text: str, arguments: Sequence[Any]) -> Sequence[Any]:
        try:
            async with asyncio.timeout(ASK_S):
                connection = await self._connected()
                found: Sequence[Any] = await connection.fetch(text, *arguments)
                return found
        except asyncio.CancelledError:  # who asked gave up: nobody knows what this connection still does
            self._drop()
            raise

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await hang_up(connection)
