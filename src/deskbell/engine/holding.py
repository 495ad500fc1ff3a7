"""Which deliveries are in memory. What does not fit waits in the database and is read when there is room."""

from collections.abc import Sequence

from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.lane import Lane
from deskbell.engine.line import Key, key_of
from deskbell.engine.order import Order
from deskbell.engine.parcel import Parcel
from deskbell.model.delivery import Delivery, DeliveryState, Trigger
from deskbell.model.event import Event
from deskbell.model.ids import DeliveryId, SiteId, WebhookId
from deskbell.model.instant import TICKS_PER_SECOND, Instant, plus
from deskbell.ports import Clock
from deskbell.rules.clocks import Skip
from deskbell.rules.limits import Limits

HORIZON_S = 30.0
"""What is due later than this is not kept in memory."""
_ALWAYS = 2
"""Times the cap in flight: so many of each webhook fit whatever the others hold, so that none starves."""
_SHARE = 10
"""One webhook holds at most this part of the memory."""


class Holding:
    """The membership of lanes and the bounds of memory."""

    def __init__(self, *, dispatcher: Dispatcher, clock: Clock, limits: Limits) -> None:
        self._dispatcher = dispatcher
        self._clock = clock
        self._limits = limits
        self.count = 0
        self.size_bytes = 0
        self.skip: Skip | None = None  # the last time that never was

    def room(self, lane: Lane) -> int:
        """How many more deliveries of this webhook fit into memory."""
        limits = self._limits
        least = _ALWAYS * limits.in_flight_per_webhook - len(lane.members)
        if self.size_bytes >= limits.in_memory_bytes:
            return max(0, least)
        share = max(1, limits.in_memory_deliveries // _SHARE) - len(lane.members)
        return max(0, least, min(share, limits.in_memory_deliveries - self.count))

    def monotonic_due(self, due_at: Instant) -> float:
        """A due time of the wall clock as monotonic time; later jumps of the wall clock do not move it."""
        return self._clock.monotonic() + (due_at - self._clock.now()) / TICKS_PER_SECOND

    def start_of(self, delivery: Delivery, fraction: float) -> float:
        """When a delivery of the database starts; `fraction` is chance, for retries that a set clock made overdue."""
        if self.skip is not None and delivery.attempts:
            spread = self.skip.start_of(delivery.due_at, fraction)
            if spread is not None:
                return spread
        return self.monotonic_due(delivery.due_at)

    def admit(self, parcel: Parcel) -> None:
        """Take a committed delivery straight into memory, or leave it in the database for the reader."""
        lane = self._dispatcher.lane(parcel.delivery.site, parcel.delivery.webhook_id)
        if parcel.delivery.id in lane.members:  # the reader saw the commit before we were told of it
            return
        if lane.order is not None and (key := key_of(parcel.delivery)) is not None:
            self._admit_in_order(lane, lane.order, key, parcel)
            return
        overdue = lane.store_due is not None and lane.store_due <= self._clock.monotonic()
        behind = overdue and not lane.reading  # newer ones must not fill the room of older ones
        if lane.held or behind or not self.room(lane) or self._is_far(parcel):
            lane.missed = True
            self.note(lane, parcel.delivery.due_at)
            return
        self.keep(lane, parcel)
        self._dispatcher.queue(lane, parcel)

    def _admit_in_order(self, lane: Lane, order: Order, key: Key, parcel: Parcel) -> None:
        """It goes if nothing of its subject is before it, else it waits in memory or in the database."""
        if lane.held:
            lane.missed = True
            self.note(lane, parcel.delivery.due_at)
            return
        room, share = self.room(lane), self._limits.in_memory_deliveries // _SHARE
        has_room = room > 0 and not self._is_far(parcel)
        if order.arrives(parcel, key, has_room=has_room, has_much=has_room and 2 * room > share):
            self.keep(lane, parcel)
            self._dispatcher.queue(lane, parcel)
        if order.wanted:
            self.look(lane)

    def let_go(self, lane: Lane) -> None:
        """What waits in vain for its turn leaves memory; what is being sent does so later."""
        while lane.order is not None and lane.order.loose:
            parcel = lane.order.loose.pop()
            if not parcel.sending:
                self.forget(lane, parcel)

    def cancelled(self, site: SiteId, webhook_id: WebhookId, delivery_id: DeliveryId) -> None:
        """Somebody cancelled a delivery: it leaves memory, and others of its subject wait for it no more."""
        lane = self._dispatcher.lane(site, webhook_id)
        parcel = lane.members.get(delivery_id)
        if parcel is not None and not parcel.sending:
            self.forget(lane, parcel)
        if lane.order is not None:
            lane.order.cancelled(delivery_id)
            self.look(lane)

    def behind(self, site: SiteId, webhook_id: WebhookId) -> None:
        """Something of this webhook is in the database that did not come by here: read it when there is room."""
        lane = self._dispatcher.lane(site, webhook_id)
        lane.missed = True
        self.note(lane, self._clock.now())

    def keep(self, lane: Lane, parcel: Parcel) -> None:
        """Count the parcel as in memory."""
        if parcel.delivery.id not in lane.members:
            self.count += 1
            self.size_bytes += parcel.size_bytes
        lane.members[parcel.delivery.id] = parcel

    def grow(self, parcel: Parcel, after: Delivery, events: Sequence[Event]) -> None:
        """Events have joined a parcel that gathers in memory."""
        self.size_bytes -= parcel.size_bytes
        parcel.delivery, parcel.events = after, (*parcel.events, *events)
        self.size_bytes += parcel.size_bytes

    def forget(self, lane: Lane, parcel: Parcel) -> None:
        """Let the parcel go out of memory; if it has not ended, the database has it."""
        if lane.members.get(parcel.delivery.id) is not parcel:
            return
        del lane.members[parcel.delivery.id]
        parcel.turn += 1
        self.count -= 1
        self.size_bytes -= parcel.size_bytes
        if lane.reading:
            lane.gone.add(parcel.delivery.id)
        elif lane.store_due is not None and lane.store_due <= self._clock.monotonic():
            self._dispatcher.on_lane_due(lane)
        if lane.order is not None:
            self._promote(lane, lane.order, parcel)

    def _promote(self, lane: Lane, order: Order, gone: Parcel) -> None:
        """The next of the subject goes, or is asked for."""
        following = order.left(gone)
        if following is not None and following.trigger in (Trigger.AUTOMATIC, Trigger.REPLAY):
            self._dispatcher.queue(lane, following)
        if order.loose:
            self.let_go(lane)
        if order.wanted:
            self.look(lane)

    def reschedule(self, lane: Lane, parcel: Parcel, after: Delivery) -> None:
        """After a settle: keep a delivery that goes on soon, let go of everything else."""
        parcel.sending = False
        if after.state is not DeliveryState.WAITING:
            self.forget(lane, parcel)
            return
        parcel.due = self.monotonic_due(after.due_at)
        is_behind = lane.order is not None and not lane.order.may_go(parcel)  # it was sent by hand
        if lane.held or is_behind or parcel.due > self._clock.monotonic() + HORIZON_S:
            self.forget(lane, parcel)
            self.note(lane, after.due_at)
            return
        self._dispatcher.queue(lane, parcel)

    def note(self, lane: Lane, due_at: Instant) -> None:
        """Remember that the database holds something of this webhook that is due then."""
        due = max(self._clock.monotonic(), self.monotonic_due(due_at))
        if lane.order is not None and (lane.order.scan_at is None or due < lane.order.scan_at):
            lane.order.scan_at = due
        self._wake_at(lane, due)

    def look(self, lane: Lane, pause_s: float = 0.0) -> None:
        """Have the reader look at this lane, after so many seconds."""
        self._wake_at(lane, self._clock.monotonic() + pause_s)

    def _wake_at(self, lane: Lane, due: float) -> None:
        now = self._clock.monotonic()
        if lane.store_due is not None and lane.store_due <= due:
            return
        lane.store_due = due
        if due <= now:
            self._dispatcher.on_lane_due(lane)
        else:
            self._dispatcher.at(due, lane)

    def moved(self, lane: Lane, after: Delivery) -> None:
        """The database has another due time for this delivery; what is in memory goes by the monotonic clock."""
        parcel = lane.members.get(after.id)
        if parcel is None:
            lane.missed = True
            self.note(lane, after.due_at)
        elif not parcel.sending:
            parcel.delivery = after

    def release(self, lane: Lane, *, by_hand: bool = False) -> None:
        """Let go of every idle parcel that nobody sends by hand, or of those too: the database may say otherwise."""
        order, lane.order = lane.order, None
        for parcel in lane.idle():
            if by_hand or parcel.trigger in (Trigger.AUTOMATIC, Trigger.REPLAY):
                self.forget(lane, parcel)
        lane.gathering.clear()  # of a version that may be past
        lane.first.clear()
        lane.retries.clear()
        lane.cursor = None
        lane.missed = True
        lane.epoch += 1
        lane.order = None if order is None else order.blank()

    def find(self, webhook_id: WebhookId, delivery_id: str) -> tuple[Lane, Parcel] | None:
        """A delivery that is in memory."""
        lane = self._dispatcher.lanes.get(webhook_id)
        if lane is None:
            return None
        parcel = lane.members.get(DeliveryId(delivery_id))
        return None if parcel is None else (lane, parcel)

    def horizon(self) -> Instant:
        """Up to which due time the reader takes deliveries into memory."""
        return plus(self._clock.now(), HORIZON_S)

    def _is_far(self, parcel: Parcel) -> bool:
        """Whether it gathers for so long that the database keeps it until then."""
        gathers = parcel.delivery.state is DeliveryState.GATHERING
        return gathers and parcel.due > self._clock.monotonic() + HORIZON_S
