"""Sending an event to a webhook that did not get it: somebody asks for a delivery although it did not match."""

import json
from dataclasses import dataclass

from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.may_send import check_may_send
from deskbell.engine.parcel import Parcel
from deskbell.engine.redeliver import check_content
from deskbell.model.audit import AuditEntry, Origin
from deskbell.model.changes import Insert, Refused, Unit
from deskbell.model.delivery import Delivery
from deskbell.model.errors import Busy, Conflict, NotFound
from deskbell.model.event import Event
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.people import Actor
from deskbell.model.webhook import Webhook
from deskbell.rules.renewing import made_anew


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which event is to go to which webhook, and who wants it."""

    site: SiteId
    event_id: str
    webhook_id: str
    by: Actor
    origin: Origin


class Anyway:
    """A new delivery of a stored event, with the webhook as it is now and its whole schedule."""

    def __init__(self, ground: Ground, *, holding: Holding) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._holding = holding
        self._doorbell = ground.doorbell
        self._clock = ground.clock
        self._ids = ground.ids
        self._tally = ground.tally
        self._under_way: set[tuple[str, str]] = set()  # asked twice at the same moment, it is made once

    async def send(self, wanted: Wanted) -> Delivery:
        """Raises NotFound, or Conflict when it has a delivery there already, or may not be sent now."""
        key = (wanted.event_id, wanted.webhook_id)
        if key in self._under_way:
            raise Conflict("This event is being sent to this webhook at this moment.", reason="exists")
        self._under_way.add(key)
        try:
            return await self._send(wanted)
        finally:
            self._under_way.discard(key)

    async def _send(self, wanted: Wanted) -> Delivery:
        await self._settings.fresh(wanted.site)
        event = await self._store.events.get(wanted.site, wanted.event_id)
        if event is None:
            raise NotFound
        webhook = check_may_send(self._settings, wanted.site, WebhookId(wanted.webhook_id))
        check_content((event,), 1)
        known = await self._store.deliveries.carrying(wanted.site, (event.id,), webhook.id)
        if known:
            detail = f"This webhook has a delivery of this event: {known[-1].id}. Send that one again."
            raise Conflict(detail, reason="exists")
        row = made_anew(webhook, (event,), delivery_id=self._ids.delivery(), now=self._clock.now())
        verdict = await self._store.commit(Unit(changes=(Insert(row=row),), audit=self._entry(wanted, row)))
        if isinstance(verdict, Refused):
            raise Busy(reason=verdict.reason)
        self._committed(row, event, webhook)
        return row

    def _committed(self, row: Delivery, event: Event, webhook: Webhook) -> None:
        self._tally.deliveries += 1
        if self._ownership.owns(row.shard):
            self._holding.admit(Parcel(row, (event,), webhook, self._clock.monotonic()))
        else:
            self._doorbell.ring("due", (row.site, row.webhook_id, row.shard))
        self._doorbell.ring("delivery", row)

    def _entry(self, wanted: Wanted, row: Delivery) -> AuditEntry:
        return AuditEntry(
            site=wanted.site,
            at=self._clock.now(),
            actor=wanted.by,
            operation="event.send",
            object_id=wanted.event_id,
            address=wanted.origin.address,
            request_id=wanted.origin.request_id,
            after=json.dumps({"webhookId": row.webhook_id, "deliveryId": row.id}),
        )
