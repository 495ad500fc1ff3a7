"""Hot reads walk an index: proved by the plans of SQLite itself, and statements keep the site's border."""

import re
from pathlib import Path

import apsw
import pytest

from deskbell.model.query import DeliveryFilter, EventFilter
from deskbell.storage.filters import delivery_branches, event_conditions
from deskbell.storage.sqlite.connection import open_reader, open_writer
from deskbell.storage.sqlite.dialect import SQLITE
from deskbell.storage.sqlite.migrate import migrate
from deskbell.storage.statements import parse_statements, statements

A, B = "whk_a", "whk_b"


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> apsw.Connection:
    """A database with the schema and no statistics, as at every start."""
    path = tmp_path_factory.mktemp("plans") / "deskbell.db"
    writer = open_writer(path)
    migrate(writer)
    writer.close()
    return open_reader(path)


def plan(connection: apsw.Connection, text: str) -> str:
    """The plan's lines, joined."""
    names = dict.fromkeys(re.findall(r":(\w+)", text), 1)
    numbered = set(re.findall(r"\?\d+", text))
    bindings = names if names else (1,) * (len(numbered) or text.count("?"))
    return " | ".join(str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", bindings))


LISTS = {
    "all": (DeliveryFilter(), r"PRIMARY KEY \(site=\?"),
    "one webhook": (DeliveryFilter(webhook_ids=(A,)), r"INDEX delivery_webhook \(site=\? AND webhook_id=\?"),
    "two webhooks": (DeliveryFilter(webhook_ids=(A, B)), r"INDEX delivery_webhook \(site=\? AND webhook_id=\?"),
    "waiting": (DeliveryFilter(states=("waiting",)), r"INDEX delivery_state \(site=\? AND state=\?"),
    "exhausted of one": (
        DeliveryFilter(states=("exhausted",), webhook_ids=(A,)),
        r"INDEX delivery_state \(site=\? AND state=\?",
    ),
    "held": (DeliveryFilter(held=True, held_webhooks=(A,)), r"INDEX delivery_state \(site=\? AND state=\?"),
    "delivered": (DeliveryFilter(states=("delivered",)), r"PRIMARY KEY \(site=\?"),
    "subject": (
        DeliveryFilter(subject=("chat", "1"), states=("waiting",)),
        r"INDEX delivery_subject \(site=\? AND subject_type=\? AND subject_id=\?",
    ),
    "replay": (DeliveryFilter(replay_id="rpl_1"), r"INDEX delivery_replay \(site=\? AND replay_id=\?"),
    "words": (DeliveryFilter(words=("a", "ö"), word_webhooks=((A,), ())), r"PRIMARY KEY \(site=\?"),
}


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("name", sorted(LISTS))
def test_delivery_lists_walk_an_index_in_order(connection: apsw.Connection, name: str, direction: str) -> None:
    """No list of deliveries sorts or scans, with and without a cursor."""
    which, index = LISTS[name]
    for branch in delivery_branches(which, SQLITE):
        for cursor in ("", "\n  AND id < :before"):
            text = statements("sqlite")["delivery_branch"].replace("{conditions}", branch.text + cursor)
            text = text.replace("{way}", branch.way)
            found = plan(connection, text.replace("{direction}", direction))
            assert re.search(index, found), found
            assert "TEMP B-TREE" not in found
            assert "SCAN delivery" not in found
            if cursor:
                assert re.search(r"id[<>]\?", found), found


def test_progress_of_a_replay_is_counted_from_its_index(connection: apsw.Connection) -> None:
    """However large it is, no delivery is read for it."""
    [branch] = delivery_branches(DeliveryFilter(replay_id="rpl_1", states=("delivered",)), SQLITE)
    text = statements("sqlite")["delivery_count_branch"].replace("{conditions}", branch.text)
    found = plan(connection, text.replace("{way}", branch.way))
    assert "USING COVERING INDEX delivery_replay (site=? AND replay_id=?)" in found, found


def test_event_lists_walk_an_index_in_order(connection: apsw.Connection) -> None:
    """Events by id, or by subject."""
    for which, index in (
        (EventFilter(type="chat.*"), "event_id"),
        (EventFilter(subject=("chat", "1")), "event_subject"),
    ):
        conditions = event_conditions(which).text + "\n AND id < :before"
        text = statements("sqlite")["event_page"].replace("{conditions}", conditions).replace("{direction}", "DESC")
        found = plan(connection, text)
        assert f"SEARCH event USING INDEX {index} (site=?" in found
        assert "TEMP B-TREE" not in found


def test_due_rows_come_from_the_queue(connection: apsw.Connection) -> None:
    """What is due is read in order from the queue's index; a million held rows of another webhook are not looked at."""
    found = plan(connection, statements("sqlite")["due_deliveries"])
    assert found == "SEARCH delivery USING INDEX delivery_queue (site=? AND webhook_id=? AND (due_at,id)>(?,?))"
    counted = plan(connection, statements("sqlite")["due_webhooks"])
    for seek in ("site>?", "site=? AND webhook_id>?", "site=? AND webhook_id=?"):
        assert f"SEARCH d USING COVERING INDEX delivery_queue ({seek})" in counted
    waiting = plan(connection, statements("sqlite")["delivery_waiting"])
    assert "SEARCH q USING COVERING INDEX delivery_queue (site=? AND webhook_id=?)" in waiting


_SCANS = {
    "site_all", "due_webhooks", "setting_versions", "timer_count", "sign_on_all",
    "due_asked", "node_all", "node_forget", "shard_all", "shard_leave", "shard_renew",  # a few rows each
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(statements("sqlite")))
def test_no_statement_scans_a_table(connection: apsw.Connection, name: str) -> None:
    """Every statement can be prepared, and none reads a whole table but those that mean to."""
    text = statements("sqlite")[name].replace("{conditions}", "").replace("{direction}", "DESC").replace("{way}", "")
    found = plan(connection, text)
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    scans = [one for one in re.findall(r"SCAN (\w+)", found) if one in tables]
    assert name in _SCANS or name == "counted_to_put" or not scans, found


_ALL_SITES = {
    "counted_to_put", "due_uncounted", "due_webhooks", "meta_get", "meta_put", "site_all", "user_by_email",
    "login_by_hash", "api_key_by_lookup", "link_by_hash", "bin_by_address", "setting_versions", "replay_running",
    "due_asked", "timer_due", "timer_count", "fence_holds", "node_all", "node_beat", "node_forget", "node_leave",
    "user_sealed", "webhook_sealed", "webhook_version_sealed", "secret_sealed", "meta_holds",
    "sign_on_all", "sign_on_sealed",
    "shard_all", "shard_get", "shard_hand_over", "shard_leave", "shard_renew", "shard_take",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(statements("sqlite")))
def test_every_statement_names_the_site(name: str) -> None:
    """Only a short list of statements serves all sites."""
    text = statements("sqlite")[name]
    names_site = bool(re.search(r"site = (:site|\?)|VALUES \((:site|\?)|INTO \S+ \(site,", text))
    assert names_site != (name in _ALL_SITES)


def test_statement_files_are_refused_when_malformed() -> None:
    """A name twice, or no line of intent, is an error at start."""
    good = "\n-- name: a\n-- Why.\nSELECT 1;\n"
    assert parse_statements(good) == {"a": "SELECT 1"}
    for bad in (good + good, "\n-- name: a\nSELECT 1;\n", "\n-- name: a\n-- Why.\n"):
        with pytest.raises(ValueError, match="a: needs"):
            parse_statements(bad)


def test_writer_is_durable_and_reader_cannot_write(tmp_path: Path) -> None:
    """WAL, foreign keys on, checkpoints that sync in order; readers refuse to write."""
    path = tmp_path / "deskbell.db"
    writer = open_writer(path)
    migrate(writer)
    assert writer.execute("PRAGMA journal_mode").get == "wal"
    assert writer.execute("PRAGMA synchronous").get == 1  # the writer waits for the log itself: syncing.py
    assert writer.execute("PRAGMA foreign_keys").get == 1
    assert writer.execute("PRAGMA secure_delete").get == 1
    reader = open_reader(path)
    with pytest.raises(apsw.ReadOnlyError):
        reader.execute("INSERT INTO meta (key, value) VALUES ('a', 'b')")
    reader.close()
    writer.close()
