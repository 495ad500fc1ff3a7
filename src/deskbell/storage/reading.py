"""How rows are asked for: named statements, with the words in braces filled."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from deskbell.storage.bodies import value_of

T = TypeVar("T")


class Reads(Protocol):
    """Reading beside the writer. Raises StoreBroken when the store is closed or the database fails."""

    async def rows(
        self, name: str, bindings: Mapping[str, Any], make: Callable[[Any], T], /, **blanks: str
    ) -> tuple[T, ...]: ...

    async def one(
        self, name: str, bindings: Mapping[str, Any], make: Callable[[Any], T], /, **blanks: str
    ) -> T | None: ...


def filled(statement: str, blanks: Mapping[str, str]) -> str:
    """A statement with its words in braces filled."""
    for word, filling in blanks.items():
        statement = statement.replace("{" + word + "}", filling)
    return statement


def maker_of(kind: type[T]) -> Callable[[Any], T]:
    """Reads rows whose one column is a JSON body."""
    return lambda row: value_of(kind, row[0])


def number(row: Any) -> int:
    """Reads rows of one number."""
    return int(row[0])


def _or_none(make: Callable[[Any], T]) -> Callable[[Any], T | None]:
    def made(row: Any) -> T | None:
        try:
            return make(row)
        except Exception:  # whatever a damaged body raises
            return None

    return made


class Bodies:
    """Reads rows that are one JSON body."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def _all(self, kind: type[T], name: str, /, **bindings: Any) -> tuple[T, ...]:
        return await self._reads.rows(name, bindings, maker_of(kind))

    async def _readable(self, kind: type[T], name: str, /, **bindings: Any) -> tuple[T, ...]:
        """Those that can be read: one damaged row does not hide the others."""
        found = await self._reads.rows(name, bindings, _or_none(maker_of(kind)))
        return tuple(one for one in found if one is not None)

    async def _one(self, kind: type[T], name: str, /, **bindings: Any) -> T | None:
        return await self._reads.one(name, bindings, maker_of(kind))
