"""The PostgreSQL database as a whole: made once, refused when newer, its audit unalterable, its days dropped whole."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from contract.made import OTHER, SITE, at, attempt, delivery, ended, entry, event, ident, inserts, settle, site
from deskbell.clock import SystemClock
from deskbell.model.changes import AddStats, Committed, Purge, Refused, Unit
from deskbell.model.errors import StoreBroken
from deskbell.model.ids import AttemptId, SiteId, make_id
from deskbell.model.instant import Instant, from_seconds, plus, unix_ms, unix_seconds
from deskbell.storage.postgres import PostgresStore
from deskbell.storage.postgres.advice import advice
from deskbell.storage.postgres.migrate import migrate, newest_version
from postgres_server import PostgresServer

OK = Committed()
DAY_S = 86_400


async def test_two_processes_make_one_database(empty_database: str) -> None:
    """Both open an empty database at once; the tables are made once."""
    stores = await asyncio.gather(*[PostgresStore.open(empty_database) for _ in range(3)])
    assert [await store.schema.version() for store in stores] == [newest_version()] * 3
    assert await stores[0].commit(inserts(site())) == OK
    assert await stores[1].sites.all() == (site(),)
    for store in stores:
        await store.close()


async def test_newer_database_is_refused(database: str) -> None:
    """With both versions named; a process that runs stops writing and says so once."""
    calls: list[str] = []
    store = await PostgresStore.open(database, on_broken=lambda: calls.append("broken"))
    assert await store.commit(inserts(site())) == OK
    connection = await asyncpg.connect(database)
    await connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(StoreBroken, match=rf"version 99, this program knows version {newest_version()}"):
        await PostgresStore.open(database)
    assert await store.commit(inserts(event(1))) == Refused(reason="broken")
    assert await store.commit(inserts(event(2))) == Refused(reason="broken")
    assert calls == ["broken"]
    assert await connection.fetchval("SELECT count(*) FROM event") == 0
    await connection.close()
    await store.close()


async def test_migration_that_fails_leaves_the_version_before(database: str) -> None:
    """A step is all or nothing."""
    connection = await asyncpg.connect(database)
    version = newest_version()
    steps = ((version, "SELECT 1"), (version + 1, "CREATE TABLE extra (a integer); SELECT nonsense;"))
    with pytest.raises(asyncpg.UndefinedColumnError):
        await migrate(connection, steps)
    assert await connection.fetchval("SELECT value FROM meta WHERE key = 'schema_version'") == str(version)
    assert await connection.fetchval("SELECT to_regclass('extra')") is None
    await connection.close()


@pytest.mark.parametrize("password", ["", ":geheim"])
async def test_what_cannot_be_opened_is_told_without_the_password(database: str, password: str) -> None:
    """No server, no such database: a sentence that names the setting."""
    nowhere = database.replace("postgres@/", f"postgres{password}@/").partition("?")[0] + "?host=/tmp/nowhere-at-all"
    for url in (nowhere, database.replace("test_", "missing_").replace("postgres@", f"postgres{password}@")):
        with pytest.raises(StoreBroken, match="DESKBELL_DATABASE_URL") as told:
            await PostgresStore.open(url, wait_s=0.1)
        assert "geheim" not in str(told.value)
        assert told.value.__cause__ is None


CUT = "WITH cut AS (INSERT INTO audit_checkpoint VALUES ('dd', 1, 'false') RETURNING seq) DELETE FROM audit"
CUT_FURTHER = "INSERT INTO audit_checkpoint SELECT site, seq + 1, hash FROM audit"


async def test_audit_cannot_be_altered(database: str) -> None:
    """The database itself refuses to change, delete or empty it."""
    store = await PostgresStore.open(database)
    await store.commit(inserts(event(1), audit=entry()))
    connection = await asyncpg.connect(database)
    for statement in ("UPDATE audit SET hash = ''", "DELETE FROM audit", "TRUNCATE audit", CUT, CUT_FURTHER):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await connection.execute(statement)
    await connection.close()
    await store.close()


async def test_check_finds_what_does_not_agree(database: str) -> None:
    """A delivery that waits and is not in the queue, a place in the queue of nothing, a gap in the audit."""
    store = await PostgresStore.open(database)
    lost, kept = delivery(1), delivery(2)
    await store.commit(inserts(lost, kept, audit=entry()))
    assert await store.schema.check() == ()
    connection = await asyncpg.connect(database)
    await connection.execute("DELETE FROM queue WHERE delivery_id = $1", lost.id)
    await connection.execute("UPDATE delivery SET state = 'cancelled' WHERE id = $1", kept.id)
    await connection.execute("INSERT INTO audit VALUES ('dd', 7, '', '', '{}')")
    assert await store.schema.check() == (
        f"delivery {lost.id} of dd waits, but is not in the queue",
        f"the queue holds {kept.id} of dd, which does not wait",
        "the audit of dd has gaps",
    )
    await connection.close()
    await store.close()


async def test_a_server_without_durability_is_named(database: str) -> None:
    """The tests' own server is fast and forgetful, and its clock is ours; another clock is not."""
    told = [what for what, _ in await advice(database, SystemClock())]
    assert told == ["PostgreSQL runs with fsync = off.", "PostgreSQL runs with full_page_writes = off."]

    class Late(SystemClock):
        def now(self) -> Instant:
            return plus(super().now(), -60)

    *_, (what, _) = await advice(database, Late())
    assert what.startswith("The database's clock is +60.")


def of_today(hours: float) -> Instant:
    """So many hours after today's midnight, UTC."""
    return plus(from_seconds(unix_seconds(SystemClock().now()) // DAY_S * DAY_S), hours * 3_600)


def attempt_id(when: Instant, number: int) -> AttemptId:
    """The id of an attempt of that time."""
    return AttemptId(make_id("att", unix_ms=unix_ms(when), chance=number))


async def partitions(url: str) -> dict[str, int]:
    """How many attempts each part holds."""
    connection = await asyncpg.connect(url)
    found = await connection.fetch("SELECT tableoid::regclass::text, count(*) FROM attempt GROUP BY 1 ORDER BY 1")
    await connection.close()
    return dict(found)


async def test_attempts_lie_in_their_days(database: str) -> None:
    """Today's and tomorrow's in their own parts; what has none lies in the other one, and moves when it is made."""
    store = await PostgresStore.open(database)
    one = delivery()
    rows = [attempt(one, number=n, id=attempt_id(of_today(1 + 24 * day), n)) for n, day in enumerate((0, 1, -40, 9))]
    assert await store.commit(inserts(one, *rows)) == OK
    assert sorted((await partitions(database)).values()) == [1, 1, 2]
    assert await store.deliveries.attempts(SITE, one.id) == tuple(rows)
    for row in rows:
        assert await store.deliveries.attempt(SITE, row.id) == row
        assert await store.commit(inserts(row)) == Refused(reason="exists", what="attempt")
    connection = await asyncpg.connect(database)
    today = min(name for name in await partitions(database) if name != "attempt_other")
    await connection.execute(f"ALTER TABLE attempt DETACH PARTITION {today}")
    await connection.execute(f"INSERT INTO attempt_other SELECT * FROM {today}; DROP TABLE {today}")
    await store.partitions.make_ahead()
    assert (await partitions(database))[today] == 1
    assert await store.deliveries.attempts(SITE, one.id) == tuple(rows)
    await connection.close()
    await store.close()


async def test_days_past_every_retention_are_dropped(database: str) -> None:
    """Whole days of the site that keeps longest; another site's attempts go row by row before."""
    store = await PostgresStore.open(database)
    short, long = site(), site(OTHER)
    one, two = delivery(), delivery(site=OTHER)
    await store.commit(inserts(short, long, one, two))
    for number, owner in enumerate((one, two)):
        early = of_today(1)
        await store.commit(inserts(replace(attempt(owner), id=attempt_id(early, number), started_at=early)))
    newest = of_today(25)
    await store.commit(inserts(replace(attempt(one, number=9), id=attempt_id(newest, 9), started_at=newest)))

    async def purge(name: SiteId, hours: float) -> None:
        await store.commit(Unit(changes=(Purge(site=name, before=of_today(hours), rows_max=100),)))
        await store.partitions.drop_past()

    await purge(OTHER, 12)
    assert len(await store.deliveries.attempts(OTHER, two.id)) == 1, "its day goes as a whole"
    await purge(SITE, 36)
    assert len(await store.deliveries.attempts(SITE, one.id)) == 1, "row by row, and the newest of all stays"
    assert len(await store.deliveries.attempts(OTHER, two.id)) == 1
    await purge(OTHER, 36)
    assert await store.deliveries.attempts(OTHER, two.id) == ()
    assert sum((await partitions(database)).values()) == 1
    await store.close()


async def test_a_process_that_died_is_counted_by_the_next(database: str) -> None:
    """Attempts of a living process are its own to count; those of a dead one are found; what was counted is not."""
    alive, dead = await PostgresStore.open(database), await PostgresStore.open(database)
    rows = [delivery(n) for n in range(3)]
    settles = [settle(row, 9) for row in rows]
    await alive.commit(inserts(site(), *rows))
    await alive.commit(Unit(changes=(settles[0],)))
    await dead.commit(Unit(changes=(settles[1],)))
    await dead.commit(Unit(changes=(settles[2],)))
    assert await alive.due.uncounted(9) == (settles[0].attempt,)
    await dead.commit(Unit(changes=(AddStats(rows=(), counted_to=settles[1].attempt.id),)))
    await dead.close()
    assert await alive.due.uncounted(9) == (settles[0].attempt,)
    await alive.commit(Unit(changes=(AddStats(rows=(), counted_to=settles[0].attempt.id),)))
    assert await alive.due.uncounted(9) == (settles[2].attempt,)
    await alive.commit(Unit(changes=(AddStats(rows=(), counted_to=settles[2].attempt.id),)))
    assert await alive.due.uncounted(9) == ()
    await alive.close()


async def test_words_that_no_text_column_holds_harm_their_unit_only(database: str) -> None:
    """PostgreSQL's texts cannot hold a zero byte: that unit is refused by name, the others of the turn are stored."""
    store = await PostgresStore.open(database)
    bad = inserts(event(2, external_id="a\x00b"))
    found = await asyncio.gather(*[store.commit(unit) for unit in (inserts(event(1)), bad, inserts(event(3)))])
    assert found[0] == found[2] == OK
    assert isinstance(found[1], Refused)
    assert (found[1].reason, found[1].is_store_broken) == ("broken", False)
    await store.close()


async def test_the_guilty_is_found_among_many(database: str) -> None:
    """In a turn of hundreds exactly the doubles are refused, and what came after them is stored."""
    store = await PostgresStore.open(database)
    old = event(0)
    await store.commit(inserts(old, gone := ended(delivery(1), 1)))
    units = [inserts(event(n)) for n in range(200)]
    units[17] = inserts(old)
    units[18] = Unit(changes=(settle(gone, 3),))
    units[199] = inserts(event(5, id=ident("evt", 5)), old)
    verdicts = await asyncio.gather(*[store.commit(unit) for unit in units])
    guilty = {n: verdict for n, verdict in enumerate(verdicts) if verdict != OK}
    taken = Refused(reason="exists", what="event")
    assert guilty == {17: taken, 18: Refused(reason="state", what="delivery"), 199: taken}
    assert (await store.deliveries.get(SITE, gone.id)).ended_at == at(1)  # type: ignore[union-attr]
    await store.close()


async def test_a_dump_comes_back(postgres_server: PostgresServer, database: str) -> None:
    """What pg_dump wrote and pg_restore read is the whole: rows, rules, and attempts that nobody had counted."""
    store = await PostgresStore.open(database)
    one, two = delivery(1), delivery(2)
    await store.commit(inserts(site(), event(1), one, two, audit=entry()))
    done = settle(one, 5)
    await store.commit(Unit(changes=(done,)))
    await store.close()
    dump = postgres_server.folder / "dump"
    name = database.partition("@/")[2].partition("?")[0]
    postgres_server.run("pg_dump", "--format=custom", f"--file={dump}", name)
    restored = await postgres_server.create()
    postgres_server.run("pg_restore", f"--dbname={restored}", str(dump))
    again = await PostgresStore.open(postgres_server.url(restored))
    assert await again.deliveries.get(SITE, one.id) == done.after
    assert await again.due.deliveries(SITE, two.webhook_id, None, 9) == (two,)
    assert await again.due.uncounted(9) == (done.attempt,)
    assert await again.commit(inserts(event(2), delivery(3), audit=entry())) == OK
    assert [row.seq for row in await again.audit.range(SITE, 0, 9)] == [1, 2]
    assert await again.schema.check() == ()
    await again.close()
    await postgres_server.drop(restored)
