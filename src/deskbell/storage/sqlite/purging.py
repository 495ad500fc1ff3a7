"""Deleting what is past its retention, a bounded number of rows of each table at a time."""

from collections.abc import Mapping
from typing import Any

import apsw

from deskbell.model.changes import Purge
from deskbell.model.ids import Prefix
from deskbell.storage.bounds import SLACK_MS, id_bound

_BY_ID: tuple[tuple[str, Prefix], ...] = (("purge_attempt", "att"), ("purge_event", "evt"))


def purge(connection: apsw.Connection, sql: Mapping[str, str], change: Purge) -> int:
    """Ended deliveries first, then attempts, then the events that no delivery carries any more; how many rows."""
    bounds: dict[str, Any] = {"site": change.site, "before": change.before, "rows_max": change.rows_max}
    total = _purge_deliveries(connection, sql, change, bounds)
    for name, prefix in _BY_ID:
        connection.execute(sql[name], {**bounds, "id_before": id_bound(prefix, change.before, SLACK_MS)})
        total += connection.changes()
    for name, before in (("purge_idempotency", change.keys_before), ("purge_capture", change.captures_before)):
        connection.execute(sql[name], {**bounds, "before": change.before if before is None else before})
        total += connection.changes()
    return total


def _purge_deliveries(
    connection: apsw.Connection, sql: Mapping[str, str], change: Purge, bounds: Mapping[str, Any]
) -> int:
    bindings = {**bounds, "id_before": id_bound("dlv", change.before, SLACK_MS)}
    picked = list(connection.execute(sql["purge_delivery_pick"], bindings))
    connection.executemany(sql["purge_delivery"], [(change.site, key) for key, _ in picked])
    carried = [(change.site, one, key) for key, event_ids in picked for one in str(event_ids).split(" ")]
    connection.executemany(sql["purge_delivery_event"], carried)
    return len(picked)
