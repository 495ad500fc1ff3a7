"""What one call of `publish` puts into deliveries that take several events: new ones, and joins of older ones."""

from deskbell.engine.gathering import Gathering, Key, key_of
from deskbell.engine.gatherings import Gatherings
from deskbell.engine.ids import Ids
from deskbell.engine.parcel import Parcel
from deskbell.model.changes import Change, Insert, Join
from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.draft import Draft
from deskbell.model.event import Event
from deskbell.model.ids import DeliveryId
from deskbell.model.instant import Instant
from deskbell.model.webhook import Webhook
from deskbell.rules.batching import common_subject, falls_due, is_full


class Part:
    """The events of this call that go into one delivery."""

    __slots__ = ("events", "gathering", "is_closed", "join", "parcel", "webhook")

    def __init__(self, webhook: Webhook, gathering: Gathering) -> None:
        self.webhook = webhook
        self.gathering = gathering
        self.events: list[Event] = []
        self.is_closed = False  # it takes no more
        self.parcel: Parcel | None = None  # it is a new one
        self.join: Join | None = None  # it was there before

    def joining(self) -> Join:
        """The events join the delivery that was there before; a closed one falls due now."""
        return Join(
            site=self.webhook.site,
            delivery_id=self.gathering.delivery_id,
            event_ids=tuple(one.id for one in self.events),
            event_types=tuple(dict.fromkeys(one.type for one in self.events)),
            subject=common_subject([one.subject for one in self.events]),
            hop=max(one.hop for one in self.events),
            due_at=self.events[0].received_at if self.is_closed else self.gathering.due_at,
        )

    def delivery(self, state: DeliveryState) -> Delivery:
        """A new delivery of the events: due now, but for one that gathers."""
        now = self.events[0].received_at
        return Delivery(
            site=self.webhook.site,
            id=self.gathering.delivery_id,
            webhook_id=self.webhook.id,
            webhook_version=self.webhook.version,
            shard=self.webhook.shard,
            event_ids=tuple(one.id for one in self.events),
            event_types=tuple(dict.fromkeys(one.type for one in self.events)),
            created_at=now,
            due_at=self.gathering.due_at if state is DeliveryState.GATHERING else now,
            state=state,
            subject=common_subject([one.subject for one in self.events]),
            hop=max(one.hop for one in self.events),
        )


class Tray:
    """Filled event by event, then written in the unit of the call, then told what became of that unit."""

    def __init__(self, ids: Ids, gatherings: Gatherings, *, may_join: bool = True) -> None:
        self._ids = ids
        self._gatherings = gatherings
        self._may_join = may_join
        self._newest: dict[tuple[str, Key], Part] = {}
        self._new: list[Part] = []
        self._old: list[Part] = []
        self._placed: list[Part] = []  # of the event that is being matched

    @property
    def is_used(self) -> bool:
        """Whether anything is on it."""
        return bool(self._newest)

    @property
    def joins(self) -> bool:
        """Whether older deliveries are joined: then somebody may have cancelled one of them meanwhile."""
        return bool(self._old)

    @property
    def parcels(self) -> list[Parcel]:
        """The new deliveries."""
        return [part.parcel for part in self._new if part.parcel is not None]

    @property
    def joined_ids(self) -> list[DeliveryId]:
        """The older ones."""
        return [part.gathering.delivery_id for part in self._old]

    def place(self, webhook: Webhook, draft: Draft, size_bytes: int, now: Instant) -> DeliveryId:
        """Which delivery the event goes into."""
        key = key_of(webhook, draft.subject)
        part = self._newest.get((webhook.id, key))
        if part is None or not self._fits(part, size_bytes):
            part = self._newest[webhook.id, key] = self._part(webhook, key, size_bytes, now)
        part.gathering.count(size_bytes)
        self._placed.append(part)
        return part.gathering.delivery_id

    def add(self, event: Event) -> None:
        """The event that was placed is made."""
        for part in self._placed:
            part.events.append(event)
        self._placed.clear()

    def changes(self, due: float) -> list[Change]:
        """Everything is placed: what to write."""
        found: list[Change] = []
        for part in (*self._old, *self._new):
            part.is_closed = part.is_closed or is_full(part.gathering.events, part.webhook.batch)
            part.gathering.pending += 1
        for part in self._old:
            if part.is_closed:
                self._gatherings.close(part.webhook, part.gathering)
            part.join = part.joining()
            found.append(part.join)
        for part in self._new:
            part.parcel = self._parcel(part, due)
            found.append(Insert(row=part.parcel.delivery))
        return found

    def committed(self) -> None:
        """All of it is durable."""
        for part in self._old:
            if part.join is not None:
                self._gatherings.joined(part.webhook, part.join, part.events, is_closed=part.is_closed)
        for part in (*self._old, *self._new):
            part.gathering.answered()

    def refused(self, *, is_stale: bool) -> None:
        """Nothing of it was written: what is new is gone, and what was to be joined may be so too (`is_stale`)."""
        for part in (*self._old, *self._new):
            if part.parcel is not None or is_stale:
                self._gatherings.close(part.webhook, part.gathering)
            part.gathering.give_back(part.events)
            part.gathering.answered()

    def drop(self) -> None:
        """It is not written at all."""
        for part in self._old:
            self._gatherings.close(part.webhook, part.gathering)

    def _fits(self, part: Part, size_bytes: int) -> bool:
        fits = part.gathering.has_room(part.webhook, size_bytes, self._gatherings.bytes_max(part.webhook))
        part.is_closed = not fits
        return fits

    def _part(self, webhook: Webhook, key: Key, size_bytes: int, now: Instant) -> Part:
        found = self._gatherings.find(webhook, key, size_bytes, now) if self._may_join else None
        if found is not None:
            self._old.append(Part(webhook, found))
            return self._old[-1]
        fresh = Gathering(self._ids.delivery(), webhook, key, falls_due(now, webhook.batch))
        self._new.append(Part(webhook, fresh))
        return self._new[-1]

    def _parcel(self, part: Part, due: float) -> Parcel:
        """A new delivery; one that takes no more, or goes at once, need not be frozen later."""
        gathers = not part.is_closed and self._gatherings.waits(part.webhook, part.gathering.key)
        if gathers:
            self._gatherings.keep(part.webhook, part.gathering)
            due += part.webhook.batch.wait_ms / 1000
        row = part.delivery(DeliveryState.GATHERING if gathers else DeliveryState.WAITING)
        parcel = Parcel(row, tuple(part.events), part.webhook, due)
        parcel.gathering = part.gathering if gathers else None
        return parcel
