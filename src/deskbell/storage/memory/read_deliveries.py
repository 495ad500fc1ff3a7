"""Reading the hot tables in memory: events, deliveries, attempts, and what is due."""

from collections.abc import Sequence

from deskbell.model.delivery import Asked, Attempt, Delivery
from deskbell.model.event import Event, Idempotency
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.query import DeliveryFilter, EventFilter, WaitingCount
from deskbell.ports import COUNT_ALL
from deskbell.storage.memory.matching import delivery_matches, event_matches
from deskbell.storage.memory.tables import Tables
from deskbell.storage.nouns import waits_from


class MemoryEvents:
    """`ports.Events`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def _found(self, site: SiteId, which: EventFilter) -> list[Event]:
        return [row for row in reversed(self._tables.of_site("event", site)) if event_matches(which, row)]

    async def page(
        self, site: SiteId, which: EventFilter, before: str | None, limit: int, *, newer: bool = False
    ) -> tuple[Event, ...]:
        """Newest first."""
        found = self._found(site, which)
        if newer and before is not None:
            just_newer = [row for row in found if row.id > before]
            return tuple(just_newer[max(0, len(just_newer) - limit) :])
        return tuple([row for row in found if before is None or row.id < before][:limit])

    async def get(self, site: SiteId, event_id: str) -> Event | None:
        """One event."""
        found: Event | None = self._tables.get("event", (site, event_id))
        return found

    async def many(self, site: SiteId, event_ids: Sequence[EventId]) -> tuple[Event, ...]:
        """Those that exist, in the order asked."""
        rows = [self._tables.get("event", (site, one)) for one in event_ids]
        return tuple(row for row in rows if row is not None)

    async def by_external(self, site: SiteId, external_id: str) -> Event | None:
        """The event with the caller's own id."""
        found: Event | None = self._tables.find("event", "external_id", external_id, site)
        return found

    async def count(self, site: SiteId, which: EventFilter) -> int:
        """How many events."""
        return len(self._found(site, which))

    async def idempotency(self, site: SiteId, maker: str, key: str) -> Idempotency | None:
        """What a key was used for."""
        found: Idempotency | None = self._tables.get("idempotency", (site, maker, key))
        return found


class MemoryDeliveries:
    """`ports.Deliveries`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def _found(self, site: SiteId, which: DeliveryFilter) -> list[Delivery]:
        return [row for row in reversed(self._tables.of_site("delivery", site)) if delivery_matches(which, row)]

    async def page(
        self, site: SiteId, which: DeliveryFilter, before: str | None, limit: int, *, newer: bool = False
    ) -> tuple[Delivery, ...]:
        """Newest first."""
        found = self._found(site, which)
        if before is None:
            return tuple(found[:limit])
        if newer:
            just_newer = [row for row in found if row.id > before]
            return tuple(just_newer[max(0, len(just_newer) - limit) :])
        return tuple([row for row in found if row.id < before][:limit])

    async def get(self, site: SiteId, delivery_id: str) -> Delivery | None:
        """One delivery."""
        found: Delivery | None = self._tables.get("delivery", (site, delivery_id))
        return found

    async def count(self, site: SiteId, which: DeliveryFilter, up_to: int) -> int:
        """How many, at most `up_to`."""
        return min(len(self._found(site, which)), up_to)

    async def waiting(self, site: SiteId) -> tuple[WaitingCount, ...]:
        """How much waits per webhook, by webhook id."""
        found = []
        for webhook in self._tables.of_site("webhook", site):
            ids = sorted(one for one in self._tables.open[site, webhook.id] if one >= waits_from(webhook))
            rows: list[Delivery] = [self._tables.get("delivery", (site, one)) for one in ids]
            if rows:
                found.append(
                    WaitingCount(
                        webhook_id=webhook.id,
                        waiting=len(rows),
                        oldest_at=rows[0].created_at,
                        next_at=min(row.due_at for row in rows),
                    )
                )
        return tuple(found)

    async def carrying(
        self, site: SiteId, event_ids: Sequence[EventId], webhook_id: WebhookId | None = None
    ) -> tuple[Delivery, ...]:
        """Those that carry one of these events, by id."""
        keys = {key[2] for key in self._tables.rows["delivery_event"] if key[0] == site and key[1] in event_ids}
        rows: list[Delivery] = [self._tables.get("delivery", (site, one)) for one in sorted(keys)]
        return tuple(row for row in rows if row is not None and webhook_id in {None, row.webhook_id})

    async def attempts(self, site: SiteId, delivery_id: str) -> tuple[Attempt, ...]:
        """Oldest first."""
        rows = [row for row in self._tables.of_site("attempt", site) if row.delivery_id == delivery_id]
        return tuple(sorted(rows, key=lambda row: (row.number, row.id)))

    async def attempt(self, site: SiteId, attempt_id: str) -> Attempt | None:
        """One attempt."""
        found: Attempt | None = self._tables.get("attempt", (site, attempt_id))
        return found

    async def last_attempts(self, site: SiteId, delivery_ids: Sequence[DeliveryId]) -> tuple[Attempt, ...]:
        """The newest attempt of each delivery that has one, in the order asked."""
        found = [await self.attempts(site, one) for one in dict.fromkeys(delivery_ids)]
        return tuple(rows[-1] for rows in found if rows)


class MemoryDue:
    """`ports.Due`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def _waiting(self, site: str, webhook_id: str) -> list[Delivery]:
        ids = self._tables.open.get((site, webhook_id), set())
        rows: list[Delivery] = [self._tables.get("delivery", (site, one)) for one in ids]
        return sorted(rows, key=lambda row: (row.due_at, row.id))

    async def webhooks(self, up_to: int = COUNT_ALL) -> tuple[tuple[SiteId, WebhookId, int, Instant], ...]:
        """Which webhooks have something waiting, how much, and when the next is due."""
        found = []
        for (site, webhook_id), ids in sorted(self._tables.open.items()):
            if ids:
                first = self._waiting(site, webhook_id)[0]
                found.append((first.site, first.webhook_id, min(len(ids), up_to), first.due_at))
        return tuple(found)

    async def deliveries(
        self, site: SiteId, webhook_id: WebhookId, after: tuple[Instant, str] | None, limit: int
    ) -> tuple[Delivery, ...]:
        """What waits, in order of (due, id)."""
        rows = self._waiting(site, webhook_id)
        return tuple([row for row in rows if after is None or (row.due_at, row.id) > after][:limit])

    async def unreadable(
        self, site: SiteId, webhook_id: WebhookId, after: tuple[Instant, str] | None, limit: int
    ) -> tuple[DeliveryId, ...]:
        """Values in memory can be read."""
        return ()

    async def heads(
        self, site: SiteId, webhook_id: WebhookId, subjects: Sequence[tuple[str, str]], *, or_exhausted: bool
    ) -> tuple[Delivery, ...]:
        """The oldest of each subject that has not ended, or is exhausted; no tests."""
        states = {"waiting", "gathering", "exhausted"} if or_exhausted else {"waiting", "gathering"}
        found: dict[tuple[str, str], Delivery] = {}
        for row in self._tables.of_site("delivery", site):
            if row.webhook_id == webhook_id and row.state in states and row.subject is not None and not row.test:
                subject = (row.subject.type, row.subject.id)
                if subject in subjects:
                    found.setdefault(subject, row)
        return tuple(sorted(found.values(), key=lambda row: row.id))

    async def asked(self, limit: int) -> tuple[Asked, ...]:
        """Oldest first."""
        rows: list[Asked] = list(self._tables.rows["asked"].values())
        return tuple(sorted(rows, key=lambda row: (row.at, row.delivery_id))[:limit])

    async def uncounted(self, limit: int) -> tuple[Attempt, ...]:
        """In the order of their commits."""
        counted = int(self._tables.get("meta", ("counted_to",)) or 0)
        order = self._tables.order
        found = [key for key in self._tables.rows["attempt"] if order[key] > counted]
        return tuple([self._tables.get("attempt", key) for key in sorted(found, key=order.__getitem__)[:limit]])
