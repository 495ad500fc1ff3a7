"""The embedded store in SQLite, through apsw."""

from deskbell.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
