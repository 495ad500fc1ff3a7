"""What the database's own refusals mean: constraint errors to `Refused`."""

import apsw

from deskbell.model.changes import Refused
from deskbell.storage.nouns import NOUNS

_EXISTS = frozenset(
    {
        apsw.SQLITE_CONSTRAINT_UNIQUE,
        apsw.SQLITE_CONSTRAINT_PRIMARYKEY,
        apsw.SQLITE_CONSTRAINT_ROWID,
    }
)
FATAL = (
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.NoMemError,
)
"""Errors that end the whole transaction, whichever unit met them."""


def refused_by(error: apsw.ConstraintError, parent: str = "") -> Refused:
    """`exists` for a key that is taken, `missing` for a parent that is not there, `state` for an illegal value."""
    code = getattr(error, "extendedresult", 0)  # not in the stubs
    if code in _EXISTS:
        return Refused(reason="exists", what=_what(str(error)))
    if code == apsw.SQLITE_CONSTRAINT_FOREIGNKEY:
        return Refused(reason="missing", what=parent)
    return Refused(reason="state", what=str(error).rpartition(": ")[2])


def _what(message: str) -> str:
    """`UNIQUE constraint failed: event.site, event.external_id` → `event.external_id`; a row's key → its table."""
    columns = message.rpartition(": ")[2].split(", ")
    table = columns[0].partition(".")[0]
    names = tuple(one.partition(".")[2] for one in columns if not one.endswith(".site"))
    is_key = any(noun.table == table and noun.key == names for noun in NOUNS) or table == "webhook_version"
    return table if is_key else f"{table}.{names[-1] if names else 'site'}"
