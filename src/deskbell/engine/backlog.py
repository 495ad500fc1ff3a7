"""Reads what waits in the database into memory, per webhook, when there is room."""

import asyncio
from collections.abc import Callable

from deskbell.engine.cancelling import Cancelling
from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.lane import Lane
from deskbell.engine.ordered_reading import OrderedReading
from deskbell.engine.parcel import Parcel
from deskbell.model.changes import SetAside, Unit
from deskbell.model.delivery import Delivery, Trigger
from deskbell.model.errors import StoreBroken
from deskbell.model.event import Event
from deskbell.model.ids import EventId, SiteId, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.webhook import WebhookState
from deskbell.rules.settling import starts_as

ROWS_MAX = 500
"""Deliveries of one read."""
EVENTS_AT_ONCE = 100
"""Deliveries whose events are read together: snapshots may be large."""


class Backlog:
    """The owner's reader. A lane that is due, not held and has room is read; nothing else is."""

    def __init__(self, ground: Ground, *, dispatcher: Dispatcher, holding: Holding, cancelling: Cancelling) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._dispatcher = dispatcher
        self._holding = holding
        self._cancelling = cancelling
        self._clock = ground.clock
        self._log = ground.log
        self._random = ground.random
        self._count_max = ground.limits.in_memory_deliveries + 1  # enough to see that not all is in memory
        self._ordered = OrderedReading(ground, dispatcher=dispatcher, holding=holding, load=self._parcels)
        self._wanted: dict[WebhookId, Lane] = {}
        self._wake = asyncio.Event()
        self.on_far: Callable[[SiteId, WebhookId, Instant], None] = lambda site, webhook_id, due_at: None

    def want(self, lane: Lane) -> None:
        """Read this lane soon, if it may send and has room."""
        if not lane.held and not lane.reading and self._holding.room(lane):
            self._wanted[lane.webhook_id] = lane
            self._wake.set()

    async def run(self) -> None:
        """Read the lanes that are wanted, in turns; for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._wanted:
                lane = self._wanted.pop(next(iter(self._wanted)))
                try:
                    await self.read(lane)
                except StoreBroken:
                    raise
                except Exception as error:  # it concerns this lane alone
                    await self._set_aside(lane, error)

    async def poll(self) -> None:
        """Compare with the database: at start, and every few seconds in case a ring was lost."""
        self._cancelling.look()
        for site, webhook_id, waiting, due_at in await self._store.due.webhooks(self._count_max):
            webhook = self._settings.webhook(site, webhook_id)
            if webhook is None or not self._settings.is_fresh(site) or not self._ownership.owns(webhook.shard):
                continue
            if webhook.state is WebhookState.DELETED:
                self._cancelling.begin(webhook)
                continue
            lane = self._dispatcher.lane(site, webhook_id)
            lane.waiting = waiting
            self.on_far(site, webhook_id, due_at)
            if lane.order is not None and lane.order.is_known and self._ownership.alone:
                continue  # it waits for others of its subject
            if waiting > len(lane.members) and not lane.reading:
                lane.missed = True
                self._holding.note(lane, due_at)
                if lane.store_due is not None and lane.store_due <= self._clock.monotonic():
                    self.want(lane)

    async def read(self, lane: Lane) -> None:
        """Read one page of a lane's queue into memory."""
        room = min(ROWS_MAX, self._holding.room(lane))
        if lane.held or lane.reading or room <= 0:
            return
        lane.reading, epoch = True, lane.epoch
        lane.store_due = None
        if lane.cursor is None and lane.order is None:
            lane.missed = False
        try:
            if lane.order is not None:
                await self._ordered.read(lane, lane.order)
            else:
                await self._read_page(lane, room, epoch)
        except BaseException:
            self._holding.note(lane, self._clock.now())
            raise
        finally:
            lane.reading = False
            lane.gone.clear()
        if lane.store_due is not None and lane.store_due <= self._clock.monotonic():
            self.want(lane)

    async def _read_page(self, lane: Lane, room: int, epoch: int) -> None:
        rows = await self._store.due.deliveries(lane.site, lane.webhook_id, lane.cursor, room)
        fresh = self._sort_out(lane, rows, room)
        parcels = await self._parcels(lane.site, fresh)
        if epoch == lane.epoch:
            self._admit(lane, parcels)
        else:
            lane.cursor = None
            self._holding.note(lane, self._clock.now())

    async def _set_aside(self, lane: Lane, error: Exception) -> None:
        """A row of this queue is damaged: end it, so that the others go on. Else the next look tries again."""
        found = await self._store.due.unreadable(lane.site, lane.webhook_id, lane.cursor, ROWS_MAX)
        if not found:
            self._log.error("backlog.failed", site=lane.site, webhook=lane.webhook_id, error=repr(error))
            return
        for delivery_id in found:
            self._log.error("delivery.quarantined", site=lane.site, delivery=delivery_id, error=repr(error))
            change = SetAside(site=lane.site, delivery_id=delivery_id, at=self._clock.now())
            await self._store.commit(Unit(changes=(change,)))
        self.want(lane)

    async def load(self, delivery: Delivery, trigger: Trigger, by: str | None) -> Parcel | None:
        """One delivery with its events, for a manual attempt. None when its webhook's version is gone."""
        parcel = await self._parcel(delivery)
        if parcel is not None:
            parcel.trigger, parcel.by = trigger, by
        return parcel

    def _sort_out(self, lane: Lane, rows: tuple[Delivery, ...], asked: int) -> list[Delivery]:
        """The rows to take, and where the next read goes on."""
        horizon = self._holding.horizon()
        taken: list[Delivery] = []
        for row in rows:
            if row.due_at > horizon:
                self._end(lane)
                self._holding.note(lane, row.due_at)
                return taken
            lane.cursor = (row.due_at, row.id)
            if row.id not in lane.members:
                taken.append(row)
        if len(rows) < asked:
            self._end(lane)
        else:
            self._holding.note(lane, self._clock.now())
        return taken

    def _end(self, lane: Lane) -> None:
        """The queue was read to its end; from the start again if something came in behind the reader."""
        lane.cursor = None
        if lane.missed:
            lane.missed = False
            self._holding.note(lane, self._clock.now())

    def _admit(self, lane: Lane, parcels: list[Parcel]) -> None:
        for parcel in parcels:
            delivery_id = parcel.delivery.id
            if lane.held:
                self._holding.note(lane, parcel.delivery.due_at)
                lane.missed = True
            elif delivery_id not in lane.gone and delivery_id not in lane.members:
                self._holding.keep(lane, parcel)
                if parcel.trigger is Trigger.TEST:
                    self._dispatcher.queue_urgent(lane, parcel)
                else:
                    self._dispatcher.queue(lane, parcel)

    async def _parcels(self, site: SiteId, rows: list[Delivery]) -> list[Parcel]:
        """The same for a page of one webhook: their events are read together, which costs a fraction."""
        parcels: list[Parcel] = []
        for start in range(0, len(rows), EVENTS_AT_ONCE):
            some = rows[start : start + EVENTS_AT_ONCE]
            known = await self._known_events(site, some)
            for row in some:
                events = tuple(known[one] for one in row.event_ids if one in known)
                parcel = await self._parcel(row, events if len(events) == len(row.event_ids) else None)
                if parcel is not None:
                    parcels.append(parcel)
        return parcels

    async def _known_events(self, site: SiteId, rows: list[Delivery]) -> dict[EventId, Event]:
        wanted = list(dict.fromkeys(one for row in rows for one in row.event_ids))
        try:
            return {event.id: event for event in await self._store.events.many(site, wanted)}
        except StoreBroken:
            raise
        except Exception:  # a damaged row among them: one by one tells whose it is
            return {}

    async def _parcel(self, delivery: Delivery, events: tuple[Event, ...] | None = None) -> Parcel | None:
        shape = self._settings.webhook(delivery.site, delivery.webhook_id)
        try:
            shape = await self._settings.version(delivery.site, delivery.webhook_id, delivery.webhook_version) or shape
        except StoreBroken:
            raise
        except Exception:  # a damaged row: the attempt counts a fault, as if an event could not be read
            events = ()
        if shape is None:
            return None
        if events is None:
            events = await self._events(delivery)
        due = self._holding.start_of(delivery, self._random.fraction())
        return Parcel(delivery, events, shape, due, trigger=starts_as(delivery))

    async def _events(self, delivery: Delivery) -> tuple[Event, ...]:
        """Its events, or none at all when a row is missing or cannot be read: the attempt then counts a fault."""
        try:
            found = await self._store.events.many(delivery.site, delivery.event_ids)
        except StoreBroken:
            raise
        except Exception:  # whatever a damaged row raises, it concerns this delivery alone
            return ()
        return found if len(found) == len(delivery.event_ids) else ()
