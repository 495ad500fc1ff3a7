"""Deleting what is past its retention, a bounded number of rows of each table at a time."""

from collections.abc import Mapping
from typing import Any

import apsw

from deskbell.model.changes import Purge
from deskbell.storage.bounds import SLACK_MS, id_bound


def purge(connection: apsw.Connection, sql: Mapping[str, str], change: Purge) -> None:
    """Ended deliveries first, then attempts, then the events that no delivery carries any more."""
    bounds: dict[str, Any] = {"site": change.site, "before": change.before, "rows_max": change.rows_max}
    _purge_deliveries(connection, sql, change, bounds)
    attempts = {**bounds, "id_before": id_bound("att", change.before, SLACK_MS)}
    connection.execute(sql["purge_attempt"], attempts)
    connection.execute(sql["purge_event"], {**bounds, "id_before": id_bound("evt", change.before, SLACK_MS)})
    connection.execute(sql["purge_idempotency"], bounds)
    connection.execute(sql["purge_capture"], bounds)


def _purge_deliveries(
    connection: apsw.Connection, sql: Mapping[str, str], change: Purge, bounds: Mapping[str, Any]
) -> None:
    bindings = {**bounds, "id_before": id_bound("dlv", change.before, SLACK_MS)}
    picked = list(connection.execute(sql["purge_delivery_pick"], bindings))
    connection.executemany(sql["purge_delivery"], [(change.site, key) for key, _ in picked])
    carried = [(change.site, one, key) for key, event_ids in picked for one in str(event_ids).split(" ")]
    connection.executemany(sql["purge_delivery_event"], carried)
