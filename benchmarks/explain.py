"""How both databases find their rows among many: what is due, a settle of 100, and lists of deliveries.

Usage: python benchmarks/explain.py [--rows 1000000] [--only sqlite|postgres]. Half of the rows wait, all of them for
one webhook, and are the oldest; the others are delivered, spread over a hundred. Prints the plans, on PostgreSQL with
what was really read.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from deskbell.model.delivery import DeliveryState
from deskbell.model.ids import make_id
from deskbell.model.query import DeliveryFilter
from deskbell.storage.filters import Dialect, delivery_branches
from deskbell.storage.postgres.bulk import queue_row
from deskbell.storage.postgres.connection import open_writer as open_server
from deskbell.storage.postgres.dialect import POSTGRES
from deskbell.storage.postgres.migrate import migrate as migrate_server
from deskbell.storage.postgres.numbered import inserted, numbered
from deskbell.storage.reading import filled
from deskbell.storage.sqlite.connection import open_reader
from deskbell.storage.sqlite.connection import open_writer as open_file
from deskbell.storage.sqlite.dialect import SQLITE
from deskbell.storage.sqlite.migrate import migrate as migrate_file
from deskbell.storage.statements import statements

SITE = "desk"
WEBHOOKS = 100
START_MS = 1_790_000_000_000
SETTLED = 100

LISTS = {
    "list: newest of all": DeliveryFilter(),
    "list: one webhook": DeliveryFilter(webhook_ids=("whk_00007",)),  # type: ignore[arg-type]  # a short id
    "list: waiting": DeliveryFilter(states=("waiting",)),
    "list: exhausted": DeliveryFilter(states=("exhausted",)),
    "list: one subject": DeliveryFilter(subject=("order", "77")),
}


def delivery_id(n: int) -> str:
    """The id of the n-th delivery."""
    return make_id("dlv", unix_ms=START_MS + n // 10, chance=n)


def rows(count: int) -> Iterator[tuple[Any, ...]]:
    """Rows of `delivery_insert`: the older half waits for the first webhook, one in a thousand is exhausted."""
    for n in range(count):
        waits = n < count // 2
        webhook = "whk_00000" if waits else f"whk_{n % WEBHOOKS:05}"
        state = "waiting" if waits else "exhausted" if n % 1_000 == 1 else "delivered"
        at = (START_MS + n // 10) * 10_000
        yield (
            SITE, delivery_id(n), webhook, 1, 7, state, at, at, make_id("evt", unix_ms=START_MS + n // 10, chance=n),
            "custom.load", "order", str(n % 5_000), f"Order {n % 5_000}", 0, 0 if waits else 1, 0 if waits else 1, 0,
            None if waits else "http_200", None if waits else 200, None if waits else at, None if waits else 1_500,
            None, None, False, None,
        )  # fmt: skip


def settle_columns() -> tuple[list[Any], ...]:
    """The columns of `delivery_settle` for some that wait."""
    ids = [delivery_id(n) for n in range(SETTLED)]
    state, at = DeliveryState.DELIVERED.value, START_MS * 10_000
    row = (state, at, 1, 1, 0, "http_200", 200, at, 1_500, None, SITE, "", "waiting")
    columns = [[value] * SETTLED for value in row]
    columns[11] = ids
    return tuple(columns)


def questions(store: str, dialect: Dialect) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What is asked: a name, the statement, and its bindings."""
    sql = statements(store)
    for webhook, what in (("whk_00000", "due: of a webhook with half of all"), ("whk_00007", "due: of one with none")):
        bindings = {"site": SITE, "webhook_id": webhook, "due_at": -1, "id": "", "limit": 100}
        yield what, sql["due_deliveries"], bindings
    for name, which in LISTS.items():
        for branch in delivery_branches(which, dialect):
            blanks = {"way": branch.way, "conditions": branch.text, "direction": "DESC"}
            yield name, filled(sql["delivery_branch"], blanks), {"site": SITE, "limit": 50, **branch.bindings}


async def fill_server(connection: Any, count: int) -> None:
    """By COPY; then statistics, as autovacuum makes them."""
    made = list(rows(count))
    table, columns = inserted("delivery_insert")
    await connection.copy_records_to_table(table, records=made, columns=columns, timeout=600)
    table, columns = inserted("queue_insert")
    places = [place for row in made if (place := queue_row(row)) is not None]
    await connection.copy_records_to_table(table, records=places, columns=columns, timeout=600)
    await connection.execute("VACUUM ANALYZE delivery, queue", timeout=600)


async def plans_of_server(connection: Any, options: str) -> list[tuple[str, Any]]:
    """Every question's plan, and the settle's, which is taken back."""
    found = []
    for name, text, bindings in questions("postgres", POSTGRES):
        asked = numbered(text)
        answer = await connection.fetch(f"EXPLAIN ({options}) {asked.text}", *asked.arguments(bindings))
        found.append((name, [row[0] for row in answer]))
    await connection.execute("BEGIN")
    settle = numbered(statements("postgres")["delivery_settle"])
    answer = await connection.fetch(f"EXPLAIN ({options}) {settle.text}", *settle_columns())
    await connection.execute("ROLLBACK")
    return [*found, (f"settle: {SETTLED} at once", [row[0] for row in answer])]


def fill_file(connection: apsw.Connection, count: int) -> None:
    """In one transaction."""
    with connection:
        connection.executemany(statements("sqlite")["delivery_insert"], rows(count))


def plans_of_file(reader: apsw.Connection, writer: apsw.Connection) -> list[tuple[str, list[str], float]]:
    """Every question's plan and its time in milliseconds, and the settle's, which is taken back."""
    found = []
    for name, text, bindings in questions("sqlite", SQLITE):
        began = time.perf_counter()
        list(reader.execute(text, bindings))
        lasted_ms = (time.perf_counter() - began) * 1_000
        plan = [str(row[3]) for row in reader.execute(f"EXPLAIN QUERY PLAN {text}", bindings)]
        found.append((name, plan, lasted_ms))
    settle = statements("sqlite")["delivery_settle"]
    units = list(zip(*settle_columns(), strict=True))
    plan = [str(row[3]) for row in writer.execute(f"EXPLAIN QUERY PLAN {settle}", units[0])]
    writer.execute("BEGIN")
    began = time.perf_counter()
    writer.executemany(settle, units)
    lasted_ms = (time.perf_counter() - began) * 1_000
    writer.execute("ROLLBACK")
    return [*found, (f"settle: {SETTLED} at once", plan, lasted_ms)]


async def show_postgres(count: int) -> None:
    """A server of its own, removed afterwards."""
    from on_postgres import database  # the tests' server

    with database() as url:
        connection = await open_server(url)
        await migrate_server(connection)
        began = time.perf_counter()
        await fill_server(connection, count)
        print(f"\n# PostgreSQL {connection.get_server_version().major}, {count:,} deliveries ", end="")
        print(f"(filled in {time.perf_counter() - began:.0f} s)")
        for name, plan in await plans_of_server(connection, "ANALYZE, BUFFERS, COSTS OFF"):
            print(f"\n## {name}\n", *plan, sep="\n")
        await connection.close()


def show_sqlite(count: int) -> None:
    """A file of its own, removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deskbell.db"
        connection = open_file(path)
        migrate_file(connection)
        began = time.perf_counter()
        fill_file(connection, count)
        print(f"\n# SQLite {apsw.sqlite_lib_version()}, {count:,} deliveries ", end="")
        print(f"(filled in {time.perf_counter() - began:.0f} s)")
        reader = open_reader(path)
        for name, plan, lasted_ms in plans_of_file(reader, connection):
            print(f"\n## {name}: {lasted_ms:.2f} ms\n", *plan, sep="\n")
        reader.close()
        connection.close()


def main() -> None:
    """Both, one after the other."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--only", choices=("sqlite", "postgres"))
    chosen = options.parse_args()
    if chosen.only != "postgres":
        show_sqlite(chosen.rows)
    if chosen.only != "sqlite":
        asyncio.run(show_postgres(chosen.rows))


if __name__ == "__main__":
    main()
