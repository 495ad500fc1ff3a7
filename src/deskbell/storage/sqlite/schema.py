"""The database as a whole: version, integrity, values of the installation, online copies."""

from collections.abc import Mapping

import apsw

from deskbell.model.errors import StoreBroken
from deskbell.storage.sqlite.migrate import schema_version

_PAGES_AT_ONCE = 1_000


class SqliteSchema:
    """`ports.Schema`; holds up the loop: for start, shutdown and operator commands."""

    def __init__(self, connection: apsw.Connection, sql: Mapping[str, str]) -> None:
        self._connection = connection
        self._sql = sql

    async def version(self) -> int:
        """The schema version of the database."""
        return schema_version(self._connection)

    async def check(self) -> tuple[str, ...]:
        """Integrity faults as SQLite words them, empty when sound."""
        return _faults(self._connection)

    async def meta(self, key: str) -> str | None:
        """A value of the installation."""
        found = self._connection.execute(self._sql["meta_get"], {"key": key}).get
        return None if found is None else str(found)

    async def backup(self, path: str) -> None:
        """Copy the database to a new file and check the copy. Raises StoreBroken when the copy has faults."""
        with apsw.Connection(path) as copy:
            with copy.backup("main", self._connection, "main") as work:
                while not work.done:
                    work.step(_PAGES_AT_ONCE)
            faults = _faults(copy)
        copy.close()
        if faults:
            raise StoreBroken(f"the copy at {path} has faults, make another one: {faults[0]}")


def _faults(connection: apsw.Connection) -> tuple[str, ...]:
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    found += [
        f"{row[0]} {row[1]} refers to a missing {row[2]}" for row in connection.execute("PRAGMA foreign_key_check")
    ]
    return tuple(found)
