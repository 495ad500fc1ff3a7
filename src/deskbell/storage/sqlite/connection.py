"""Opening connections: one that writes, with every commit durable, and others that can only read."""

from pathlib import Path
from typing import Any

import apsw

from deskbell.storage.words import holds_word

BUSY_MS = 5_000
"""How long a statement waits for another process's write, milliseconds."""


def open_writer(path: Path) -> apsw.Connection:
    """The one writing connection."""
    connection = apsw.Connection(str(path), statementcachesize=256)
    prepare_writer(connection)
    return connection


def prepare_writer(connection: apsw.Connection) -> None:
    """The settings of a connection that writes."""
    connection.set_busy_timeout(BUSY_MS)
    connection.execute("PRAGMA page_size = 4096")  # small: a commit writes whole pages, mostly of indexes
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # the writer syncs the log itself: syncing.py
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")  # a savepoint must not need a file when none can be opened
    connection.execute("PRAGMA secure_delete = ON")  # what is purged or erased is gone from the file, too
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute("PRAGMA wal_autocheckpoint = 2000")
    connection.execute("PRAGMA cache_size = -32768")


def open_reader(path: Path) -> apsw.Connection:
    """A connection that refuses to write."""
    connection = apsw.Connection(str(path), statementcachesize=128)
    connection.set_busy_timeout(BUSY_MS)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -8192")
    connection.create_scalar_function("holds_word", _holds, deterministic=True)
    return connection


def _holds(*values: Any) -> int:
    word, *texts = values
    return int(holds_word([one if isinstance(one, str) else None for one in texts], str(word)))
