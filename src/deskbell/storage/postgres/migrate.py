"""Migrations: forward only, each in one transaction with the new version in `meta`; a newer database is refused."""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from deskbell.model.errors import StoreBroken
from deskbell.storage.postgres.connection import VERSION_MIN, Connection

_KEY = "schema_version"
_LOCK = 0x6465_736B_6265_6C6C  # "deskbell": one migrator at a time

Steps = tuple[tuple[int, str], ...]


@cache
def migrations() -> Steps:
    """Every migration as (version, text), in order; files are named `0001_words.sql`."""
    folder: Traversable = files("deskbell.storage.postgres") / "migrations"
    found = [(int(one.name[:4]), one) for one in folder.iterdir() if one.name.endswith(".sql")]
    return tuple((version, one.read_text("utf-8")) for version, one in sorted(found, key=lambda pair: pair[0]))


def newest_version() -> int:
    """The schema version that this program knows."""
    return migrations()[-1][0]


async def schema_version(connection: Connection) -> int:
    """The version of this database, 0 when it is empty."""
    if await connection.fetchval("SELECT to_regclass('meta')") is None:
        return 0
    return int(await connection.fetchval("SELECT value FROM meta WHERE key = $1", _KEY) or 0)


async def migrate(connection: Connection, steps: Steps | None = None) -> int:
    """Bring the database to this program's version. Raises StoreBroken for one of a newer program, or an old server."""
    await _check_server(connection)
    known = migrations() if steps is None else steps
    newest = known[-1][0]
    check_version(await schema_version(connection), newest)
    for version, text in known:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            present = await schema_version(connection)
            check_version(present, newest)
            if present < version:
                await connection.execute(text)
                await connection.execute(
                    "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2",
                    _KEY,
                    str(version),
                )
    return newest


def check_version(present: int, newest: int) -> None:
    """Raises StoreBroken for a database of a newer program."""
    if present > newest:
        raise StoreBroken(
            f"the database has schema version {present}, this program knows version {newest}: "
            "start the newer Deskbell, or restore a backup made by this one"
        )


async def _check_server(connection: Connection) -> None:
    major = connection.get_server_version().major
    if major < VERSION_MIN:
        raise StoreBroken(f"the database runs PostgreSQL {major}: Deskbell needs {VERSION_MIN} or newer, upgrade it")
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise StoreBroken(f"the database's encoding is {encoding}: create it with ENCODING 'UTF8'")
