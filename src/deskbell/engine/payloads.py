"""Payloads to look at: what was or will be sent for a delivery, and what a webhook would get for an event."""

from deskbell.engine.backlog import Backlog
from deskbell.engine.ground import Ground
from deskbell.engine.parcel import Parcel
from deskbell.engine.redeliver import check_content
from deskbell.engine.request import Unreadable, freeze
from deskbell.model.delivery import Delivery, Trigger
from deskbell.model.errors import Invalid, NotFound
from deskbell.model.ids import SiteId, WebhookId


class Payloads:
    """Rendered as the attempt renders them: the bytes are a pure function of stored data."""

    def __init__(self, ground: Ground, *, backlog: Backlog) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._backlog = backlog
        self._kinds = ground.kinds
        self._clock = ground.clock
        self._ids = ground.ids
        self._limits = ground.limits
        self._portal_url = ground.portal_url

    async def of(self, site: SiteId, delivery_id: str) -> bytes | None:
        """The bytes of a delivery; None when they cannot be made any more (erased, or set aside)."""
        delivery = await self._store.deliveries.get(site, delivery_id)
        if delivery is None:
            raise NotFound
        if delivery.payload is not None:
            return delivery.payload
        parcel = await self._backlog.load(delivery, Trigger.MANUAL, None)
        if parcel is None:
            return None
        try:
            return self._rendered(parcel)
        except (Unreadable, ValueError):
            return None

    async def preview(self, site: SiteId, event_id: str, webhook_id: str) -> bytes:
        """The payload that this webhook would get for this event with its present settings. Raises Conflict."""
        await self._settings.fresh(site)
        event = await self._store.events.get(site, event_id)
        webhook = self._settings.webhook(site, WebhookId(webhook_id))
        if event is None or webhook is None:
            raise NotFound
        check_content((event,), 1)
        now = self._clock.now()
        delivery = Delivery(
            site=site,
            id=self._ids.delivery(),
            webhook_id=webhook.id,
            webhook_version=webhook.version,
            shard=webhook.shard,
            event_ids=(event.id,),
            event_types=(event.type,),
            created_at=now,
            due_at=now,
        )
        try:
            return self._rendered(Parcel(delivery, (event,), webhook, 0.0))
        except ValueError as error:
            raise Invalid(f"This webhook's payload cannot be rendered: {error}") from None

    def _rendered(self, parcel: Parcel) -> bytes:
        site = self._settings.site(parcel.delivery.site)
        return self._kinds[parcel.shape.kind].render(freeze(parcel, site, self._portal_url), self._limits).body
