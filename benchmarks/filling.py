"""Fills a database with a backlog: many deliveries that wait, as they would after a long silence of a receiver.

Usage: python filling.py FILE_OR_URL SITE WEBHOOK VERSION COUNT. Written with the product's own store, in units of
hundreds; the product must not run.
"""

import asyncio
import sys
import time
from pathlib import Path

from deskbell.model.changes import Committed, Insert, Unit
from deskbell.model.delivery import Delivery
from deskbell.model.event import Event, Subject, TraceEntry
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId, make_id, shard_of
from deskbell.model.instant import from_seconds
from deskbell.model.people import SYSTEM
from deskbell.ports import Store
from deskbell.rules.payload import custom_head, finish_snapshot
from deskbell.storage.sqlite import SqliteStore

PER_UNIT, AT_ONCE = 100, 50
WORDS = [
    "printer", "cannot", "order", "invoice", "the", "a", "of", "customer", "Ünal", "asks", "whether", "ticket", "4711",
    "paper", "tray", "is", "in", "on", "fire", "please",
]  # fmt: skip
TEXT = " ".join(WORDS[hash_ % len(WORDS)] + str(hash_ % 97) for hash_ in (n * 2_654_435_761 >> 7 for n in range(190)))
DATA = f'{{"text":"{TEXT[:1_400]}"}}'.encode()
"""About as long, and as dense, as a chat."""


def pair(site: SiteId, webhook: WebhookId, version: int, n: int, ms: int) -> tuple[Event, Delivery]:
    """An event and its delivery."""
    at = from_seconds(ms / 1000)
    event_id = EventId(make_id("evt", unix_ms=ms, chance=n))
    head = custom_head(site, event_id, "custom.load", DATA)
    snapshot = finish_snapshot(
        head, event_id=event_id, event_type="custom.load", sequence=None, occurred_at=at, extra={}
    )
    subject = Subject(type="order", id=str(n % 5000), title=f"Order {n % 5000}")
    delivery_id = DeliveryId(make_id("dlv", unix_ms=ms, chance=n))
    event = Event(
        site=site, id=event_id, type="custom.load", snapshot=snapshot, occurred_at=at, received_at=at, by=SYSTEM,
        subject=subject, trace=(TraceEntry(webhook_id=webhook, reason="matched", delivery_id=delivery_id),),
    )  # fmt: skip
    delivery = Delivery(
        site=site, id=delivery_id, webhook_id=webhook, webhook_version=version,
        shard=shard_of(webhook), event_ids=(event_id,), event_types=("custom.load",), created_at=at, due_at=at,
        subject=subject,
    )  # fmt: skip
    return event, delivery


async def fill(place: str, site: SiteId, webhook: WebhookId, version: int, count: int) -> None:
    """Write `count` of them, the oldest an hour ago."""
    store = await opened(place)
    start_ms = int(time.time() * 1000) - 3_600_000
    units = []
    for first in range(0, count, PER_UNIT):
        rows = [
            row
            for n in range(first, min(count, first + PER_UNIT))
            for row in pair(site, webhook, version, n, start_ms + n // 1000)
        ]
        units.append(Unit(changes=tuple(Insert(row=row) for row in rows)))
        if len(units) == AT_ONCE:
            await commit(store, units)
            units = []
    await commit(store, units)
    await store.close()


async def opened(place: str) -> Store:
    """The store of a file, or of a PostgreSQL URL."""
    if place.startswith("postgresql://"):
        from deskbell.storage.postgres import PostgresStore

        return await PostgresStore.open(place)
    return SqliteStore.open(Path(place))


async def commit(store: Store, units: list[Unit]) -> None:
    """All of them in one transaction."""
    verdicts = await asyncio.gather(*[store.commit(unit) for unit in units])
    assert all(isinstance(one, Committed) for one in verdicts), verdicts


if __name__ == "__main__":
    _, file, a_site, a_webhook, a_version, a_count = sys.argv
    asyncio.run(fill(file, SiteId(a_site), WebhookId(a_webhook), int(a_version), int(a_count)))
