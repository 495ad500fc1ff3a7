"""Connections to PostgreSQL break: what was answered is there, once; what is unknown is found out; reads go on."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from contract.made import OTHER, SITE, at, delivery, entry, event, inserts, settle, site
from deskbell.model.changes import Committed, Refused, Unit, Verdict
from deskbell.model.errors import StoreBroken
from deskbell.model.query import EventFilter
from deskbell.storage.postgres import PostgresStore, connection
from postgres_proxy import PostgresProxy
from postgres_server import PostgresServer, fresh_database

OK = Committed()


@pytest.fixture
async def proxy(postgres_server: PostgresServer) -> AsyncIterator[PostgresProxy]:
    """A proxy in a folder with a short name."""
    with tempfile.TemporaryDirectory(prefix="proxy-", dir="/tmp") as folder:
        async with PostgresProxy(Path(folder), postgres_server.folder) as opened:
            yield opened


@pytest.fixture
async def store(postgres_server: PostgresServer, proxy: PostgresProxy) -> AsyncIterator[PostgresStore]:
    """A store behind the proxy."""
    async with fresh_database(postgres_server) as url:
        opened = await PostgresStore.open(url.replace(str(postgres_server.folder), str(proxy.folder)), wait_s=5)
        yield opened
        await opened.close()


@pytest.mark.parametrize("loss", ["commit", "answer"])
async def test_a_commit_in_doubt_is_found_out(store: PostgresStore, proxy: PostgresProxy, loss: str) -> None:
    """Whether COMMIT or its answer is lost: the units are there once, and each caller is told so."""
    await store.commit(inserts(site()))
    one = delivery(2)
    proxy.at_commit = loss
    units = [inserts(event(1)), inserts(one, event(2), audit=entry()), Unit(changes=(settle(one, 3),))]
    verdicts = await asyncio.gather(*[store.commit(unit) for unit in units])
    assert proxy.lost == 1
    assert verdicts == [OK, OK, OK]
    assert await store.events.count(SITE, EventFilter()) == 2
    assert len(await store.audit.page(SITE, None, 9)) == 1
    assert len(await store.deliveries.attempts(SITE, one.id)) == 1
    assert await store.schema.check() == ()


async def test_a_refusal_in_doubt_stays_one(store: PostgresStore, proxy: PostgresProxy) -> None:
    """Of a transaction whose answer was lost, the refused unit is refused for its own reason."""
    await store.commit(inserts(old := event(1)))
    proxy.at_commit = "answer"
    verdicts = await asyncio.gather(*[store.commit(inserts(one)) for one in (event(2), old, event(3))])
    assert verdicts == [OK, Refused(reason="exists", what="event"), OK]


async def test_a_connection_lost_between_transactions_costs_nothing(store: PostgresStore, proxy: PostgresProxy) -> None:
    """The next unit and the next read use new connections."""
    await store.commit(inserts(event(1)))
    assert await store.events.count(SITE, EventFilter()) == 1
    proxy.cut()
    assert await store.commit(inserts(event(2))) == OK
    assert await store.events.count(SITE, EventFilter()) == 2


async def test_a_swallowed_connection_does_not_hold_its_locks(
    store: PostgresStore, proxy: PostgresProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network swallows everything in the middle of a transaction: its server process is ended, and it is redone."""
    monkeypatch.setattr("deskbell.storage.postgres.connection.COMMAND_S", 0.3)
    await store.commit(inserts(site()))
    session = await store._sessions.present()
    await session.connection.execute("BEGIN")
    await session.connection.execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
    proxy.frozen = True
    waiting = asyncio.create_task(store.commit(inserts(event(1))))
    await until_lost(store)
    proxy.frozen = False
    assert await waiting == OK
    assert await store.events.count(SITE, EventFilter()) == 1


async def until_lost(store: PostgresStore) -> None:
    """Until the store has given up its session."""
    async with asyncio.timeout(10):
        while store._sessions._present is not None:  # noqa: ASYNC110 - a condition without an event
            await asyncio.sleep(0.01)


async def test_a_database_that_stays_away_is_busy(store: PostgresStore, proxy: PostgresProxy) -> None:
    """After the wait commits are refused as busy, reads fail with a sentence; when it is back both go on."""
    store._writer._patience._wait_s = store._readers._wait_s = 0.2
    await store.commit(inserts(event(1)))
    proxy.refusing = True
    proxy.cut()
    assert await store.commit(inserts(event(2))) == Refused(reason="busy")
    assert await store.commit(inserts(event(3))) == Refused(reason="busy")
    with pytest.raises(StoreBroken, match="out of reach"):
        await store.events.count(SITE, EventFilter())
    with pytest.raises(StoreBroken, match="out of reach"):
        await store.shards.beat("a", 5, delivers=True)
    proxy.refusing = False
    assert await store.commit(inserts(event(4))) == OK
    assert await store.events.count(SITE, EventFilter()) == 2
    assert (await store.shards.beat("a", 5, delivers=True)).nodes == ("a",)


async def test_the_server_is_restarted_under_load(postgres_server: PostgresServer) -> None:
    """An immediate stop in the middle of everything: each answered unit is there, none twice, none is broken."""
    async with fresh_database(postgres_server) as url:
        store = await PostgresStore.open(url, wait_s=30)
        verdicts: dict[str, Verdict] = {}
        stop = asyncio.Event()

        async def load(lane: int) -> None:
            number = 0
            while not stop.is_set():
                number += 1
                row = event(number, external_id=f"{lane}-{number}")
                verdicts[row.id] = await store.commit(inserts(row, delivery(number, event_ids=(row.id,))))

        lanes = [asyncio.create_task(load(lane)) for lane in range(8)]
        for _ in range(3):
            seen = len(verdicts)
            async with asyncio.timeout(20):
                while len(verdicts) < seen + 200:  # noqa: ASYNC110 - a condition without an event
                    await asyncio.sleep(0.005)
            await asyncio.to_thread(postgres_server.stop)
            await asyncio.to_thread(postgres_server.start)
            assert await store.sites.all() == ()
        stop.set()
        await asyncio.gather(*lanes)
        assert set(verdicts.values()) == {OK}
        assert await store.events.count(SITE, EventFilter()) == len(verdicts)
        assert await store.schema.check() == ()
        await store.close()


async def test_stores_in_one_anothers_way_both_go_on(postgres_server: PostgresServer) -> None:
    """Two processes take the same locks in opposite order: the server ends one transaction, and it is done again."""
    async with fresh_database(postgres_server) as url:
        one, two = await PostgresStore.open(url), await PostgresStore.open(url)
        rows = [site(), site(OTHER)]
        await one.commit(inserts(*rows))

        def units(order: list[Any]) -> list[Unit]:
            return [inserts(event(n), audit=entry(site=row.site)) for n, row in enumerate(order * 20)]

        found = await asyncio.gather(
            *[one.commit(unit) for unit in units(rows)], *[two.commit(unit) for unit in units(rows[::-1])]
        )
        assert found == [OK] * 80
        for row in rows:
            assert [entry.seq for entry in await one.audit.range(row.site, 0, 99)] == list(range(1, 41))
        await one.close()
        await two.close()


async def test_a_server_that_ends_the_session_again_and_again_costs_nothing(database: str) -> None:
    """At any moment, also while a statement is being sent: the units are there once, and the store is not broken."""
    store = await PostgresStore.open(database, wait_s=10)
    broken: list[bool] = []
    store.on_broken = lambda: broken.append(True)
    await store.commit(inserts(site()))
    killer = await asyncpg.connect(database)
    verdicts: list[Verdict] = []
    for number in range(40):
        writing = asyncio.gather(*[store.commit(inserts(event(number * 10 + n))) for n in range(10)])
        await asyncio.sleep(number % 8 / 4_000)
        await killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        verdicts += await writing
    assert set(verdicts) == {OK}
    assert not broken
    assert await store.events.count(SITE, EventFilter()) == 400
    await killer.close()
    await store.close()


async def test_who_stops_in_the_middle_of_a_transaction_holds_its_shards_only_for_a_while(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that sleeps answers nobody: the server ends its transaction, and its shards can be taken."""
    monkeypatch.setitem(connection._ALWAYS, "idle_in_transaction_session_timeout", "100")
    sleeper, other = await PostgresStore.open(database), await PostgresStore.open(database)
    await sleeper.shards.take("sleeper", (7,), 0.0)
    session = await sleeper._sessions.present()
    await session.connection.execute("BEGIN")
    await session.row("transaction_start", {"writer": session.writer, "shards": [7]})
    async with asyncio.timeout(10):
        while not await other.shards.take("other", (7,), 60):  # noqa: ASYNC110 - the clock is the server's
            await asyncio.sleep(0.02)
    await other.close()
    await sleeper.close()


async def test_a_shard_is_not_taken_while_its_settle_is_committed(database: str) -> None:
    """It is passed over, and no other shard waits for it; the settle is in, and with the former fence none after it."""
    one, two = await PostgresStore.open(database), await PostgresStore.open(database)
    rows = [delivery(ms) for ms in range(2)]
    await one.commit(inserts(*rows))
    await one.shards.take("one", (7,), 0.0)  # it has ended already
    session = await one._sessions.present()
    await session.connection.execute("BEGIN")
    await session.row("transaction_start", {"writer": session.writer, "shards": [7]})
    assert await two.shards.take("two", (7, 8), 60) == {8: 1}
    await session.connection.execute("COMMIT")
    assert await two.shards.take("two", (7, 8), 60) == {7: 2}
    late = Unit(changes=(replace(settle(rows[0], 5), fence=1),))
    assert await one.commit(late) == Refused(reason="fence", what="shard")
    assert (await one.deliveries.get(SITE, rows[0].id)).due_at == at(0)  # type: ignore[union-attr]
    await one.close()
    await two.close()


async def test_a_lock_that_is_held_is_waited_for_once(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the units are refused as busy, and not tried again and again while publishers wait for their answer."""
    monkeypatch.setitem(connection._WRITER, "lock_timeout", "200")
    store = await PostgresStore.open(database)
    other = await asyncpg.connect(database)
    async with other.transaction():
        await other.execute("LOCK TABLE event IN SHARE ROW EXCLUSIVE MODE")
        with capture_logs() as logs:
            assert await store.commit(inserts(event(1))) == Refused(reason="busy")
        assert [one["event"] for one in logs] == ["commit.busy"]
    assert await store.commit(inserts(event(2))) == OK
    await other.close()
    await store.close()
