"""What stores should hold, as plain dictionaries: no queue, no index, no transaction, no concurrency."""

from collections import Counter
from dataclasses import replace
from typing import Any

from deskbell.model.delivery import ENDED, Asked, Attempt, Delivery, DeliveryState
from deskbell.model.event import Event
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.query import WaitingCount
from deskbell.model.site import Site
from deskbell.model.webhook import Health, Secret, Webhook, WebhookState

Key = tuple[SiteId, str]
OPEN = (DeliveryState.WAITING, DeliveryState.GATHERING)
SETTLED = (
    "state", "due_at", "attempts", "step", "internal_faults", "last_outcome", "last_status", "ended_at",
    "payload_bytes", "payload",
)  # fmt: skip
"""What a settle writes."""


class Book:
    """Rows by site and id, shards by number, in the order in which they were written."""

    def __init__(self) -> None:
        self.sites: dict[SiteId, Site] = {}
        self.webhooks: dict[Key, Webhook] = {}
        self.secrets: dict[Key, Secret] = {}
        self.events: dict[Key, Event] = {}
        self.deliveries: dict[Key, Delivery] = {}
        self.attempts: dict[Key, Attempt] = {}
        self.health: dict[Key, Health] = {}
        self.asked: dict[Key, Asked] = {}
        self.audited: Counter[SiteId] = Counter()
        self.created: Counter[SiteId] = Counter()  # deliveries
        self.now = 0.0
        self.alive: dict[str, float] = {}
        self.fences: dict[int, int] = {}
        self.owners: dict[int, tuple[str, float]] = {}

    def settle(self, attempt: Attempt, after: Delivery) -> None:
        """An attempt was made."""
        self.attempts[after.site, attempt.id] = attempt
        old = self.deliveries[after.site, after.id]
        self.deliveries[after.site, after.id] = replace(old, **{name: getattr(after, name) for name in SETTLED})

    def cancel(self, webhook: Webhook, at: Instant) -> int:
        """Everything that waits for it is cancelled; how many."""
        rows = self.open_of(webhook)
        for row in rows:
            self.deliveries[row.site, row.id] = replace(row, state=DeliveryState.CANCELLED, ended_at=at)
        return len(rows)

    def open_of(self, webhook: Webhook) -> list[Delivery]:
        """What waits or gathers for a webhook, by due time."""
        mine = [row for row in self.rows(self.deliveries, webhook.site) if row.webhook_id == webhook.id]
        return sorted((row for row in mine if row.state in OPEN), key=lambda row: (row.due_at, row.id))

    def rows(self, table: dict[Key, Any], site: SiteId) -> list[Any]:
        """A site's rows, by id."""
        return [row for (name, _), row in sorted(table.items()) if name == site]

    def owner(self, shard: int) -> str | None:
        """Who holds a shard at this moment."""
        name, until = self.owners.get(shard, ("", 0.0))
        return name if until > self.now else None

    def beat(self, node: str, lease_s: float) -> None:
        """It lives, and what it still holds is renewed."""
        self.alive[node] = self.now + lease_s
        for shard in self.owners:
            if self.owner(shard) == node:
                self.owners[shard] = (node, self.now + lease_s)

    def take(self, node: str, shards: list[int], lease_s: float) -> dict[int, int]:
        """The fences of those that were free."""
        free = [shard for shard in shards if self.owner(shard) is None]
        for shard in free:
            self.owners[shard] = (node, self.now + lease_s)
            self.fences[shard] = self.fences.get(shard, 0) + 1
        return {shard: self.fences[shard] for shard in free}

    def hand_over(self, node: str, shards: list[int]) -> None:
        """Free at once."""
        for shard in shards:
            if self.owners.get(shard, ("", 0.0))[0] == node:
                del self.owners[shard]

    def waiting(self, site: SiteId) -> tuple[WaitingCount, ...]:
        """How much waits for each webhook that is not deleted."""
        found = []
        for webhook in self.rows(self.webhooks, site):
            rows = self.open_of(webhook)
            if rows and webhook.state != WebhookState.DELETED:
                oldest = min(rows, key=lambda row: row.id)
                found.append(
                    WaitingCount(
                        webhook_id=webhook.id,
                        waiting=len(rows),
                        oldest_at=oldest.created_at,
                        next_at=rows[0].due_at,
                    )
                )
        return tuple(found)

    def due(self) -> list[tuple[SiteId, str, int, Instant]]:
        """Which webhooks have something waiting, how much, and when the next is due."""
        found = [(key, self.open_of(webhook)) for key, webhook in sorted(self.webhooks.items())]
        return [(*key, len(rows), rows[0].due_at) for key, rows in found if rows]

    def by_state(self, site: SiteId) -> Counter[str]:
        """How many deliveries are in each state."""
        return Counter(row.state for row in self.rows(self.deliveries, site))

    def ended(self, site: SiteId) -> int:
        """How many deliveries have ended."""
        return sum(row.state in ENDED for row in self.rows(self.deliveries, site))
