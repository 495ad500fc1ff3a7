"""Opening connections: one that writes, with every commit durable, and others that can only read."""

from contextlib import suppress
from typing import Any

import asyncpg

VERSION_MIN = 15
CONNECT_S = 10.0
CLOSE_S = 2.0
COMMAND_S = 60.0
"""A statement that is not answered for so long: the server is out of reach."""
LOCK_MS = 5_000
"""How long a statement waits for a lock that somebody else holds."""
IDLE_MS = 5_000
"""A process that stops in the middle of a transaction, by a signal or with its machine, holds the fences of its shards:
nobody may take them before the server has ended that transaction. As short as the shortest lease."""
READ_MS = 50_000
"""A read that takes longer is ended by the server."""

_ALWAYS = {
    "application_name": "deskbell",
    "timezone": "UTC",
    "jit": "off",  # costs more than it gains for short statements
    "idle_in_transaction_session_timeout": str(IDLE_MS),
}
_WRITER = {
    "synchronous_commit": "on",
    "lock_timeout": str(LOCK_MS),
    # Plans are made when the tables are small and live long: every row is to be found by an index from the start.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_READER = {
    "default_transaction_read_only": "on",
    "statement_timeout": str(READ_MS),
    # A plan that was made when the tables were small reads all of them when they are large: each question has its own.
    "plan_cache_mode": "force_custom_plan",
}

Connection = Any
"""An asyncpg connection; the driver has no types."""

REFUSED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
"""The server knows this user, password or database not: waiting will not help at the start."""

AWAY = (
    *REFUSED,
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server hung up while the driver was sending: it has lost its place
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,  # it has become a standby
    asyncpg.TargetServerAttributeNotMatched,
)
"""The database is away, restarts, or is not the primary: a new connection may find it again."""


async def open_writer(url: str) -> Connection:
    """A connection whose commits are durable when they are answered."""
    return await _open(url, {**_ALWAYS, **_WRITER}, target="read-write")


async def open_reader(url: str, role: str | None = None) -> Connection:
    """A connection that refuses to write; on the primary, so that it sees what was answered."""
    works_as = {} if role is None else {"role": role}
    return await _open(url, {**_ALWAYS, **_READER, **works_as}, target="primary")


async def open_plain(url: str) -> Connection:
    """A connection for the schema, for shards and for other rare writing."""
    return await _open(url, {**_ALWAYS, "synchronous_commit": "on", "lock_timeout": str(LOCK_MS)}, target="read-write")


async def hang_up(connection: Connection) -> None:
    """Close in order if the server still answers, else at once."""
    with suppress(*AWAY, asyncpg.PostgresError):
        await connection.close(timeout=CLOSE_S)
    if not connection.is_closed():
        connection.terminate()


async def _open(url: str, settings: dict[str, str], *, target: str) -> Connection:
    return await asyncpg.connect(
        url,
        timeout=CONNECT_S,
        command_timeout=COMMAND_S,
        server_settings=settings,
        target_session_attrs=target,
        statement_cache_size=512,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=65_536,
    )
