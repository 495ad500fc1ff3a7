"""Rows with sealed fields: read for all sites, and written anew as long as they are as they were read."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from deskbell.model.changes import Reseal
from deskbell.model.sealed import SealedRow
from deskbell.rules.sealed_fields import SEALED, SealedTable
from deskbell.storage.bodies import body_of, value_of
from deskbell.storage.reading import Reads

TABLES = {one.table: one for one in SEALED}


class SqlSealed:
    """`ports.SealedRows`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def page(self, table: str, after: Sequence[Any] | None, limit: int) -> tuple[SealedRow, ...]:
        """In the order of keys."""
        known = TABLES[table]
        begun = first_key(known) if after is None else after
        bindings = {f"after_{name}": value for name, value in zip(("site", *known.key), begun, strict=True)}
        return await self._reads.rows(f"{table}_sealed", {**bindings, "limit": limit}, _maker(known))


def reseal_bindings(change: Reseal) -> Iterator[tuple[str, dict[str, Any]]]:
    """The statement and its bindings for each row of the change."""
    for before, after in change.rows:
        names = ("site", *TABLES[before.table].key)
        key = dict(zip(names, before.key, strict=True))
        yield f"{before.table}_reseal", {**key, "body": body_of(after), "before": before.body}


def first_key(table: SealedTable) -> tuple[Any, ...]:
    """Before every key."""
    return ("", *(0 if name in table.numbers else "" for name in table.key))


def _maker(table: SealedTable) -> Callable[[Any], SealedRow]:
    def made(row: Any) -> SealedRow:
        *key, body = row
        value: Any = None
        with suppress(Exception):  # whatever a damaged body raises
            value = value_of(table.type, body)
        return SealedRow(table=table.table, key=tuple(key), row=value, body=bytes(body))

    return made
