"""Migrations: forward only, each in one transaction with the new version in `meta`; a newer database is refused."""

from importlib.resources import files
from importlib.resources.abc import Traversable

import apsw

from deskbell.model.errors import StoreBroken

_KEY = "schema_version"


def migrations() -> tuple[tuple[int, str], ...]:
    """Every migration as (version, text), in order; files are named `0001_words.sql`."""
    folder: Traversable = files("deskbell.storage.sqlite") / "migrations"
    found = [(int(one.name[:4]), one) for one in folder.iterdir() if one.name.endswith(".sql")]
    return tuple((version, one.read_text("utf-8")) for version, one in sorted(found, key=lambda pair: pair[0]))


def schema_version(connection: apsw.Connection) -> int:
    """The version of this database, 0 when it is empty."""
    has_meta = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").get
    if not has_meta:
        return 0
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).get
    return int(found or 0)


def migrate(connection: apsw.Connection, steps: tuple[tuple[int, str], ...] | None = None) -> int:
    """Bring the database to this program's version. Raises StoreBroken for a database of a newer program."""
    known = migrations() if steps is None else steps
    newest = known[-1][0]
    connection.execute("BEGIN IMMEDIATE")  # also waits for another process that migrates
    try:
        present = schema_version(connection)
        if present > newest:
            raise StoreBroken(
                f"the database has schema version {present}, this program knows version {newest}: "
                "start the newer Deskbell, or restore a backup made by this one"
            )
    finally:
        connection.execute("ROLLBACK")
    for version, text in known:
        if version > present:
            _apply(connection, version, text)
    return newest


def _apply(connection: apsw.Connection, version: int, text: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if schema_version(connection) < version:
            connection.execute(text)
            connection.execute(
                "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                (_KEY, str(version)),
            )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
