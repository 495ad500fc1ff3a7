"""What the database's own refusals mean: constraint errors to `Refused`."""

from typing import Any

import asyncpg

from deskbell.model.changes import Refused
from deskbell.storage.postgres.connection import AWAY

CLASH = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
"""Another transaction was in the way: the same units may go through in the next one."""

FULL = asyncpg.DiskFullError

FATAL = (
    *AWAY,
    *CLASH,
    asyncpg.LockNotAvailableError,  # it was waited for long enough: who publishes is told to come back
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.InternalServerError,
    asyncpg.InFailedSQLTransactionError,
)
"""Errors that end the whole transaction, whichever unit met them."""

_TABLES = {"queue": "delivery", "delivery_event": "delivery"}


def refused_by(error: asyncpg.IntegrityConstraintViolationError, parent: str = "") -> Refused:
    """`exists` for a key that is taken, `missing` for a parent that is not there, `state` for an illegal value."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return Refused(reason="exists", what=_what(error))
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        return Refused(reason="missing", what=parent)
    return Refused(reason="state", what=error.constraint_name or error.column_name or "")


def _what(error: Any) -> str:
    """`event_external_id` → `event.external_id`; a row's key → its table."""
    table = "attempt" if error.table_name.startswith("attempt_") else error.table_name
    name = error.constraint_name
    if name.endswith("_pkey") or table in _TABLES:
        return _TABLES.get(table, table)
    return f"{table}.{name.removeprefix(table + '_')}"
