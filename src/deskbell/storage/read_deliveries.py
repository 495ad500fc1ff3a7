"""Reading the hot tables: events, deliveries, attempts, and what is due."""

from collections.abc import Sequence
from typing import Any

from deskbell.model.delivery import Asked, Attempt, Delivery
from deskbell.model.errors import StoreBroken
from deskbell.model.event import Event, Idempotency
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.query import DeliveryFilter, EventFilter, WaitingCount
from deskbell.ports import COUNT_ALL
from deskbell.storage.filters import (
    Conditions,
    Dialect,
    delivery_branches,
    event_conditions,
    is_word_of_database,
    webhooks_of_word,
)
from deskbell.storage.reading import Reads, maker_of, number
from deskbell.storage.rows import delivery_of, event_of, idempotency_of
from deskbell.storage.rows_attempt import attempt_of
from deskbell.storage.words import delivery_texts, holds_word

ROWS_AT_ONCE = 500
"""How many deliveries are looked at for words before more are read."""


class SqlEvents:
    """`ports.Events`."""

    def __init__(self, reads: Reads, dialect: Dialect) -> None:
        self._reads = reads
        self._listed = dialect.listed

    async def page(
        self, site: SiteId, which: EventFilter, before: str | None, limit: int, *, newer: bool = False
    ) -> tuple[Event, ...]:
        """Newest first."""
        found = event_conditions(which)
        is_newer = newer and before is not None
        if before is not None:
            found.add("id > :before" if is_newer else "id < :before", before=before)
        bindings = {"site": site, "limit": limit, **found.bindings}
        blanks = {"conditions": found.text, "direction": "ASC" if is_newer else "DESC"}
        rows = await self._reads.rows("event_page", bindings, event_of, **blanks)
        return rows[::-1] if is_newer else rows

    async def get(self, site: SiteId, event_id: str) -> Event | None:
        """One event."""
        return await self._reads.one("event_get", {"site": site, "id": event_id}, event_of)

    async def many(self, site: SiteId, event_ids: Sequence[EventId]) -> tuple[Event, ...]:
        """Those that exist, in the order asked."""
        bindings = {"site": site, "ids": self._listed(event_ids)}
        rows = await self._reads.rows("event_many", bindings, event_of)
        by_id = {row.id: row for row in rows}
        return tuple(by_id[one] for one in event_ids if one in by_id)

    async def by_external(self, site: SiteId, external_id: str) -> Event | None:
        """The event with the caller's own id."""
        bindings = {"site": site, "external_id": external_id}
        return await self._reads.one("event_by_external", bindings, event_of)

    async def count(self, site: SiteId, which: EventFilter) -> int:
        """How many events."""
        found = event_conditions(which)
        bindings = {"site": site, **found.bindings}
        count = await self._reads.one("event_count", bindings, number, conditions=found.text)
        return count or 0

    async def idempotency(self, site: SiteId, maker: str, key: str) -> Idempotency | None:
        """What a key was used for."""
        bindings = {"site": site, "maker": maker, "key": key}
        return await self._reads.one("idempotency_get", bindings, idempotency_of)


class SqlDeliveries:
    """`ports.Deliveries`."""

    def __init__(self, reads: Reads, dialect: Dialect) -> None:
        self._reads = reads
        self._dialect = dialect

    async def page(
        self, site: SiteId, which: DeliveryFilter, before: str | None, limit: int, *, newer: bool = False
    ) -> tuple[Delivery, ...]:
        """Newest first, merged from the branches of the filter."""
        is_newer = newer and before is not None
        kept: list[Delivery] = []
        while len(kept) < limit:
            found, is_last = await self._piece(site, which, before, limit, is_newer)
            kept += [row for row in found if _has_words(row, which, self._dialect)]
            if is_last:
                break
            before = found[-1].id
        return tuple(sorted(kept[:limit], key=lambda row: row.id, reverse=True))

    async def _piece(
        self, site: SiteId, which: DeliveryFilter, before: str | None, limit: int, is_newer: bool
    ) -> tuple[list[Delivery], bool]:
        """The next rows in the order of walking, and whether there are no more."""
        is_sifted = not all(is_word_of_database(word, self._dialect) for word in which.words)
        size = max(limit, ROWS_AT_ONCE) if is_sifted else limit
        found: list[Delivery] = []
        for one in delivery_branches(which, self._dialect):
            if before is not None:
                one.add("id > :before" if is_newer else "id < :before", before=before)
            found += await self._branch(site, one, "ASC" if is_newer else "DESC", size)
        found.sort(key=lambda row: row.id, reverse=not is_newer)
        return found[:size], not is_sifted or len(found) < size

    async def _branch(self, site: SiteId, one: Conditions, direction: str, limit: int) -> tuple[Delivery, ...]:
        """Up to `limit` rows of one branch: the first `limit` of the whole are among those of all."""
        bindings = {"site": site, "limit": limit, **one.bindings}
        blanks = {"way": one.way, "conditions": one.text, "direction": direction}
        return await self._reads.rows("delivery_branch", bindings, delivery_of, **blanks)

    async def get(self, site: SiteId, delivery_id: str) -> Delivery | None:
        """One delivery."""
        bindings = {"site": site, "id": delivery_id}
        return await self._reads.one("delivery_get", bindings, delivery_of)

    async def count(self, site: SiteId, which: DeliveryFilter, up_to: int) -> int:
        """How many, at most `up_to`."""
        if not all(is_word_of_database(word, self._dialect) for word in which.words):
            return len(await self.page(site, which, None, up_to))
        total = 0
        for one in delivery_branches(which, self._dialect):
            bindings = {"site": site, "limit": up_to - total, **one.bindings}
            blanks = {"way": one.way, "conditions": one.text}
            total += await self._reads.one("delivery_count_branch", bindings, number, **blanks) or 0
            if total >= up_to:
                break
        return total

    async def waiting(self, site: SiteId) -> tuple[WaitingCount, ...]:
        """How much waits per webhook, by webhook id; what is being cancelled does not count."""
        return await self._reads.rows("delivery_waiting", {"site": site}, _waiting_of)

    async def carrying(
        self, site: SiteId, event_ids: Sequence[EventId], webhook_id: WebhookId | None = None
    ) -> tuple[Delivery, ...]:
        """Those that carry one of these events, by id."""
        bindings = {"site": site, "ids": self._dialect.listed(event_ids), "webhook_id": webhook_id}
        return await self._reads.rows("delivery_carrying", bindings, delivery_of)

    async def attempts(self, site: SiteId, delivery_id: str) -> tuple[Attempt, ...]:
        """Oldest first."""
        bindings = {"site": site, "delivery_id": delivery_id}
        return await self._reads.rows("attempt_of_delivery", bindings, attempt_of)

    async def attempt(self, site: SiteId, attempt_id: str) -> Attempt | None:
        """One attempt."""
        bindings = {"site": site, "id": attempt_id}
        return await self._reads.one("attempt_get", bindings, attempt_of)

    async def last_attempts(self, site: SiteId, delivery_ids: Sequence[DeliveryId]) -> tuple[Attempt, ...]:
        """The newest attempt of each delivery that has one, in the order asked."""
        bindings = {"site": site, "ids": self._dialect.listed(tuple(dict.fromkeys(delivery_ids)))}
        rows = await self._reads.rows("attempt_last", bindings, attempt_of)
        newest: dict[DeliveryId, Attempt] = {}
        for row in rows:
            newest.setdefault(row.delivery_id, row)
        return tuple(newest.values())


class SqlDue:
    """`ports.Due`."""

    def __init__(self, reads: Reads, dialect: Dialect) -> None:
        self._reads = reads
        self._listed = dialect.listed

    async def webhooks(self, up_to: int = COUNT_ALL) -> tuple[tuple[SiteId, WebhookId, int, Instant], ...]:
        """Which webhooks have something waiting, how much, and when the next is due."""
        return await self._reads.rows("due_webhooks", {"up_to": up_to}, tuple)

    async def deliveries(
        self, site: SiteId, webhook_id: WebhookId, after: tuple[Instant, str] | None, limit: int
    ) -> tuple[Delivery, ...]:
        """What waits, in order of (due, id)."""
        due_at, key = (-1, "") if after is None else after
        bindings = {"site": site, "webhook_id": webhook_id, "due_at": due_at, "id": key, "limit": limit}
        return await self._reads.rows("due_deliveries", bindings, delivery_of)

    async def unreadable(
        self, site: SiteId, webhook_id: WebhookId, after: tuple[Instant, str] | None, limit: int
    ) -> tuple[DeliveryId, ...]:
        """Found by reading them one by one."""
        due_at, key = (-1, "") if after is None else after
        bindings = {"site": site, "webhook_id": webhook_id, "due_at": due_at, "id": key, "limit": limit}
        found = []
        for (one,) in await self._reads.rows("due_ids", bindings, tuple):
            try:
                await self._reads.one("delivery_get", {"site": site, "id": one}, delivery_of)
            except StoreBroken:
                raise
            except Exception:  # whatever a damaged row raises
                found.append(one)
        return tuple(found)

    async def heads(
        self, site: SiteId, webhook_id: WebhookId, subjects: Sequence[tuple[str, str]], *, or_exhausted: bool
    ) -> tuple[Delivery, ...]:
        """The oldest of each subject that has not ended, or is exhausted; no tests."""
        wanted = tuple(dict.fromkeys(subjects))
        bindings = {
            "site": site,
            "webhook_id": webhook_id,
            "types": self._listed([kind for kind, _ in wanted]),
            "ids": self._listed([key for _, key in wanted]),
            "or_exhausted": or_exhausted,
        }
        return await self._reads.rows("due_heads", bindings, delivery_of)

    async def asked(self, limit: int) -> tuple[Asked, ...]:
        """Oldest first."""
        return await self._reads.rows("due_asked", {"limit": limit}, maker_of(Asked))

    async def uncounted(self, limit: int) -> tuple[Attempt, ...]:
        """In the order of their commits."""
        return await self._reads.rows("due_uncounted", {"limit": limit}, attempt_of)


def _waiting_of(row: Any) -> WaitingCount:
    webhook_id, waiting, oldest_at, next_at = row
    return WaitingCount(webhook_id=webhook_id, waiting=waiting, oldest_at=oldest_at, next_at=next_at)


def _has_words(row: Delivery, which: DeliveryFilter, dialect: Dialect) -> bool:
    """Whether a row has the words that the database did not look for."""
    for place, word in enumerate(which.words):
        if is_word_of_database(word, dialect) or row.webhook_id in webhooks_of_word(which, place):
            continue
        if not holds_word(delivery_texts(row), word):
            return False
    return True
