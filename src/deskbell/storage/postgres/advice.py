"""What a server is set to that costs durability, and how far its clock is from ours."""

import asyncpg

from deskbell.model.errors import StoreBroken
from deskbell.model.instant import Instant
from deskbell.ports import Clock
from deskbell.storage.postgres.connection import AWAY, CONNECT_S, hang_up
from deskbell.storage.postgres.numbered import statement
from deskbell.storage.postgres.wall import REMEDY

DRIFT_S_MAX = 2.0
_TICKS_PER_S = 10_000_000

_OFF = {
    "fsync": "A crash of the machine can destroy the whole database. Set fsync = on.",
    "full_page_writes": "A crash of the machine can destroy pages of the database. Set full_page_writes = on.",
    "synchronous_commit": "Deskbell turns it on for what it writes; set it on for this database, too.",
}


async def advice(url: str, clock: Clock) -> tuple[tuple[str, str], ...]:
    """What should be mended and how, as pairs of sentences; the server's own settings, not those of our connections."""
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_S)
    except (*AWAY, asyncpg.PostgresError) as error:
        raise StoreBroken(f"the database is out of reach: {error!r}") from None
    try:
        settings = dict(await connection.fetch(statement("server_settings").text))
        before = clock.now()
        now = Instant(await connection.fetchval(statement("server_clock").text))
        drift_s = (now - (before + clock.now()) // 2) / _TICKS_PER_S
        is_up = await connection.fetchval(statement("wall_is_up").text)
    finally:
        await hang_up(connection)
    found = [(f"PostgreSQL runs with {name} = off.", _OFF[name]) for name in _OFF if settings[name] == "off"]
    if abs(drift_s) > DRIFT_S_MAX:
        remedy = "Let both machines ask a time server: due times are compared with the database's clock."
        found.append((f"The database's clock is {drift_s:+.1f} s from ours.", remedy))
    if not is_up:
        found.append(("Sites are kept apart by one wall only: readers are not bound by row-level security.", REMEDY))
    return tuple(found)
