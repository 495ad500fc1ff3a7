"""Statements have the same names in every store; where the databases differ, the lists here say why."""

from deskbell.storage.postgres.numbered import numbered
from deskbell.storage.statements import statements

SQLITE_ALONE = {
    "fence_holds",  # PostgreSQL reads all fences of a transaction at its start, and holds them
    "purge_delivery_place",  # SQLite holds up the loop: it looks at a bounded number of rows
    "purge_event_place",
    "purge_event_pick",
    "stat_hour_get",  # PostgreSQL adds in the statement, because other processes add, too
    "node_beat",  # PostgreSQL answers a beat in one round trip: shard_beat
    "node_forget",
    "node_all",
    "node_leave",
    "shard_renew",
    "shard_get",
    "shard_all",
}
POSTGRES_ALONE = {
    "queue_insert",  # SQLite's queue is an index
    "transaction_start",
    "audit_lock",  # SQLite has one writer
    "shard_beat",
    "writer_begin",  # what became of a transaction whose connection was lost
    "writer_end",
    "writer_wait",
    "writer_let_go",
    "writer_batch",
    "writer_forget",
    "attempt_of_deliveries",
    "site_names",
    "purge_attempt_other",  # the attempts are parted by day
    "partition_all",
    "partition_make",
    "partition_drop",
    "wall_is_up",  # row-level security
    "wall_open_tables",
    "wall_close_table",
    "wall_grants",
    "wall_name_site",
    "schema_faults",  # SQLite checks itself
    "server_settings",
    "server_clock",
}


def test_names_are_the_same_in_every_store() -> None:
    """A statement that one store has and the other has not is named above."""
    sqlite, postgres = set(statements("sqlite")), set(statements("postgres"))
    assert sqlite - postgres == SQLITE_ALONE
    assert postgres - sqlite == POSTGRES_ALONE


def test_names_become_numbers() -> None:
    """Each name has one place, and casts are left alone."""
    found = numbered("SELECT :a::text, :b, :a || '::' FROM t WHERE x = ANY(:list::text[])")
    assert found.text == "SELECT $1::text, $2, $1 || '::' FROM t WHERE x = ANY($3::text[])"
    assert found.names == ("a", "b", "list")
    assert found.arguments({"list": [1], "b": 2, "a": 3, "more": 4}) == [3, 2, [1]]
