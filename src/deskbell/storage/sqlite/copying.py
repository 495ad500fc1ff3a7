"""Copying a database that is in use: one moment of it, whatever is written meanwhile."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import apsw

from deskbell.model.errors import StoreBroken
from deskbell.storage.sqlite.connection import open_reader
from deskbell.storage.sqlite.migrate import migrations, schema_version

PAGES_AT_ONCE = 2_000
Progress = Callable[[int, int], None]
"""Pages done, pages in all."""


def copy_database(source: Path, target: Path, progress: Progress = lambda done, total: None) -> None:
    """Copy the database file by file of pages into `target`, which must be new, and check the copy.

    The reading connection holds its snapshot from the first page to the last: a writer beside it neither waits nor
    makes the copy begin anew. Raises StoreBroken when the source cannot be read or the copy has faults.
    """
    try:
        reader = open_reader(source)
        copy = apsw.Connection(str(target))
    except apsw.Error as error:
        raise StoreBroken(f"{source.name} cannot be copied to {target}: {error}") from error
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_schema").get  # noqa: B018 - this takes the snapshot
        with copy.backup("main", reader, "main") as work:
            while not work.done:
                work.step(PAGES_AT_ONCE)
                progress(work.page_count - work.remaining, work.page_count)
        reader.execute("ROLLBACK")
        faults = faults_of(copy)
    except apsw.Error as error:
        raise StoreBroken(f"{source.name} cannot be copied to {target}: {error}") from error
    finally:
        copy.close()
        reader.close()
    if faults:
        raise StoreBroken(f"the copy at {target} has faults: {faults[0]}")


def check_copy(path: Path) -> int:
    """The schema version of a copy. Raises StoreBroken: not a database of Deskbell, damaged, or of a newer program."""
    newest = migrations()[-1][0]
    try:
        copy = apsw.Connection(
            f"file:{path}?mode=ro&immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        )
        try:
            version, faults = schema_version(copy), faults_of(copy)
        finally:
            copy.close()
    except apsw.Error as error:
        raise StoreBroken(f"{path.name} is no database of Deskbell: {error}") from error
    if not version:
        raise StoreBroken(f"{path.name} is no database of Deskbell")
    if version > newest:
        raise StoreBroken(
            f"{path.name} has schema version {version}, this program knows version {newest}: use the newer Deskbell"
        )
    if faults:
        raise StoreBroken(f"{path.name} is damaged: {faults[0]}")
    return version


def read_note(path: Path, key: str) -> str | None:
    """A value of the installation, read from a copy."""
    copy = apsw.Connection(f"file:{path}?mode=ro&immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        found = copy.execute("SELECT value FROM meta WHERE key = ?", (key,)).get
    finally:
        copy.close()
    return None if found is None else str(found)


def finish_copy(path: Path, notes: Mapping[str, str]) -> None:
    """Note values in a copy, make it one file without a log beside it, and see it on the disk."""
    copy = apsw.Connection(str(path))
    try:
        copy.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", list(notes.items()))
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()
    with path.open("rb") as written:
        os.fsync(written.fileno())


def faults_of(connection: apsw.Connection) -> tuple[str, ...]:
    """Integrity faults as SQLite words them, empty when sound."""
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    found += [
        f"{row[0]} {row[1]} refers to a missing {row[2]}" for row in connection.execute("PRAGMA foreign_key_check")
    ]
    return tuple(found)
