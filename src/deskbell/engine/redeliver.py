"""What a person does to one delivery: one attempt now, the same with today's settings, or cancel it."""

from collections.abc import Sequence
from dataclasses import replace

from deskbell.engine.backlog import Backlog
from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.parcel import Parcel
from deskbell.model.changes import Insert, MoveDelivery, Refused, Unit
from deskbell.model.delivery import ENDED, Delivery, DeliveryState, Trigger
from deskbell.model.errors import Busy, Conflict, NotFound
from deskbell.model.event import Event
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.renewing import made_anew


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
        self._ids = ground.ids
        self._tally = ground.tally
        self._ownership = ground.ownership

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
        check_content(parcel.events, len(parcel.events))
        if parcel.sending or (parcel.trigger is Trigger.MANUAL and delivery.id in lane.members):
            raise Conflict("This delivery is being sent at this moment.", reason="sending")
        parcel.trigger, parcel.by, parcel.due = Trigger.MANUAL, by, self._clock.monotonic()
        self._holding.keep(lane, parcel)
        self._dispatcher.queue_urgent(lane, parcel)
        return delivery

    async def again(self, site: SiteId, delivery_id: str, by: str) -> Delivery:
        """A new delivery of the same events with the webhook as it is now. Raises NotFound, or Conflict as above."""
        await self._settings.fresh(site)
        old = await self._find(site, delivery_id)
        webhook = self.check_may_send(site, old.webhook_id)
        if old.state is DeliveryState.GATHERING:
            raise Conflict("This delivery still gathers events; it is sent when it is complete.", reason="gathering")
        events = await self._store.events.many(site, old.event_ids)
        check_content(events, len(old.event_ids))
        row = made_anew(webhook, events, delivery_id=self._ids.delivery(), now=self._clock.now(), copy_of=old)
        if isinstance(await self._store.commit(Unit(changes=(Insert(row=row),))), Refused):
            raise Busy
        self._tally.deliveries += 1
        if self._ownership.owns(row.shard):
            due, trigger = self._clock.monotonic(), Trigger.TEST if row.test else Trigger.MANUAL
            parcel = Parcel(row, events, webhook, due, trigger=trigger, by=by)
            lane = self._dispatcher.lane(site, webhook.id)
            self._holding.keep(lane, parcel)
            self._dispatcher.queue_urgent(lane, parcel)
        else:
            self._doorbell.ring("due", (site, webhook.id, row.shard))
        self._doorbell.ring("delivery", row)
        return row

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

    def check_may_send(self, site: SiteId, webhook_id: WebhookId, *, test: bool = False) -> Webhook:
        """The webhook. Raises Conflict while the slider is off or, but for a test, it is disabled; paused is fine."""
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
        return webhook

    async def _find(self, site: SiteId, delivery_id: str) -> Delivery:
        delivery = await self._store.deliveries.get(site, delivery_id)
        if delivery is None:
            raise NotFound
        return delivery


def check_content(events: Sequence[Event], count: int) -> None:
    """Raises Conflict when there is nothing left to send: it was erased, or is past its retention."""
    if any(one.is_erased for one in events):
        raise Conflict("Its content was erased on request. It can never be sent again.", reason="erased")
    if len(events) < count:
        raise Conflict("Its events are no longer kept, so it cannot be made anew.", reason="events_gone")
