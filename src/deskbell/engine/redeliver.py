"""What a person does to one delivery: one attempt now, or cancel it."""

from dataclasses import replace

from deskbell.engine.backlog import Backlog
from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.model.changes import MoveDelivery, Refused, Unit
from deskbell.model.delivery import ENDED, Delivery, DeliveryState, Trigger
from deskbell.model.errors import Busy, Conflict, NotFound
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.webhook import WebhookState


class Redeliver:
    """Manual attempts use no step of the schedule; their failure changes neither state nor schedule."""

    def __init__(self, ground: Ground, *, dispatcher: Dispatcher, holding: Holding, backlog: Backlog) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._dispatcher = dispatcher
        self._holding = holding
        self._backlog = backlog
        self._doorbell = ground.doorbell
        self._clock = ground.clock

    async def redeliver(self, site: SiteId, delivery_id: str, by: str) -> Delivery:
        """Queue one attempt ahead of everything. Raises NotFound, or Conflict when it may not be sent now."""
        await self._settings.fresh(site)
        delivery = await self._find(site, delivery_id)
        self.check_may_send(site, delivery.webhook_id)
        if delivery.state is DeliveryState.GATHERING:
            raise Conflict("This delivery still gathers events; it is sent when it is complete.", reason="gathering")
        known = self._holding.find(delivery.webhook_id, delivery.id)
        lane = self._dispatcher.lane(site, delivery.webhook_id)
        if known is None:
            parcel = await self._backlog.load(delivery, Trigger.MANUAL, by)
            if parcel is None:
                raise Conflict("The webhook's settings of that time are gone.", reason="version_gone")
            known = self._holding.find(delivery.webhook_id, delivery.id) or (lane, parcel)
        lane, parcel = known
        if parcel.sending or (parcel.trigger is Trigger.MANUAL and delivery.id in lane.members):
            raise Conflict("This delivery is being sent at this moment.", reason="sending")
        parcel.trigger, parcel.by, parcel.due = Trigger.MANUAL, by, self._clock.monotonic()
        self._holding.keep(lane, parcel)
        self._dispatcher.queue_urgent(lane, parcel)
        return delivery

    async def cancel(self, site: SiteId, delivery_id: str) -> Delivery:
        """Cancel a waiting delivery. Raises NotFound, or Conflict when it has ended."""
        delivery = await self._find(site, delivery_id)
        if delivery.state in ENDED:
            raise Conflict(f"This delivery has ended: it is {delivery.state.value}.", reason="ended")
        after = replace(delivery, state=DeliveryState.CANCELLED, ended_at=self._clock.now())
        verdict = await self._store.commit(Unit(changes=(MoveDelivery(after=after, expected=delivery.state),)))
        if isinstance(verdict, Refused):
            if verdict.reason == "state":
                raise Conflict("This delivery was sent at this moment. Look at it again.", reason="ended")
            raise Busy
        known = self._holding.find(delivery.webhook_id, delivery.id)
        if known is not None and not known[1].sending:
            self._holding.forget(*known)
        self._doorbell.ring("delivery", after)
        return after

    def check_may_send(self, site: SiteId, webhook_id: WebhookId, *, test: bool = False) -> None:
        """Raises Conflict while the slider is off or, but for a test, the webhook is disabled; paused is fine."""
        known, webhook = self._settings.site(site), self._settings.webhook(site, webhook_id)
        if known is None or webhook is None:
            raise NotFound
        if webhook.state is WebhookState.DELETED:
            raise Conflict("This webhook is deleted. Restore it first.", reason="deleted")
        if not known.webhooks_enabled:
            raise Conflict("Webhooks are off for this site. Switch them on first.", reason="off")
        if known.holds(webhook_id):
            raise Conflict("A backup was restored: first answer what is to be sent.", reason="restored")
        if webhook.state is WebhookState.DISABLED and not test:
            raise Conflict("This webhook is disabled. Enable it first.", reason="disabled")

    async def _find(self, site: SiteId, delivery_id: str) -> Delivery:
        delivery = await self._store.deliveries.get(site, delivery_id)
        if delivery is None:
            raise NotFound
        return delivery
