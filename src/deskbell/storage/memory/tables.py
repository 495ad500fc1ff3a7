"""Tables as dicts, with unique columns, and a log to undo what a refused unit did."""

from collections import defaultdict
from typing import Any

from deskbell.storage.nouns import NOUN_OF_TYPE, NOUNS, Noun

Key = tuple[Any, ...]
_NOUN_OF_TABLE = {noun.table: noun for noun in NOUNS}


class Tables:
    """All rows, by table and key; keys start with the site where the table has one."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Key, Any]] = defaultdict(dict)
        self.open: dict[tuple[str, str], set[str]] = defaultdict(set)  # (site, webhook): deliveries not ended
        self.fences: dict[int, int] = {}  # by shard
        self.order: dict[Key, int] = {}  # attempts in the order of their commits
        self._taken: dict[tuple[Any, ...], Key] = {}  # (table, column, site or None, value): key
        self._undo: list[tuple[str, Key, Any]] = []

    def begin(self) -> None:
        """From here on, `undo` comes back to this moment."""
        self._undo.clear()

    def undo(self) -> None:
        """Take back everything since `begin`."""
        log, self._undo = self._undo[::-1], []
        for table, key, old in log:
            if old is None:
                self._remove(table, key)
                self.order.pop(key, None)
            else:
                self._place(table, key, old)
        self._undo.clear()

    def get(self, table: str, key: Key) -> Any:
        """One row, or None."""
        return self.rows[table].get(key)

    def put(self, table: str, key: Key, row: Any) -> None:
        """Write a row over whatever was there."""
        self._undo.append((table, key, self.rows[table].get(key)))
        self._place(table, key, row)

    def drop(self, table: str, key: Key) -> bool:
        """Delete a row; False when there is none."""
        old = self.rows[table].get(key)
        if old is None:
            return False
        self._undo.append((table, key, old))
        self._remove(table, key)
        return True

    def taken(self, noun: Noun, row: Any) -> str | None:
        """The unique column, as `table.column`, whose value another row has."""
        key = noun.key_of(row)
        for column, mark in _marks(noun, row):
            if self._taken.get(mark, key) != key:
                return f"{noun.table}.{column}"
        return None

    def find(self, table: str, column: str, value: Any, site: str | None = None) -> Any:
        """The row with this value of a unique column, or None."""
        key = self._taken.get((table, column, site, value))
        return None if key is None else self.rows[table][key]

    def of_site(self, table: str, *key_start: Any) -> list[Any]:
        """Every row whose key starts so, in the order of keys."""
        size = len(key_start)
        found = [key for key in self.rows[table] if key[:size] == key_start]
        return [self.rows[table][key] for key in sorted(found)]

    def _place(self, table: str, key: Key, row: Any) -> None:
        self._remove(table, key)
        self.rows[table][key] = row
        noun = _NOUN_OF_TABLE.get(table)
        if noun is not None:
            self._taken.update((mark, key) for _, mark in _marks(noun, row))
        if table == "delivery" and row.state in {"waiting", "gathering"}:
            self.open[row.site, row.webhook_id].add(row.id)
        if table == "attempt":
            self.order.setdefault(key, next(reversed(self.order.values()), 0) + 1)

    def _remove(self, table: str, key: Key) -> None:
        row = self.rows[table].pop(key, None)
        noun = _NOUN_OF_TABLE.get(table)
        if row is None:
            return
        if noun is not None:
            for _, mark in _marks(noun, row):
                self._taken.pop(mark, None)
        if table == "delivery":
            self.open[row.site, row.webhook_id].discard(row.id)


def _marks(noun: Noun, row: Any) -> list[tuple[str, tuple[Any, ...]]]:
    """(column, key of `_taken`) of every unique column that has a value."""
    found = []
    for column in (*noun.unique, *noun.unique_everywhere):
        value = noun.columns[column](row)
        if value is not None:
            site = None if column in noun.unique_everywhere else row.site
            found.append((column, (noun.table, column, site, value)))
    return found


def noun_of(row: Any) -> Noun:
    """The noun of a row."""
    return NOUN_OF_TYPE[type(row)]
