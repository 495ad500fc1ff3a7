"""A connection that writes, as one of the store's writers: named statements, and its place in the order of commits."""

from collections.abc import Mapping, Sequence
from typing import Any

from deskbell.storage.postgres.connection import Connection
from deskbell.storage.postgres.numbered import inserted, statement
from deskbell.storage.postgres.partitions import Purged

LOCK_CLASS = 0x6462_6C6C
"""Advisory locks of living writers; the second number is the writer's."""


class SessionLost(Exception):
    """This session cannot go on; another one can."""


class Session:
    """One writing connection."""

    def __init__(self, connection: Connection, *, earlier: Sequence[int], purged: Purged) -> None:
        self.connection = connection
        self.writer = 0  # its number, once it has begun
        self.earlier = tuple(earlier)  # writers that this process was before
        self.purged = purged
        self.seq = 0  # of the newest attempt written

    async def run(self, name: str, bindings: Mapping[str, Any] | Sequence[Any]) -> int:
        """Execute a named statement; how many rows it changed."""
        asked = statement(name)
        arguments = asked.arguments(bindings) if isinstance(bindings, Mapping) else bindings
        status: str = await self.connection.execute(asked.text, *arguments)
        return int(status.rpartition(" ")[2])

    def placed(self, attempts: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Rows of attempts with their places in the order of commits."""
        found = [(*row, self.writer, self.seq + place) for place, row in enumerate(attempts, 1)]
        self.seq += len(attempts)
        return found

    async def copy(self, name: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """Write many new rows in the columns of a named INSERT; how many."""
        table, columns = inserted(name)
        status: str = await self.connection.copy_records_to_table(table, records=rows, columns=columns)
        return int(status.rpartition(" ")[2])

    async def row(self, name: str, bindings: Mapping[str, Any]) -> Any:
        """The first row of a named statement, or None."""
        asked = statement(name)
        return await self.connection.fetchrow(asked.text, *asked.arguments(bindings))

    async def rows(self, name: str, bindings: Mapping[str, Any]) -> Sequence[Any]:
        """Every row of a named statement."""
        asked = statement(name)
        found: Sequence[Any] = await self.connection.fetch(asked.text, *asked.arguments(bindings))
        return found

    async def value(self, name: str, bindings: Mapping[str, Any] | Sequence[Any]) -> Any:
        """The first column of the first row, or None."""
        asked = statement(name)
        arguments = asked.arguments(bindings) if isinstance(bindings, Mapping) else bindings
        return await self.connection.fetchval(asked.text, *arguments)
