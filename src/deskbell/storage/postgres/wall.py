"""The second wall between sites: the server itself shows a reader the rows of one site only.

Readers work as a role of their own that owns nothing, and row-level security binds it to the site that the connection
names. A statement that forgot the site finds nothing of another one. The writer owns the tables and is not bound: its
transactions hold the units of many sites, so a question of security for each of its rows would slow down every event.
"""

import asyncpg
import structlog

from deskbell.storage.postgres.connection import Connection
from deskbell.storage.postgres.numbered import statement
from deskbell.storage.reading import filled
from deskbell.storage.statements import statements

ROLE = "deskbell_bound"
EVERY_SITE = "*"
"""What a connection names for the few statements that serve all sites; no site has this name."""
_LOCK = 0x6465_736B_7761_6C6C  # "deskwall": one process at a time
_log = structlog.get_logger()


async def raise_wall(connection: Connection) -> bool:
    """Bind every table that has a site; whether readers can work as the bound role."""
    try:
        await _make_role(connection)
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            for (name,) in await connection.fetch(statement("wall_open_tables").text):
                await connection.execute(filled(statements("postgres")["wall_close_table"], {"name": name}))
            await connection.execute(statements("postgres")["wall_grants"])
            await connection.execute("SET LOCAL ROLE deskbell_bound")
    except asyncpg.InsufficientPrivilegeError as error:
        _log.warning("database.one_wall", error=str(error), remedy=REMEDY)
        return False
    return True


REMEDY = (
    "Row-level security needs a role: as a superuser run CREATE ROLE deskbell_bound NOLOGIN; GRANT deskbell_bound TO "
    "the user of DESKBELL_DATABASE_URL; then restart. Until then sites are kept apart by the statements alone."
)


async def _make_role(connection: Connection) -> None:
    if await connection.fetchval(statement("wall_is_up").text):
        return
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", ROLE):
            await connection.execute("CREATE ROLE deskbell_bound NOLOGIN")
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        pass  # another process made it at this moment
    if not await connection.fetchval(statement("wall_is_up").text):
        await connection.execute("GRANT deskbell_bound TO CURRENT_USER")
