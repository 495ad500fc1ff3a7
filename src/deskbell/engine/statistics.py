"""Hourly counts per webhook: gathered in memory, written by the keeper in batches."""

from bisect import bisect_left

from deskbell.model.changes import AddStats, Refused, Unit
from deskbell.model.delivery import Attempt, Trigger
from deskbell.model.exchange import OutcomeClass
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.instant import unix_seconds
from deskbell.model.webhook import StatHour
from deskbell.ports import Store
from deskbell.rules.limits import RESPONSE_TIME_BOUNDS_MS

_UNCOUNTED_PAGE = 1_000


class _Cell:
    """Counts of one webhook in one hour that are not written yet."""

    __slots__ = ("accepted", "buckets", "delivered", "failed", "first_time", "ms_sum")

    def __init__(self) -> None:
        self.delivered = self.accepted = self.failed = self.first_time = self.ms_sum = 0
        self.buckets = [0] * (len(RESPONSE_TIME_BOUNDS_MS) + 1)

    def add(self, other: "_Cell") -> None:
        """Add another cell's counts."""
        self.delivered += other.delivered
        self.accepted += other.accepted
        self.failed += other.failed
        self.first_time += other.first_time
        self.ms_sum += other.ms_sum
        self.buckets = [one + more for one, more in zip(self.buckets, other.buckets, strict=True)]


class Statistics:
    """Counts settled attempts; `flush` adds them to the hourly rows."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cells: dict[tuple[SiteId, WebhookId, int], _Cell] = {}
        self._counted_to = ""

    def count(self, attempt: Attempt) -> None:
        """Count one attempt that is durable. Tests are not counted."""
        self._counted_to = attempt.id  # the order is that of the commits, not of the ids
        if attempt.trigger is Trigger.TEST:
            return
        key = (attempt.site, attempt.webhook_id, unix_seconds(attempt.started_at) // 3600)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell()
        kind = attempt.outcome.kind
        if kind is OutcomeClass.DELIVERED:
            cell.delivered += 1
        elif kind is OutcomeClass.ACCEPTED:
            cell.accepted += 1
        else:
            cell.failed += 1
        if attempt.number == 1 and kind in (OutcomeClass.DELIVERED, OutcomeClass.ACCEPTED):
            cell.first_time += 1
        total_ms = round(attempt.timing.total_ms)
        cell.ms_sum += total_ms
        cell.buckets[bisect_left(RESPONSE_TIME_BOUNDS_MS, total_ms)] += 1

    async def recount(self) -> None:
        """At start: count what was settled and not counted when the process ended."""
        last = ""
        while (rows := await self._store.due.uncounted(_UNCOUNTED_PAGE)) and rows[-1].id != last:
            last = rows[-1].id
            for attempt in rows:
                self.count(attempt)
            await self.flush()
            if self._counted_to:  # it could not be written: later, with what comes
                return

    async def flush(self) -> None:
        """Write what was counted since the last time."""
        if not self._counted_to:
            return
        cells, self._cells = self._cells, {}
        counted_to, self._counted_to = self._counted_to, ""
        rows = tuple(
            StatHour(
                site=site,
                webhook_id=webhook_id,
                hour=hour,
                delivered=cell.delivered,
                accepted=cell.accepted,
                failed=cell.failed,
                first_time=cell.first_time,
                ms_sum=cell.ms_sum,
                ms_buckets=tuple(cell.buckets),
            )
            for (site, webhook_id, hour), cell in cells.items()
        )
        verdict = await self._store.commit(Unit(changes=(AddStats(rows=rows, counted_to=counted_to),)))
        if isinstance(verdict, Refused):
            self._take_back(cells, counted_to)

    def _take_back(self, cells: dict[tuple[SiteId, WebhookId, int], _Cell], counted_to: str) -> None:
        """What could not be written is written next time, with what was counted meanwhile."""
        self._counted_to = self._counted_to or counted_to
        for key, cell in cells.items():
            newer = self._cells.setdefault(key, cell)
            if newer is not cell:
                newer.add(cell)
