"""Accept: match, then write events with their traces, deliveries and the desk's change in one unit."""

import asyncio
from collections import deque
from collections.abc import Callable

from deskbell.engine.accept import Accept, Done, Taken
from deskbell.engine.asking import asked_for
from deskbell.engine.gatherings import Gatherings
from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.parcel import Parcel
from deskbell.engine.tray import Tray
from deskbell.model.changes import Change, Insert, Refused, Unit, Verdict
from deskbell.model.delivery import Delivery, Trigger
from deskbell.model.draft import Draft, Published
from deskbell.model.errors import Busy
from deskbell.model.event import Event, TraceEntry
from deskbell.model.ids import EventId, SiteId
from deskbell.model.instant import Instant
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook
from deskbell.rules.backpressure import is_full, retry_after_s
from deskbell.rules.batching import gathers
from deskbell.rules.filtering import Seen
from deskbell.rules.matching import makes_delivery, reason_for
from deskbell.rules.payload import custom_head, finish_snapshot


class Intake:
    """Accepts events. `done` is called once the unit is durable; the deliveries then go straight into the lanes."""

    def __init__(self, ground: Ground, *, holding: Holding, gatherings: Gatherings) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._holding = holding
        self._gatherings = gatherings
        self._doorbell = ground.doorbell
        self._clock = ground.clock
        self._log = ground.log
        self._ids = ground.ids
        self._limits = ground.limits
        self._tally = ground.tally
        self._faultpoints = ground.faultpoints
        self._on_broken = ground.broken
        self._filter_faults = ground.filter_faults
        self._parked: dict[SiteId, int] = {}  # waiting for their site's settings
        self._begun: deque[float] = deque()  # monotonic: when each unit was handed in that is not committed
        self.open = False
        self._blank = self._new_tray()  # taken by the next call that needs one
        self.admit_test: Callable[[Parcel], None] = lambda parcel: None

    def check_room(self, site: SiteId) -> None:
        """Raises Busy when too much waits for its commit, the engine is stopping, or the site cannot be read."""
        if not self.open:
            raise Busy("Deskbell is starting or stopping; nothing was stored. Send it again.", retry_after_s=2)
        if self._settings.unreadable.has_site(site) or self._parked.get(site, 0) >= self._limits.commit_queue_max:
            raise Busy("The settings of this site cannot be read now; nothing was stored.", retry_after_s=5)
        if self.is_full:
            raise Busy(retry_after_s=retry_after_s(self.oldest_s))

    @property
    def is_full(self) -> bool:
        """Whether too many units wait for their commit, or one of them for too long."""
        return is_full(len(self._begun), self.oldest_s, self._limits)

    @property
    def oldest_s(self) -> float:
        """How long the oldest unit has waited for its commit."""
        return self._clock.monotonic() - self._begun[0] if self._begun else 0.0

    @property
    def waiting(self) -> int:
        """Publishes that are not answered yet."""
        return len(self._begun) + sum(self._parked.values())

    def submit(self, accept: Accept, done: Done) -> None:
        """Take this in as soon as the site's settings are up to date; those who wait for that fill no other's queue."""
        site = accept.site
        if self._settings.is_fresh(site) and self._settings.site(site) is not None:
            self._take(accept, done)
            return
        self._parked[site] = self._parked.get(site, 0) + 1
        self._settings.when_fresh(
            site, lambda: self._take_later(accept, done), lambda: self._unpark(site, Refused(reason="busy"), done)
        )

    async def accepted(self, accept: Accept) -> Published | Refused:
        """The same for cold paths."""
        answer: asyncio.Future[Published | Refused] = asyncio.get_running_loop().create_future()

        def done(found: Published | Refused) -> None:
            if not answer.done():
                answer.set_result(found)

        self.submit(accept, done)
        return await answer

    def _unpark(self, site: SiteId, answer: Refused | None, done: Done) -> None:
        self._parked[site] -= 1
        if not self._parked[site]:
            del self._parked[site]
        if answer is not None:
            done(answer)

    def _take_later(self, accept: Accept, done: Done) -> None:
        """The site's settings are up to date."""
        self._unpark(accept.site, None, done)
        self._take_safely(accept, done)

    def _take_safely(self, accept: Accept, done: Done, tray: Tray | None = None) -> None:
        """Nobody is there any more to raise to: a draft that cannot be taken is refused."""
        try:
            self._take(accept, done, tray)
        except Exception as error:
            self._log.error("publish.failed", site=accept.site, error=repr(error))
            done(Refused(reason="busy", what="draft"))

    def _take(self, accept: Accept, done: Done, tray: Tray | None = None) -> None:
        site = self._settings.site(accept.site)
        if site is None:
            done(Refused(reason="missing", what="site"))
            return
        now, started = self._clock.now(), self._clock.monotonic()
        tray = tray or self._blank
        changes: list[Change] = list(accept.changes)
        events: list[Event] = []
        parcels: list[Parcel] = []
        try:
            for draft in accept.drafts:
                event, own = self._match(site, draft, draft.id or self._ids.event(), now, accept.only, tray)
                events.append(event)
                parcels.extend(own)
                changes.append(Insert(row=event))
                changes.extend(Insert(row=parcel.delivery) for parcel in own)
                if accept.only is not None:
                    changes.extend(Insert(row=asked_for(parcel.delivery, now, None)) for parcel in own)
        except BaseException:
            tray.drop()
            self._blank = self._new_tray()
            raise
        taken = Taken(accept, done, events, parcels, started)
        if tray.is_used:
            taken.tray, self._blank = tray, self._new_tray()
            changes.extend(tray.changes(self._clock.monotonic()))
            parcels.extend(tray.parcels)
        unit = Unit(changes=tuple(changes), guards=tuple(accept.guards), audit=accept.audit)
        self._faultpoints.crash_point("before_commit")
        self._begun.append(started)
        self._store.submit(unit, lambda verdict: self._answered(verdict, taken))

    def _answered(self, verdict: Verdict, taken: Taken) -> None:
        self._begun.popleft()  # units are committed in the order in which they were handed in
        if isinstance(verdict, Refused):
            self._refused(verdict, taken)
            return
        self._faultpoints.crash_point("after_commit")
        self._tally.accept_s.add(self._clock.monotonic() - taken.started)
        self._tally.events += len(taken.events)
        self._tally.deliveries += len(taken.parcels)
        taken.done(taken.published)
        for parcel in taken.parcels:
            if parcel.trigger is Trigger.TEST and self._ownership.owns(parcel.delivery.shard):
                self.admit_test(parcel)
            else:
                self._holding.admit(parcel)
        if taken.tray is not None:
            taken.tray.committed()
        if not self._ownership.alone:
            self._ring_owners(taken.parcels)
        for event in taken.events:
            self._doorbell.ring("event", event)
        for parcel in taken.parcels:
            self._doorbell.ring("delivery", parcel.delivery)

    def _refused(self, verdict: Refused, taken: Taken) -> None:
        """Nothing was written. If a delivery that was to be joined gathers no more, the events get a new one."""
        tray = taken.tray
        is_stale = verdict.reason == "state" and tray is not None and tray.joins
        if tray is not None:
            tray.refused(is_stale=is_stale)
        if is_stale:
            self._take_safely(taken.accept, taken.done, self._new_tray(may_join=False))
            return
        if verdict.is_store_broken:
            self._on_broken("publish")
        taken.done(verdict)

    def _new_tray(self, *, may_join: bool = True) -> Tray:
        return Tray(self._ids, self._gatherings, may_join=may_join)

    def _ring_owners(self, parcels: list[Parcel]) -> None:
        """Whoever owns the other shards finds these deliveries in the database."""
        theirs = [one.delivery for one in parcels if not self._ownership.owns(one.delivery.shard)]
        for ring in dict.fromkeys((one.site, one.webhook_id, one.shard) for one in theirs if not one.test):
            self._doorbell.ring("due", ring)
        for test in (one for one in theirs if one.test):
            self._doorbell.ring("asked", (test.site, test.id, test.shard))

    def _match(
        self, site: Site, draft: Draft, event_id: EventId, now: Instant, only: Webhook | None, tray: Tray
    ) -> tuple[Event, list[Parcel]]:
        """The event with its trace, and a parcel for each delivery that it makes."""
        trace: list[TraceEntry] = []
        made: list[tuple[Delivery, Webhook]] = []
        plan = ((only, "matched"),) if only is not None else self._settings.plan(site, draft.type)
        snapshot = self._snapshot(site, draft, event_id)
        seen = Seen(snapshot)
        for webhook, standing in plan:
            reason = standing if only is not None else reason_for(webhook, standing, draft, seen, self._limits)
            if not makes_delivery(reason):
                trace.append(TraceEntry(webhook_id=webhook.id, reason=reason))
                self._filter_faults.note(webhook, draft.type, reason)
                continue
            if gathers(webhook.batch) and only is None:
                delivery_id = tray.place(webhook, draft, len(snapshot), now)
                trace.append(TraceEntry(webhook_id=webhook.id, reason=reason, delivery_id=delivery_id))
                continue
            delivery = self._delivery(webhook, draft, event_id, now, test=only is not None)
            trace.append(TraceEntry(webhook_id=webhook.id, reason=reason, delivery_id=delivery.id))
            made.append((delivery, webhook))
        if only is None:
            trace.extend(
                TraceEntry(webhook_id=one, reason="unreadable") for one in self._settings.unreadable.of(site.site)
            )
        event = self._event(site, draft, event_id, now, snapshot, tuple(trace))
        tray.add(event)
        due = self._clock.monotonic()
        trigger = Trigger.AUTOMATIC if only is None else Trigger.TEST
        return event, [Parcel(row, (event,), webhook, due, trigger=trigger) for row, webhook in made]

    def _delivery(self, webhook: Webhook, draft: Draft, event_id: EventId, now: Instant, *, test: bool) -> Delivery:
        return Delivery(
            site=webhook.site,
            id=self._ids.delivery(),
            webhook_id=webhook.id,
            webhook_version=webhook.version,
            shard=webhook.shard,
            event_ids=(event_id,),
            event_types=(draft.type,),
            created_at=now,
            due_at=now,
            subject=draft.subject,
            hop=draft.hop,
            test=test,
        )

    def _snapshot(self, site: Site, draft: Draft, event_id: EventId) -> bytes:
        head = draft.head if draft.data is None else custom_head(site.site, event_id, draft.type, draft.data)
        if head is None:
            raise ValueError("a draft has a head, or data")
        return finish_snapshot(
            head,
            event_id=event_id,
            event_type=draft.type,
            sequence=draft.sequence,
            occurred_at=draft.occurred_at,
            extra={**draft.meta, "test": True} if draft.test else draft.meta,
        )

    def _event(
        self, site: Site, draft: Draft, event_id: EventId, now: Instant, snapshot: bytes, trace: tuple[TraceEntry, ...]
    ) -> Event:
        return Event(
            site=site.site,
            id=event_id,
            type=draft.type,
            snapshot=snapshot,
            occurred_at=draft.occurred_at,
            received_at=now,
            by=draft.by,
            external_id=draft.external_id,
            subject=draft.subject,
            sequence=draft.sequence,
            hop=draft.hop,
            test=draft.test,
            trace=trace,
        )
