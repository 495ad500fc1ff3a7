"""Deleting what is past its retention, a bounded number of rows of each table at a time.

What is old and must stay (a paused webhook may hold a million deliveries for months) is not looked at each time: one
call looks at a window of rows, and when there was little to delete in it the next call goes on behind it.
"""

from collections.abc import Mapping
from typing import Any

import apsw

from deskbell.model.changes import Purge
from deskbell.model.ids import Prefix
from deskbell.storage.bounds import SLACK_MS, id_bound

DELIVERIES_AT_ONCE = 20_000
EVENTS_AT_ONCE = 5_000
"""How many old rows one call looks at."""


class Purging:
    """Remembers, for each site and table, behind which id the next call goes on; empty: from the oldest."""

    def __init__(self, connection: apsw.Connection, sql: Mapping[str, str]) -> None:
        self._connection = connection
        self._sql = sql
        self._places: dict[tuple[str, Prefix], str] = {}

    def purge(self, change: Purge) -> int:
        """Ended deliveries first, then attempts, then the events that no delivery carries any more; how many rows."""
        bounds: dict[str, Any] = {"site": change.site, "before": change.before, "rows_max": change.rows_max}
        total = self._deliveries(change) + self._attempts(change) + self._events(change)
        for name, before in (("purge_idempotency", change.keys_before), ("purge_capture", change.captures_before)):
            total += self._run(name, {**bounds, "before": change.before if before is None else before})
        return total

    def _deliveries(self, change: Purge) -> int:
        picked = self._pick(change, "dlv", "purge_delivery", DELIVERIES_AT_ONCE)
        self._many("purge_delivery", [(change.site, key) for key, _ in picked])
        carried = [(change.site, one, key) for key, event_ids in picked for one in str(event_ids).split(" ")]
        self._many("purge_delivery_event", carried)
        return len(picked)

    def _attempts(self, change: Purge) -> int:
        bounds = {"site": change.site, "before": change.before, "rows_max": change.rows_max}
        return self._run("purge_attempt", {**bounds, "id_before": id_bound("att", change.before, SLACK_MS)})

    def _events(self, change: Purge) -> int:
        picked = self._pick(change, "evt", "purge_event", EVENTS_AT_ONCE)
        self._many("purge_event", [(change.site, key) for (key,) in picked])
        return len(picked)

    def _pick(self, change: Purge, prefix: Prefix, name: str, window: int) -> list[Any]:
        """Rows that may go, among so many old ones."""
        bindings = {
            "site": change.site,
            "before": change.before,
            "id_before": id_bound(prefix, change.before, SLACK_MS),
            "rows_max": change.rows_max,
            "place": self._places.get((change.site, prefix), ""),
            "window": window,
        }
        picked = list(self._connection.execute(self._sql[f"{name}_pick"], bindings))
        if len(picked) < change.rows_max:
            last = self._connection.execute(self._sql[f"{name}_place"], bindings).get
            self._places[change.site, prefix] = str(last or "")
        return picked

    def _run(self, name: str, bindings: Mapping[str, Any]) -> int:
        self._connection.execute(self._sql[name], bindings)
        return self._connection.changes()

    def _many(self, name: str, rows: list[Any]) -> None:
        self._connection.executemany(self._sql[name], rows)
