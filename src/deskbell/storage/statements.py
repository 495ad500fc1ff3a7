"""The named statements of a store's queries.sql: a name line, one line of intent, the statement."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_NAME = "-- name: "


@cache
def statements(store: str) -> Mapping[str, str]:
    """Every statement of a store (`sqlite`, `postgres`) by its name, read once."""
    return parse_statements((files(f"deskbell.storage.{store}") / "queries.sql").read_text("utf-8"))


def parse_statements(text: str) -> dict[str, str]:
    """Split a statement file. Raises ValueError for a name that occurs twice or has no line of intent."""
    found: dict[str, str] = {}
    for part in text.split("\n" + _NAME)[1:]:
        name, _, rest = part.partition("\n")
        intent, _, statement = rest.partition("\n")
        if name in found or not intent.startswith("-- ") or not statement.strip():
            raise ValueError(f"{name}: needs a name of its own, one line of intent, and a statement")
        found[name] = statement.strip().removesuffix(";")
    return found
