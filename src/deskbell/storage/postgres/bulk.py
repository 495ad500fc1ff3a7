"""Hot changes of one unit or of many: their rows grouped by statement, written at once, with the counts checked.

Optimistic: when a constraint fails or a count is off, nothing of it may stay; the caller takes it back and finds the
guilty unit. A delivery is touched at most once in a group, but for joins.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from deskbell.model.changes import Change, Insert, Join, MoveDelivery, PutHealth, Refused, Settle
from deskbell.model.delivery import ENDED, Attempt, Delivery
from deskbell.model.event import Event, Idempotency
from deskbell.rules.batching import both
from deskbell.storage.bodies import body_of
from deskbell.storage.packing import CHANGES_MAX
from deskbell.storage.postgres.session import Session
from deskbell.storage.rows import Bindings, delivery_row, event_row, idempotency_row, join_row, move_row, settle_row
from deskbell.storage.rows_attempt import attempt_row

_COUNTED = {
    "event_insert": Refused(reason="exists", what="event"),
    "idempotency_insert": Refused(reason="exists", what="idempotency"),
    "delivery_insert": Refused(reason="exists", what="delivery"),
    "delivery_join": Refused(reason="state", what="delivery"),
    "attempt_insert": Refused(reason="exists", what="attempt"),
    "delivery_settle": Refused(reason="state", what="delivery"),
    "delivery_move": Refused(reason="state", what="delivery"),
}
"""Statements in the order in which they run, and what it means when one changes fewer rows than it was given."""

_ANSWERS = frozenset({"delivery_insert", "delivery_join", "delivery_settle", "delivery_move"})
"""Statements that answer how many rows they changed; of the others the server says it."""


_COPIED = frozenset({"event_insert", "delivery_insert", "attempt_insert"})
"""Statements that only write new rows: many of them go by COPY, for a third of the work on both sides."""

COPIED_MIN = 8
"""Rows from which the second round trip of a COPY pays."""


class Bulk:
    """The rows of some hot changes."""

    def __init__(self, session: Session, *, changes: int) -> None:
        has_time = changes <= CHANGES_MAX
        self._session = session
        self._rows: dict[str, list[Bindings]] = {name: [] for name in _COUNTED}
        self._carried: list[Bindings] = []
        self._joins: dict[tuple[str, str], Join] = {}
        self._health: dict[tuple[str, str], Bindings] = {}
        rows = self._rows
        self._has_time = has_time
        self._adders: dict[type, Callable[[Any], None]] = {
            Event: lambda row: rows["event_insert"].append(event_row(row, has_time=has_time)),
            Idempotency: lambda row: rows["idempotency_insert"].append(idempotency_row(row)),
            Attempt: lambda row: rows["attempt_insert"].append(attempt_row(row, has_time=has_time)),
            Delivery: self._add_delivery,
            Settle: self._add_settle,
            MoveDelivery: self._add_move,
            Join: self._add_join,
            PutHealth: self._add_health,
        }

    def add(self, changes: Iterable[Change]) -> None:
        """Take the rows of hot changes. Raises whatever a value raises that cannot be written."""
        adders = self._adders
        for change in changes:
            if type(change) is Insert:
                adders[type(change.row)](change.row)
            else:
                adders[type(change)](change)

    async def write(self) -> Refused | None:
        """Write all rows; a refusal when a count is off. The caller holds a savepoint."""
        self._rows["delivery_join"] = [join_row(one) for one in self._joins.values()]
        for name, refused in _COUNTED.items():
            rows = self._rows[name]
            if rows and await self._changed(name, rows) != len(rows):
                return refused
        if self._carried:
            await self._changed("delivery_event_insert", self._carried)
        if self._health:
            await self._changed("health_put", [self._health[key] for key in sorted(self._health)])
        return None

    async def _changed(self, name: str, rows: Sequence[Bindings]) -> int:
        if name == "attempt_insert":
            rows = self._session.placed(rows)
        if name in _COPIED and len(rows) >= COPIED_MIN:
            return await self._copied(name, rows)
        columns = [_column(one) for one in zip(*rows, strict=True)]
        if name in _ANSWERS:
            return int(await self._session.value(name, columns))
        return await self._session.run(name, columns)

    async def _copied(self, name: str, rows: Sequence[Bindings]) -> int:
        if name == "delivery_insert":
            waiting = [place for row in rows if (place := queue_row(row)) is not None]
            if waiting:
                await self._session.copy("queue_insert", waiting)
        return await self._session.copy(name, rows)

    def _add_delivery(self, row: Delivery) -> None:
        self._rows["delivery_insert"].append(delivery_row(row))
        self._carried.extend([(row.site, event_id, row.id) for event_id in row.event_ids])

    def _add_settle(self, change: Settle) -> None:
        self._rows["attempt_insert"].append(attempt_row(change.attempt, has_time=self._has_time))
        self._rows["delivery_settle"].append(settle_row(change.after, change.expected))

    def _add_move(self, change: MoveDelivery) -> None:
        self._rows["delivery_move"].append(move_row(change.after, change.expected))

    def _add_join(self, change: Join) -> None:
        key = (change.site, change.delivery_id)
        before = self._joins.get(key)
        self._joins[key] = change if before is None else both(before, change)
        self._carried.extend([(change.site, event_id, change.delivery_id) for event_id in change.event_ids])

    def _add_health(self, change: PutHealth) -> None:
        health = change.health
        self._health[health.site, health.webhook_id] = (health.site, health.webhook_id, body_of(health))


def queue_row(row: Bindings) -> Bindings | None:
    """The place in the queue of a delivery's row; None when it does not wait."""
    site, key, webhook_id, _, shard, state, due_at, *_ = row
    return None if state in ENDED else (site, state, key, webhook_id, due_at, shard)


def _column(values: tuple[Any, ...]) -> Sequence[Any]:
    """A column of many rows; one without any value is left empty, the server fills it up."""
    return () if values.count(None) == len(values) else values
