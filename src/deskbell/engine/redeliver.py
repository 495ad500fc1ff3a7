"""What a person does to one delivery: one attempt now, the same with today's settings, or cancel it."""

from collections.abc import Sequence
from dataclasses import replace

from deskbell.engine.asking import SENDING, Asking
from deskbell.engine.backlog import Backlog
from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.may_send import check_may_send
from deskbell.model.changes import Insert, MoveDelivery, Refused, Unit
from deskbell.model.delivery import ENDED, Delivery, DeliveryState, Trigger
from deskbell.model.errors import Busy, Conflict, NotFound
from deskbell.model.event import Event
from deskbell.model.ids import SiteId
from deskbell.rules.ordering import holds_others
from deskbell.rules.renewing import made_anew


class Redeliver:
    """Manual attempts use no step of the schedule; their failure changes neither state nor schedule."""

    def __init__(self, ground: Ground, *, holding: Holding, backlog: Backlog, asking: Asking) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._holding = holding
        self._backlog = backlog
        self._asking = asking
        self._doorbell = ground.doorbell
        self._clock = ground.clock
        self._ids = ground.ids
        self._tally = ground.tally
        self._ownership = ground.ownership

    async def redeliver(self, site: SiteId, delivery_id: str, by: str) -> Delivery:
        """Queue one attempt ahead of everything. Raises NotFound, or Conflict when it may not be sent now."""
        await self._settings.fresh(site)
        delivery = await self._find(site, delivery_id)
        check_may_send(self._settings, site, delivery.webhook_id)
        if delivery.state is DeliveryState.GATHERING:
            raise Conflict("This delivery still gathers events; it is sent when it is complete.", reason="gathering")
        known = self._holding.find(delivery.webhook_id, delivery.id)
        parcel = await self._backlog.load(delivery, Trigger.MANUAL, by) if known is None else known[1]
        if parcel is None:
            raise Conflict("The webhook's settings of that time are gone.", reason="version_gone")
        check_content(parcel.events, len(parcel.events))
        if parcel.sending:
            raise Conflict(SENDING, reason="sending")
        await self._asking.ask(delivery, by)
        return delivery

    async def again(self, site: SiteId, delivery_id: str, by: str) -> Delivery:
        """A new delivery of the same events with the webhook as it is now. Raises NotFound, or Conflict as above."""
        await self._settings.fresh(site)
        old = await self._find(site, delivery_id)
        webhook = check_may_send(self._settings, site, old.webhook_id)
        if old.state is DeliveryState.GATHERING:
            raise Conflict("This delivery still gathers events; it is sent when it is complete.", reason="gathering")
        events = await self._store.events.many(site, old.event_ids)
        check_content(events, len(old.event_ids))
        row = made_anew(webhook, events, delivery_id=self._ids.delivery(), now=self._clock.now(), copy_of=old)
        await self._asking.ask(row, by, Insert(row=row))
        self._tally.deliveries += 1
        self._doorbell.ring("delivery", row)
        return row

    async def cancel(self, site: SiteId, delivery_id: str) -> Delivery:
        """Cancel a waiting delivery, or an exhausted one that holds others. Raises NotFound, or Conflict otherwise."""
        delivery = await self._find(site, delivery_id)
        if delivery.state in ENDED and not holds_others(delivery, self._settings.webhook(site, delivery.webhook_id)):
            raise Conflict(f"This delivery has ended: it is {delivery.state.value}.", reason="ended")
        after = replace(delivery, state=DeliveryState.CANCELLED, ended_at=self._clock.now())
        verdict = await self._store.commit(Unit(changes=(MoveDelivery(after=after, expected=delivery.state),)))
        if isinstance(verdict, Refused):
            if verdict.reason == "state":
                raise Conflict("This delivery was sent at this moment. Look at it again.", reason="ended")
            raise Busy
        self._holding.cancelled(site, delivery.webhook_id, delivery.id)
        if not self._ownership.alone:  # the owner may have it in memory; else its next settle is refused
            self._doorbell.ring("cancelled", (site, delivery.webhook_id, delivery.id))
        self._doorbell.ring("delivery", after)
        return after

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
