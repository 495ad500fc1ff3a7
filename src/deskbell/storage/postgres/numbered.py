"""Statements as PostgreSQL takes them: `:name` becomes `$1`, and the names in that order."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from deskbell.storage.statements import statements

_NAME = re.compile(r"(?<![:\w]):([a-z]\w*)")

_INSERT = re.compile(r"INSERT INTO (\w+) \(([^)]+)\)")


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """A statement and the order of its bindings."""

    text: str
    names: tuple[str, ...]

    def arguments(self, bindings: Mapping[str, Any]) -> list[Any]:
        """The bindings in their order."""
        return [bindings[name] for name in self.names]


@cache
def numbered(text: str) -> Numbered:
    """A statement whose words in braces are filled."""
    places: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        return f"${places.setdefault(found[1], len(places) + 1)}"

    changed = _NAME.sub(place, text)
    return Numbered(text=changed, names=tuple(places))


@cache
def inserted(name: str) -> tuple[str, tuple[str, ...]]:
    """The table that a named INSERT writes, and its columns in order."""
    found = _INSERT.search(statements("postgres")[name])
    if found is None:
        raise ValueError(f"{name}: is no INSERT")
    return found[1], tuple(one.strip() for one in found[2].split(","))


@cache
def statement(name: str) -> Numbered:
    """A named statement of queries.sql without words in braces."""
    return numbered(statements("postgres")[name])
