"""The doorbell across processes, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from deskbell.doorbell.postgres import CHANNEL, PostgresDoorbell

BELLS = ("due", "changed", "shares", "look", "delivery", "desk", "stopping")


@dataclass(frozen=True)
class Row:
    """A delivery, as far as a ring goes."""

    site: str
    id: str


class Listening:
    """A doorbell with a record of all that it heard."""

    def __init__(self, url: str, node: str, rows: dict[str, Row], bells: tuple[str, ...] = BELLS) -> None:
        self.read: list[str] = []

        async def read(site: str, row_id: str) -> Row | None:
            self.read.append(row_id)
            return rows.get(row_id)

        self.bell = PostgresDoorbell(url, node=node, read={"delivery": read})
        self.heard: list[tuple[str, Any]] = []
        for name in bells:
            self.bell.listen(name, self._hear(name))

    def _hear(self, name: str) -> Callable[[Any], None]:
        return lambda detail: self.heard.append((name, detail))

    async def until(self, *wanted: tuple[str, Any]) -> None:
        """Until it has heard all of these."""
        async with asyncio.timeout(10):
            while not all(one in self.heard for one in wanted):  # noqa: ASYNC110  no event tells it
                await asyncio.sleep(0.005)


@asynccontextmanager
async def listening(url: str, *nodes: str, **more: Any) -> AsyncIterator[list[Listening]]:
    """Doorbells that are connected."""
    made = [Listening(url, node, more.get("rows", {}), more.get("bells", BELLS)) for node in nodes]
    for one in made:
        one.bell.open()
        if "look" in more.get("bells", BELLS):
            await one.until(("look", None))
            one.heard.clear()
    try:
        yield made
    finally:
        for one in made:
            await one.bell.close()


async def test_work_is_heard_here_at_once_and_elsewhere_soon(empty_database: str) -> None:
    """Each ring arrives once at every other node, in order, and not a second time at its own."""
    async with listening(empty_database, "a", "b", "c") as (a, b, c):
        a.bell.ring("due", ("dd", "whk_1", 17))
        a.bell.ring("changed", ("dd", None))
        a.bell.ring("shares", "a")
        expected = [("due", ("dd", "whk_1", 17)), ("changed", ("dd", None)), ("shares", "a")]
        assert a.heard == expected
        await b.until(*expected)
        await c.until(*expected)
        assert b.heard == c.heard == a.heard == expected


async def test_of_rows_the_ids_travel_and_who_listens_reads_them(empty_database: str) -> None:
    """A row that is gone meanwhile rings nowhere."""
    rows = {"dlv_1": Row("dd", "dlv_1")}
    async with listening(empty_database, "a", "b", rows=rows) as (a, b):
        a.bell.ring("delivery", Row("dd", "dlv_gone"))
        a.bell.ring("delivery", rows["dlv_1"])
        a.bell.ring("desk", ("dd", "chat", "c1"))
        await b.until(("delivery", rows["dlv_1"]), ("desk", ("dd", "chat", "c1")))
        assert b.read == ["dlv_gone", "dlv_1"]
        assert ("delivery", None) not in b.heard


async def test_nothing_is_read_where_nobody_listens(empty_database: str) -> None:
    """News cost a node without open pages nothing."""
    async with listening(empty_database, "a", "b", bells=("look", "shares")) as (a, b):
        a.bell.ring("delivery", Row("dd", "dlv_1"))
        await asyncio.sleep(0)
        a.bell.ring("shares", "a")
        await b.until(("shares", "a"))
        assert b.read == []


async def test_what_concerns_one_process_stays_in_it(empty_database: str) -> None:
    """The others do not stop when one does."""
    async with listening(empty_database, "a", "b") as (a, b):
        a.bell.ring("stopping")
        a.bell.ring("shares", "a")
        await b.until(("shares", "a"))
        assert ("stopping", None) in a.heard
        assert b.heard == [("shares", "a")]


async def test_after_a_broken_connection_both_ends_look_everywhere(empty_database: str) -> None:
    """What was rung meanwhile may be lost; what is rung then arrives."""
    async with listening(empty_database, "a", "b") as (a, b):
        await cut_connections(empty_database)
        await a.until(("look", None))
        await b.until(("look", None))
        a.bell.ring("shares", "a")
        await b.until(("shares", "a"))


async def test_what_is_rung_while_the_own_connection_is_broken_is_sent_later(empty_database: str) -> None:
    """However many rings there are: they are packed into payloads of bounded size."""
    async with listening(empty_database, "a", "b") as (a, b):
        await cut_connections(empty_database, "deskbell doorbell a")
        rings = [("due", ("dd", f"whk_{number:026}", number % 256)) for number in range(600)]
        for bell, detail in rings:
            a.bell.ring(bell, detail)
        await b.until(*rings)
        assert b.heard == rings


async def test_too_many_rings_become_one_that_says_look_everywhere(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for a connection has a bound."""
    monkeypatch.setattr("deskbell.doorbell.postgres.WORK_MAX", 50)
    async with listening(empty_database, "a", "b") as (a, b):
        for number in range(200):
            a.bell.ring("due", ("dd", f"whk_{number}", 1))
        await b.until(("look", None))
        assert len(b.heard) < 100


async def test_closing_sends_what_was_rung_last(empty_database: str) -> None:
    """A node that leaves tells the others so."""
    async with listening(empty_database, "b") as (b,):
        a = Listening(empty_database, "a", {})
        a.bell.open()
        await a.until(("look", None))
        a.bell.ring("shares", "a")
        await a.bell.close()
        await b.until(("shares", "a"))


async def test_somebody_elses_use_of_the_channel_harms_nothing(empty_database: str) -> None:
    """Unreadable payloads and unknown bells are passed over."""
    async with listening(empty_database, "a", "b") as (a, b):
        connection = await asyncpg.connect(empty_database)
        for payload in ("hello", "[]", '["x",["no such bell",1]]', '["x",["stopping",null]]'):
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)
        await connection.close()
        a.bell.ring("shares", "a")
        await b.until(("shares", "a"))
        assert b.heard == [("shares", "a")]


async def test_without_a_database_ringing_still_works_here(empty_database: str) -> None:
    """The doorbell waits for the database; nobody waits for the doorbell."""
    alone = Listening("postgresql://nobody@127.0.0.1:1/none", "a", {})
    alone.bell.open()
    alone.bell.ring("due", ("dd", "whk_1", 1))
    assert alone.heard == [("due", ("dd", "whk_1", 1))]
    await alone.bell.close()


async def cut_connections(url: str, application: str = "deskbell%") -> None:
    """End connections to this database, as a restart of the server does."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE $1",
        application,
    )
    await connection.close()
