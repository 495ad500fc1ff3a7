"""A stored row that holds sealed fields, as it was read."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SealedRow:
    """One row of a table of rules/sealed_fields.py."""

    table: str
    key: tuple[Any, ...]  # site first
    row: Any  # the value; None when the row is damaged
    body: bytes  # as it is stored: a row that was changed meanwhile has another
