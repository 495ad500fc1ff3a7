"""Reading the hot tables: events, deliveries, attempts, and what is due."""

from collections.abc import Mapping, Sequence
from json import dumps
from typing import Any

from deskbell.model.delivery import Attempt, Delivery
from deskbell.model.event import Event, Idempotency
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.query import DeliveryFilter, EventFilter, WaitingCount
from deskbell.storage.rows import delivery_of, event_of, idempotency_of
from deskbell.storage.rows_attempt import attempt_of
from deskbell.storage.sqlite.filters import Conditions, delivery_branches, event_conditions
from deskbell.storage.sqlite.readers import Readers, Reading


class SqliteEvents:
    """`ports.Events`."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def page(self, site: SiteId, which: EventFilter, before: str | None, limit: int) -> tuple[Event, ...]:
        """Newest first."""
        found = event_conditions(which)
        if before is not None:
            found.add("id < :before", before=before)
        bindings = {"site": site, "limit": limit, **found.bindings}
        return await self._readers.read(lambda r: r.rows("event_page", bindings, event_of, conditions=found.text))

    async def get(self, site: SiteId, event_id: str) -> Event | None:
        """One event."""
        return await self._readers.read(lambda r: r.one("event_get", {"site": site, "id": event_id}, event_of))

    async def many(self, site: SiteId, event_ids: Sequence[EventId]) -> tuple[Event, ...]:
        """Those that exist, in the order asked."""
        bindings = {"site": site, "ids": dumps(list(event_ids))}
        rows = await self._readers.read(lambda r: r.rows("event_many", bindings, event_of))
        by_id = {row.id: row for row in rows}
        return tuple(by_id[one] for one in event_ids if one in by_id)

    async def by_external(self, site: SiteId, external_id: str) -> Event | None:
        """The event with the caller's own id."""
        bindings = {"site": site, "external_id": external_id}
        return await self._readers.read(lambda r: r.one("event_by_external", bindings, event_of))

    async def count(self, site: SiteId, which: EventFilter) -> int:
        """How many events."""
        found = event_conditions(which)
        bindings = {"site": site, **found.bindings}
        count = await self._readers.read(lambda r: r.one("event_count", bindings, _first, conditions=found.text))
        return count or 0

    async def idempotency(self, site: SiteId, maker: str, key: str) -> Idempotency | None:
        """What a key was used for."""
        bindings = {"site": site, "maker": maker, "key": key}
        return await self._readers.read(lambda r: r.one("idempotency_get", bindings, idempotency_of))


class SqliteDeliveries:
    """`ports.Deliveries`."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def page(
        self, site: SiteId, which: DeliveryFilter, before: str | None, limit: int, *, newer: bool = False
    ) -> tuple[Delivery, ...]:
        """Newest first, merged from the branches of the filter."""
        branches = delivery_branches(which)
        direction = "ASC" if newer and before is not None else "DESC"
        for one in branches:
            if before is not None:
                one.add("id > :before" if newer else "id < :before", before=before)
        found = await self._readers.read(lambda r: _merged(r, site, branches, direction, limit))
        found.sort(key=lambda row: row.id, reverse=direction == "DESC")
        return tuple(sorted(found[:limit], key=lambda row: row.id, reverse=True))

    async def get(self, site: SiteId, delivery_id: str) -> Delivery | None:
        """One delivery."""
        bindings = {"site": site, "id": delivery_id}
        return await self._readers.read(lambda r: r.one("delivery_get", bindings, delivery_of))

    async def count(self, site: SiteId, which: DeliveryFilter, up_to: int) -> int:
        """How many, at most `up_to`."""
        branches = delivery_branches(which)
        return await self._readers.read(lambda r: _counted(r, site, branches, up_to))

    async def waiting(self, site: SiteId) -> tuple[WaitingCount, ...]:
        """How much waits per webhook, by webhook id."""
        return await self._readers.read(lambda r: r.rows("delivery_waiting", {"site": site}, _waiting_of))

    async def attempts(self, site: SiteId, delivery_id: str) -> tuple[Attempt, ...]:
        """Oldest first."""
        bindings = {"site": site, "delivery_id": delivery_id}
        return await self._readers.read(lambda r: r.rows("attempt_of_delivery", bindings, attempt_of))

    async def attempt(self, site: SiteId, attempt_id: str) -> Attempt | None:
        """One attempt."""
        bindings = {"site": site, "id": attempt_id}
        return await self._readers.read(lambda r: r.one("attempt_get", bindings, attempt_of))

    async def last_attempts(self, site: SiteId, delivery_ids: Sequence[DeliveryId]) -> tuple[Attempt, ...]:
        """The newest attempt of each delivery that has one, in the order asked."""
        bindings = {"site": site, "ids": dumps(list(dict.fromkeys(delivery_ids)))}
        rows = await self._readers.read(lambda r: r.rows("attempt_last", bindings, attempt_of))
        newest: dict[DeliveryId, Attempt] = {}
        for row in rows:
            newest.setdefault(row.delivery_id, row)
        return tuple(newest.values())


class SqliteDue:
    """`ports.Due`."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def webhooks(self) -> tuple[tuple[SiteId, WebhookId, int, Instant], ...]:
        """Which webhooks have something waiting, how much, and when the next is due."""
        return await self._readers.read(lambda r: r.rows("due_webhooks", {}, tuple))

    async def deliveries(
        self, site: SiteId, webhook_id: WebhookId, after: tuple[Instant, str] | None, limit: int
    ) -> tuple[Delivery, ...]:
        """What waits, in order of (due, id)."""
        due_at, key = (-1, "") if after is None else after
        bindings = {"site": site, "webhook_id": webhook_id, "due_at": due_at, "id": key, "limit": limit}
        return await self._readers.read(lambda r: r.rows("due_deliveries", bindings, delivery_of))

    async def uncounted(self, limit: int) -> tuple[Attempt, ...]:
        """In the order of their commits."""
        return await self._readers.read(lambda r: r.rows("due_uncounted", {"limit": limit}, attempt_of))


def _first(row: Any) -> int:
    return int(row[0])


def _waiting_of(row: Any) -> WaitingCount:
    webhook_id, waiting, oldest_at, next_at = row
    return WaitingCount(webhook_id=webhook_id, waiting=waiting, oldest_at=oldest_at, next_at=next_at)


def _merged(
    reading: Reading, site: SiteId, branches: Sequence[Conditions], direction: str, limit: int
) -> list[Delivery]:
    """Up to `limit` rows of each branch: the first `limit` of the whole are among them."""
    found: list[Delivery] = []
    for one in branches:
        bindings: Mapping[str, Any] = {"site": site, "limit": limit, **one.bindings}
        blanks = {"index": one.index, "conditions": one.text, "direction": direction}
        found += reading.rows("delivery_branch", bindings, delivery_of, **blanks)
    return found


def _counted(reading: Reading, site: SiteId, branches: Sequence[Conditions], up_to: int) -> int:
    total = 0
    for one in branches:
        bindings = {"site": site, "limit": up_to - total, **one.bindings}
        blanks = {"index": one.index, "conditions": one.text}
        total += reading.one("delivery_count_branch", bindings, _first, **blanks) or 0
        if total >= up_to:
            break
    return total
