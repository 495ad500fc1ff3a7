"""Many hot units at once: their rows grouped by statement, written by `executemany`, with the counts checked.

Optimistic: when a constraint fails or a count is off, nothing of the group stays and the writer applies its units one
by one, so that only the guilty ones are refused. Units keep their order where it matters: a delivery is touched at
most once in a group, but for joins: they run after inserts and before all else, and one that came too late is off.
"""

from collections.abc import Callable, Mapping
from typing import Any

import apsw

from deskbell.model.changes import Insert, Join, MoveDelivery, PutHealth, Settle, Unit
from deskbell.model.delivery import Attempt, Delivery
from deskbell.model.event import Event, Idempotency
from deskbell.model.webhook import Health
from deskbell.storage.bodies import body_of
from deskbell.storage.packing import CHANGES_MAX
from deskbell.storage.rows import Bindings, delivery_row, event_row, idempotency_row, join_row, move_row, settle_row
from deskbell.storage.rows_attempt import attempt_row
from deskbell.storage.sqlite.carrying import Pair, traced

_ORDER = (
    "event_insert",
    "idempotency_insert",
    "delivery_insert",
    "delivery_join",
    "attempt_insert",
    "delivery_settle",
    "delivery_move",
)
"""Statements in the order in which they run; each row must change exactly one row."""


class Bulk:
    """The rows of one group of hot units."""

    def __init__(self, connection: apsw.Connection, sql: Mapping[str, str], *, changes: int) -> None:
        has_time = changes <= CHANGES_MAX
        self._has_time = has_time
        self._connection = connection
        self._sql = sql
        self._rows: dict[str, list[Bindings]] = {name: [] for name in _ORDER}
        self._carried: list[Pair] = []
        self._traced: set[Pair] = set()
        self.statements = 0  # executed by `write`
        self._fences: set[tuple[int, int]] = set()
        self._health: dict[tuple[str, str], Health] = {}
        rows = self._rows
        self._adders: dict[type, Callable[[Any], None]] = {
            Event: self._add_event,
            Idempotency: lambda row: rows["idempotency_insert"].append(idempotency_row(row)),
            Attempt: lambda row: rows["attempt_insert"].append(attempt_row(row, has_time=has_time)),
            Delivery: self._add_delivery,
            Settle: self._add_settle,
            MoveDelivery: self._add_move,
            Join: self._add_join,
            PutHealth: self._add_health,
        }

    def add(self, unit: Unit) -> None:
        """Take a hot unit's rows. Raises whatever a value raises that cannot be written."""
        adders = self._adders
        for change in unit.changes:
            if type(change) is Insert:
                adders[type(change.row)](change.row)
            else:
                adders[type(change)](change)

    def write(self) -> bool:
        """Write all rows; False when a count or a fence is off. The caller holds a savepoint."""
        connection = self._connection
        for shard, fence in self._fences:
            if connection.execute(self._sql["fence_holds"], {"shard": shard, "fence": fence}).get is None:
                return False
        for name in _ORDER:
            rows = self._rows[name]
            if rows:
                before = connection.total_changes()
                connection.executemany(self._sql[name], rows)
                self.statements += 1
                if connection.total_changes() - before != len(rows):
                    return False
        untold = [pair for pair in self._carried if pair not in self._traced]
        if untold:
            connection.executemany(self._sql["delivery_event_insert"], untold)
        if self._health:
            health = [(one.site, one.webhook_id, body_of(one)) for one in self._health.values()]
            connection.executemany(self._sql["health_put"], health)
        self.statements += bool(untold) + bool(self._health)
        return True

    def _add_event(self, row: Event) -> None:
        self._rows["event_insert"].append(event_row(row, has_time=self._has_time))
        self._traced.update(traced(row))

    def _add_delivery(self, row: Delivery) -> None:
        self._rows["delivery_insert"].append(delivery_row(row))
        self._carried.extend([(row.site, event_id, row.id) for event_id in row.event_ids])

    def _add_settle(self, change: Settle) -> None:
        if change.fence is not None:
            self._fences.add((change.after.shard, change.fence))
        self._rows["attempt_insert"].append(attempt_row(change.attempt, has_time=self._has_time))
        self._rows["delivery_settle"].append(settle_row(change.after, change.expected))

    def _add_move(self, change: MoveDelivery) -> None:
        self._rows["delivery_move"].append(move_row(change.after, change.expected))

    def _add_join(self, change: Join) -> None:
        self._rows["delivery_join"].append(join_row(change))
        self._carried.extend([(change.site, event_id, change.delivery_id) for event_id in change.event_ids])

    def _add_health(self, change: PutHealth) -> None:
        self._health[change.health.site, change.health.webhook_id] = change.health  # the last one counts
