"""Deleting what is past its retention, a bounded number of rows of each table at a time."""

from collections.abc import Callable
from typing import Any

from deskbell.model.changes import Purge
from deskbell.model.delivery import ENDED
from deskbell.model.instant import Instant
from deskbell.storage.bounds import SLACK_MS, id_bound
from deskbell.storage.memory.tables import Tables


def purge(tables: Tables, change: Purge) -> int:
    """Ended deliveries first, then attempts, then the events that no delivery carries any more; how many rows."""
    total = 0
    before = change.before
    delivery_bound, attempt_bound, event_bound = (id_bound(p, before, SLACK_MS) for p in ("dlv", "att", "evt"))
    for row in _picked(
        tables,
        change,
        "delivery",
        lambda r: r.id < delivery_bound and max(r.created_at, r.ended_at or 0) < before and r.state in ENDED,
    ):
        total += tables.drop("delivery", (row.site, row.id))
        for event_id in row.event_ids:
            tables.drop("delivery_event", (row.site, event_id, row.id))
    newest = max((tables.order[key] for key in tables.rows["attempt"]), default=0)
    for row in _picked(
        tables,
        change,
        "attempt",
        lambda r: r.id < attempt_bound and r.started_at < before and tables.order[r.site, r.id] < newest,
    ):
        total += tables.drop("attempt", (row.site, row.id))
    carried = {key[1] for key in tables.rows["delivery_event"] if key[0] == change.site}
    for row in _picked(
        tables, change, "event", lambda r: r.id < event_bound and r.received_at < before and r.id not in carried
    ):
        total += tables.drop("event", (row.site, row.id))
    total += _purge_by_time(tables, change, change.keys_before, "idempotency", ("maker", "key"))
    return total + _purge_by_time(tables, change, change.captures_before, "capture", ("bin_id", "seq"))


def _picked(tables: Tables, change: Purge, table: str, is_old: Callable[[Any], bool]) -> list[Any]:
    return [row for row in tables.of_site(table, change.site) if is_old(row)][: change.rows_max]


def _purge_by_time(tables: Tables, change: Purge, before: Instant | None, table: str, key: tuple[str, ...]) -> int:
    old = [row for row in tables.of_site(table, change.site) if row.at < (change.before if before is None else before)]
    meant = sorted(old, key=lambda r: int(r.at))[: change.rows_max]
    for row in meant:
        tables.drop(table, (row.site, *[getattr(row, name) for name in key]))
    return len(meant)
