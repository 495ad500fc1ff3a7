"""The database as a whole: version, what should agree in it, values of the installation."""

from deskbell.model.errors import StoreBroken
from deskbell.storage.reading import Reads


def _text(row: tuple[str]) -> str:
    return row[0]


class PostgresSchema:
    """`ports.Schema`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def version(self) -> int:
        """The schema version of the database."""
        return int(await self.meta("schema_version") or 0)

    async def check(self) -> tuple[str, ...]:
        """What does not agree, empty when sound: the queue with the deliveries, the audit's numbers, damaged pages."""
        return await self._reads.rows("schema_faults", {}, _text)

    async def meta(self, key: str) -> str | None:
        """A value of the installation."""
        return await self._reads.one("meta_get", {"key": key}, _text)

    async def backup(self, path: str) -> None:
        """Raises StoreBroken: PostgreSQL has its own programs for that."""
        raise StoreBroken(f"PostgreSQL is copied by its own programs, not to {path}: use pg_dump, see docs/how-to")
