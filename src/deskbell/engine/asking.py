"""Attempts that somebody asks for: a row that the owner of the shard finds, wherever it was asked."""

from dataclasses import replace

from deskbell.engine.backlog import Backlog
from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.may_send import check_may_send
from deskbell.engine.parcel import Parcel
from deskbell.model.changes import Change, DropAsked, Insert, MoveDelivery, Refused, Unit
from deskbell.model.delivery import Asked, Delivery, DeliveryState, Trigger
from deskbell.model.errors import Busy, Conflict, NotFound
from deskbell.model.ids import DeliveryId, SiteId
from deskbell.model.instant import Instant

LOOK_MAX = 1_000
"""Rows of one look."""
SENDING = "This delivery is being sent at this moment."


class Asking:
    """Only the owner makes such an attempt, else a delivery could be in flight twice: the owner's automatic attempt
    and ours. So what is asked is committed first. The ring then only makes it quick; what a lost ring or the end of a
    process leaves behind is found by looking at the rows, every few seconds and at start. The row goes in the unit
    that settles the attempt."""

    def __init__(self, ground: Ground, *, dispatcher: Dispatcher, holding: Holding, backlog: Backlog) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._dispatcher = dispatcher
        self._holding = holding
        self._backlog = backlog
        self._supervisor = ground.supervisor
        self._doorbell = ground.doorbell
        self._clock = ground.clock
        self._behind: set[DeliveryId] = set()  # asked for while an attempt was in flight
        self._looks = 0
        self._over: set[DeliveryId] = set()  # attempts that were settled during the looks that go on

    async def ask(self, delivery: Delivery, by: str, *changes: Change) -> None:
        """Have one attempt made, ahead of the queue. Raises Conflict when one is asked for already, or Busy."""
        asked = asked_for(delivery, self._clock.now(), by)
        verdict = await self._store.commit(Unit(changes=(*changes, Insert(row=asked))))
        if isinstance(verdict, Refused):
            raise Conflict(SENDING, reason="sending") if verdict.reason == "exists" else Busy(reason=verdict.reason)
        if self._ownership.owns(asked.shard):
            await self.look()
        else:
            self._doorbell.ring("asked", (asked.site, asked.delivery_id, asked.shard))

    async def look(self) -> None:
        """Make the attempts that were asked for: here or at another node, now or before this process began."""
        self._looks += 1
        try:
            for asked in await self._store.due.asked(LOOK_MAX):
                if self._ownership.owns(asked.shard) and not self._settings.unreadable.has_site(asked.site):
                    await self._take(asked)
        finally:
            self._looks -= 1
            if not self._looks:
                self._over.clear()

    def settled(self, delivery_id: DeliveryId) -> None:
        """An attempt is over: if somebody asked for another one meanwhile, it is made now."""
        if self._looks:
            self._over.add(delivery_id)
        if delivery_id in self._behind:
            self._behind.discard(delivery_id)
            self._supervisor.errand("asked", self.look)

    async def _take(self, asked: Asked) -> None:
        """What is in flight already is left alone: the row stays, and is looked for when that is over."""
        parcel = await self._parcel(asked)
        if parcel is None:
            await self._give_up(asked.site, asked.delivery_id)
            return
        if asked.delivery_id in self._over:  # while we read: the row and the delivery may be out of date
            self._supervisor.errand("asked", self.look)
            return
        trigger, lane = parcel.trigger, self._dispatcher.lane(asked.site, asked.webhook_id)
        parcel = lane.members.get(asked.delivery_id, parcel)
        is_queued = parcel.trigger is trigger and asked.delivery_id in lane.members
        if parcel.sending:
            self._behind.add(asked.delivery_id)
        if parcel.sending or is_queued or not self._ownership.owns(asked.shard):
            return
        parcel.trigger, parcel.by, parcel.due = trigger, asked.by, self._clock.monotonic()
        self._holding.keep(lane, parcel)
        self._dispatcher.queue_urgent(lane, parcel)

    def give_up(self, parcel: Parcel) -> None:
        """It may not be sent any more, in the moment in which it would have been."""
        delivery = parcel.delivery
        lane = self._dispatcher.lane(delivery.site, delivery.webhook_id)
        self._holding.forget(lane, parcel)
        if delivery.state is DeliveryState.WAITING and not delivery.test:
            self._holding.behind(delivery.site, delivery.webhook_id)
        self._supervisor.errand("give up", lambda: self._give_up(delivery.site, delivery.id))

    async def _give_up(self, site: SiteId, delivery_id: DeliveryId) -> None:
        """Nobody waits for it any more; a test, which nobody would expect later, is cancelled."""
        changes: tuple[Change, ...] = (DropAsked(site=site, delivery_id=delivery_id),)
        delivery = await self._store.deliveries.get(site, delivery_id)
        if delivery is None or not delivery.test or delivery.state is not DeliveryState.WAITING:
            await self._store.commit(Unit(changes=changes))
            return
        after = replace(delivery, state=DeliveryState.CANCELLED, ended_at=self._clock.now())
        cancel = MoveDelivery(after=after, expected=DeliveryState.WAITING)
        if not isinstance(await self._store.commit(Unit(changes=(cancel, *changes))), Refused):
            self._doorbell.ring("delivery", after)

    async def _parcel(self, asked: Asked) -> Parcel | None:
        """None when it cannot be sent any more: it is gone, or its webhook was disabled since somebody asked."""
        await self._settings.fresh(asked.site)
        try:
            check_may_send(self._settings, asked.site, asked.webhook_id, test=asked.by is None)
        except (Conflict, NotFound):
            return None
        delivery = await self._store.deliveries.get(asked.site, asked.delivery_id)
        if delivery is None:
            return None
        is_test = asked.by is None or (delivery.test and not delivery.attempts)
        return await self._backlog.load(delivery, Trigger.TEST if is_test else Trigger.MANUAL, asked.by)


def asked_for(delivery: Delivery, at: Instant, by: str | None) -> Asked:
    """The row; without a name it is a test."""
    return Asked(
        site=delivery.site,
        delivery_id=delivery.id,
        webhook_id=delivery.webhook_id,
        shard=delivery.shard,
        at=at,
        by=by,
    )
