"""What is due, settles and lists find their rows by the index that is meant for them, among many and with statistics.

The questions and the rows are those of `benchmarks/explain.py`, where a million of them can be looked at.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deskbell.storage.postgres.connection import open_writer as open_server
from deskbell.storage.sqlite.connection import open_reader, open_writer
from deskbell.storage.sqlite.migrate import migrate

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import explain

ROWS = 20_000
INDEXES = {
    "due: of a webhook with half of all": ("queue_due", "delivery_pkey"),
    "due: of one with none": ("queue_due", "delivery_pkey"),
    "list: newest of all": ("delivery_pkey",),
    "list: one webhook": ("delivery_webhook",),
    "list: waiting": ("queue_pkey", "delivery_pkey"),
    "list: exhausted": ("delivery_stopped",),
    "list: one subject": ("delivery_subject",),
    "settle: 100 at once": ("delivery_pkey", "queue_pkey", "queue_pkey"),
}
READ_AT_MOST = 1_000
"""Rows that any step may look at: many times the page, and few of all."""

PLANS_OF_SQLITE = {
    "due: of a webhook with half of all": r"INDEX delivery_queue \(site=\? AND webhook_id=\? AND \(due_at,id\)>",
    "due: of one with none": r"INDEX delivery_queue \(site=\? AND webhook_id=\? AND \(due_at,id\)>",
    "list: newest of all": r"PRIMARY KEY \(site=\?\)",
    "list: one webhook": r"INDEX delivery_webhook \(site=\? AND webhook_id=\?\)",
    "list: waiting": r"INDEX delivery_state \(site=\? AND state=\?\)",
    "list: exhausted": r"INDEX delivery_state \(site=\? AND state=\?\)",
    "list: one subject": r"INDEX delivery_subject \(site=\? AND subject_type=\? AND subject_id=\?\)",
    "settle: 100 at once": r"PRIMARY KEY \(site=\? AND id=\?\)",
}


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Every step of a plan."""
    return [plan, *[step for child in plan.get("Plans", ()) for step in nodes(child)]]


async def test_postgres_walks_the_index_that_is_meant(database: str) -> None:
    """On a reader's connection and on the writer's, as both ask."""
    filling = await asyncpg.connect(database)
    await explain.fill_server(filling, ROWS)
    await filling.close()
    for connection in (await asyncpg.connect(database), await open_server(database)):
        for name, (text,) in await explain.plans_of_server(connection, "ANALYZE, FORMAT JSON"):
            steps = nodes(json.loads(text)[0]["Plan"])
            used = tuple(step["Index Name"] for step in steps if "Index Name" in step)
            assert used == INDEXES[name], name
            kinds = {step["Node Type"] for step in steps}
            assert not kinds & {"Seq Scan", "Sort", "Incremental Sort", "Bitmap Heap Scan", "Hash Join"}, (name, kinds)
            for step in steps:
                seen = (step["Actual Rows"] + step.get("Rows Removed by Filter", 0)) * step["Actual Loops"]
                assert seen <= READ_AT_MOST, (name, step)
        await connection.close()


@pytest.mark.parametrize("has_statistics", [False, True])
def test_sqlite_walks_the_index_that_is_meant(tmp_path: Path, has_statistics: bool) -> None:
    """With and without statistics: nobody makes them for us."""
    path = tmp_path / "deskbell.db"
    connection = open_writer(path)
    migrate(connection)
    explain.fill_file(connection, ROWS)
    if has_statistics:
        connection.execute("ANALYZE")
    reader = open_reader(path)
    for name, plan, _ in explain.plans_of_file(reader, connection):
        assert re.search(PLANS_OF_SQLITE[name], plan[0]), (name, plan)
        assert not any("TEMP B-TREE" in line or line.startswith("SCAN delivery") for line in plan), (name, plan)
    reader.close()
    connection.close()


def test_every_plan_is_looked_at(tmp_path: Path) -> None:
    """Both tables name each question of the program."""
    connection = open_writer(tmp_path / "deskbell.db")
    migrate(connection)
    explain.fill_file(connection, 1_000)
    reader = open_reader(tmp_path / "deskbell.db")
    asked = {name for name, *_ in explain.plans_of_file(reader, connection)}
    assert asked == set(INDEXES) == set(PLANS_OF_SQLITE)
    reader.close()
    connection.close()
