"""Rows with sealed fields in memory."""

from collections.abc import Sequence
from typing import Any

from deskbell.model.changes import Reseal
from deskbell.model.sealed import SealedRow
from deskbell.storage.bodies import body_of
from deskbell.storage.memory.tables import Tables
from deskbell.storage.sealed import TABLES


class MemorySealed:
    """`ports.SealedRows`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def page(self, table: str, after: Sequence[Any] | None, limit: int) -> tuple[SealedRow, ...]:
        """In the order of keys."""
        rows = self._tables.rows[TABLES[table].table]
        keys = sorted(key for key in rows if after is None or key > tuple(after))[:limit]
        return tuple(SealedRow(table=table, key=key, row=rows[key], body=body_of(rows[key])) for key in keys)


def reseal(tables: Tables, change: Reseal) -> int:
    """Write the rows that are still as they were read; how many."""
    written = 0
    for before, after in change.rows:
        stored = tables.get(before.table, before.key)
        if stored is not None and body_of(stored) == before.body:
            tables.put(before.table, before.key, after)
            written += 1
    return written
