"""The engine: wires its parts, starts and stops them, and is the Publisher that the other rooms are given."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from structlog.typing import FilteringBoundLogger

from deskbell.engine.accept import Accept, Done
from deskbell.engine.anyway import Anyway, Wanted
from deskbell.engine.asking import Asking
from deskbell.engine.attempt import Attempts
from deskbell.engine.backlog import Backlog
from deskbell.engine.cancelling import Cancelling
from deskbell.engine.clocks import Clocks
from deskbell.engine.counters import Tally
from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.farewell import say_farewell
from deskbell.engine.faultpoints import Faultpoints
from deskbell.engine.filter_faults import FilterFault, FilterFaults
from deskbell.engine.freezing import Freezing
from deskbell.engine.gatherings import Gatherings
from deskbell.engine.ground import Ground
from deskbell.engine.heads import Heads
from deskbell.engine.health import Healths
from deskbell.engine.holding import Holding
from deskbell.engine.ids import Ids
from deskbell.engine.keeper import Keeper
from deskbell.engine.kinds import Kind
from deskbell.engine.lanes import LaneSettings
from deskbell.engine.news import News
from deskbell.engine.nodes import Nodes
from deskbell.engine.ownership import FIRST_SHARD, Ownership
from deskbell.engine.payloads import Payloads
from deskbell.engine.publish import Intake
from deskbell.engine.queue_figures import queue_figures
from deskbell.engine.redeliver import Redeliver
from deskbell.engine.replay import Replaying
from deskbell.engine.retention import Retention
from deskbell.engine.settings import Settings
from deskbell.engine.settle import Settler
from deskbell.engine.statistics import Statistics
from deskbell.engine.supervise import Supervisor
from deskbell.engine.testing import TEST_TYPE, Testing
from deskbell.engine.timers import Timers
from deskbell.model.audit import AuditEntry, Origin
from deskbell.model.changes import Change, Guard, Refused
from deskbell.model.delivery import Delivery
from deskbell.model.draft import Draft, Published
from deskbell.model.figures import EngineCounters, QueueFigures
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor
from deskbell.model.replay import Choice
from deskbell.model.webhook import Health, Webhook, WebhookState
from deskbell.ports import Clock, Doorbell, Random, Sender, Store
from deskbell.rules.limits import Limits
from deskbell.rules.sealing import Keyring


class Engine:
    """Owner of all shards of one process. Implements ports.Publisher and ports.Replayer.

    Rings `event` (Event), `delivery` (Delivery), `attempt` (Attempt), `webhook` ((site, id)), `replay` (Replay) and,
    when the database is broken, `broken` (where it was noticed): the process must then stop.
    """

    def __init__(
        self,
        *,
        store: Store,
        sender: Sender,
        clock: Clock,
        random: Random,
        doorbell: Doorbell,
        limits: Limits,
        kinds: Mapping[str, Kind],
        keyring: Keyring,
        log: FilteringBoundLogger,
        faultpoints: Faultpoints | None = None,
        node: str = "",
        delivers: bool = True,
        portal_url: str = "",
    ) -> None:
        self._clock = clock
        self._store = store
        self._log = log
        self._doorbell = doorbell
        self._tally = Tally()
        self._stopped = False
        self._settings = Settings(store, keyring, limits, log)
        self._ownership = Ownership(clock, alone=not store.is_shared)
        self._supervisor = Supervisor(log)
        self._filter_faults = FilterFaults(clock, log)
        ground = Ground(
            store=store,
            sender=sender,
            clock=clock,
            random=random,
            doorbell=doorbell,
            limits=limits,
            kinds=kinds,
            log=log,
            ids=Ids(clock, random),
            tally=self._tally,
            settings=self._settings,
            ownership=self._ownership,
            supervisor=self._supervisor,
            faultpoints=faultpoints or Faultpoints(),
            filter_faults=self._filter_faults,
            portal_url=portal_url,
            broken=self._broken,
        )
        self._heads = Heads(ground)
        self._wire(ground)
        self._nodes = Nodes(
            ground, lanes=self._lanes, holding=self._holding, keeper=self._keeper, node=node, delivers=delivers
        )

    def _wire(self, ground: Ground) -> None:
        """Every part built once, each handed what it needs."""
        self._dispatcher = Dispatcher(
            clock=ground.clock,
            limits=ground.limits,
            ownership=ground.ownership,
            is_spent=lambda: ground.store.figures.is_spent(),
        )
        self._holding = Holding(dispatcher=self._dispatcher, clock=ground.clock, limits=ground.limits)
        self._healths = Healths(ground, dispatcher=self._dispatcher, holding=self._holding)
        cancelling = Cancelling(ground)
        self._backlog = Backlog(ground, dispatcher=self._dispatcher, holding=self._holding, cancelling=cancelling)
        self._statistics = Statistics(ground.store)
        gatherings = Gatherings(ground, dispatcher=self._dispatcher, holding=self._holding)
        self._intake = Intake(ground, holding=self._holding, gatherings=gatherings)
        self._settler = Settler(
            ground,
            dispatcher=self._dispatcher,
            holding=self._holding,
            healths=self._healths,
            statistics=self._statistics,
            news=News(ground, intake=self._intake),
        )
        freezing = Freezing(ground, dispatcher=self._dispatcher, holding=self._holding)
        self._attempts = Attempts(ground, dispatcher=self._dispatcher, freezing=freezing, settler=self._settler)
        self._asking = Asking(ground, dispatcher=self._dispatcher, holding=self._holding, backlog=self._backlog)
        self._keeper = Keeper(
            ground,
            backlog=self._backlog,
            clocks=Clocks(ground, dispatcher=self._dispatcher, holding=self._holding, healths=self._healths),
            statistics=self._statistics,
            asking=self._asking,
            retention=Retention(ground, cancelling=cancelling),
        )
        self._redeliver = Redeliver(ground, holding=self._holding, backlog=self._backlog, asking=self._asking)
        self._testing = Testing(
            ground,
            intake=self._intake,
            dispatcher=self._dispatcher,
            holding=self._holding,
        )
        self._payloads = Payloads(ground, backlog=self._backlog)
        self._anyway = Anyway(ground, holding=self._holding)
        self._replaying = Replaying(ground, holding=self._holding)
        self.timers = Timers(ground, intake=self._intake)
        self._lanes = LaneSettings(
            ground,
            dispatcher=self._dispatcher,
            holding=self._holding,
            backlog=self._backlog,
            healths=self._healths,
            cancelling=cancelling,
        )
        self._quiet = asyncio.Event()
        self._dispatcher.begin = self._attempts.begin
        self._dispatcher.is_fresh = self._settings.is_fresh
        self._attempts.on_too_late = self._asking.give_up
        self._dispatcher.on_lane_due = self._backlog.want
        self._settler.on_quiet = self._look_quiet
        self._settler.on_settled = self._asking.settled
        self._settings.on_read = self._lanes.apply

    # life

    async def start(self) -> None:
        """Load settings, count what was left uncounted, read what is due, start the loops, accept events."""
        await self._settings.load()
        for webhook in self._settings.all_webhooks():
            if webhook.state is not WebhookState.DELETED:
                self._lanes.apply(webhook.site, webhook.id)
        await self._heads.follow_newest()
        await self._nodes.start()
        if self._ownership.owns(FIRST_SHARD):  # one does it for all: what a process that ended had not counted
            await self._statistics.recount()
        await self._keeper.look()
        self._supervisor.keep("settings", self._settings.run)
        self._supervisor.keep("backlog", self._backlog.run)
        self._keeper.begin(self._supervisor)
        self._replaying.begin(self._supervisor)
        self._supervisor.keep("timers", self.timers.run)
        self._nodes.begin(self._supervisor)
        self._intake.open = True
        self._log.info("engine.started", webhooks=len(self._dispatcher.lanes))

    async def stop(self, drain_s: float) -> None:
        """Start nothing new, wait for attempts in flight and their settles, then end the loops."""
        self._intake.open = False
        self._dispatcher.halt()
        self._nodes.retire()
        self._look_quiet()
        try:
            await asyncio.wait_for(self._quiet.wait(), drain_s)
        except TimeoutError:
            self._log.warning("engine.undrained", in_flight=self._dispatcher.in_flight)
        self._attempts.cut()
        await self._supervisor.stop()
        await say_farewell(self._statistics, self._nodes, self._log)
        self._stopped = True
        self._log.info("engine.stopped")

    def wake(self) -> None:
        """Look at the clock now: what is due starts."""
        self._dispatcher.tick()
        self._replaying.look()
        self.timers.look()

    async def tend(self) -> None:
        """Do all that the keeper does from time to time, once, now."""
        await self._nodes.tend()
        await self._keeper.tend()
        await self.timers.tend()

    # ports.Publisher

    def submit(
        self,
        site: SiteId,
        drafts: Sequence[Draft],
        done: Done,
        *,
        changes: Sequence[Change] = (),
        guards: Sequence[Guard] = (),
        audit: AuditEntry | None = None,
    ) -> None:
        """Accept events; `done` once they are durable. Raises Busy when too much waits for its commit.

        A draft whose `external_id` is taken is `Refused(exists, event.external_id)`: the caller reads that event and
        compares. A draft brings its own id when an answer that names it is stored in the same unit.
        """
        self._intake.check_room(site)
        self._intake.submit(Accept(site=site, drafts=drafts, changes=changes, guards=guards, audit=audit), done)

    async def publish(
        self,
        site: SiteId,
        drafts: Sequence[Draft],
        *,
        changes: Sequence[Change] = (),
        guards: Sequence[Guard] = (),
        audit: AuditEntry | None = None,
    ) -> Published | Refused:
        """The same for cold paths."""
        self._intake.check_room(site)
        return await self._intake.accepted(
            Accept(site=site, drafts=drafts, changes=changes, guards=guards, audit=audit)
        )

    # changes of settings

    def webhook_changed(self, site: SiteId, webhook_id: WebhookId) -> None:
        """After a commit that changed a webhook or its secrets: nothing is sent or matched with the old settings."""
        self._nodes.changed(site, webhook_id)

    def site_changed(self, site: SiteId) -> None:
        """After a commit that changed the site: the slider, or its allowed receivers."""
        self._nodes.changed(site, None)

    # by hand

    async def redeliver(self, site: SiteId, delivery_id: str, *, by: str) -> Delivery:
        """One attempt now, ahead of the queue. Raises NotFound, or Conflict (disabled, deleted, off, sending)."""
        return await self._redeliver.redeliver(site, delivery_id, by)

    async def send_again(self, site: SiteId, delivery_id: str, *, by: str) -> Delivery:
        """A new delivery of the same events with today's settings. Raises as `redeliver`."""
        return await self._redeliver.again(site, delivery_id, by)

    async def send_anyway(self, site: SiteId, event_id: str, webhook_id: str, *, by: Actor, origin: Origin) -> Delivery:
        """A delivery of an event to a webhook that it did not match. Raises as `redeliver`, or when it has one."""
        wanted = Wanted(site=site, event_id=event_id, webhook_id=webhook_id, by=by, origin=origin)
        return await self._anyway.send(wanted)

    async def cancel(self, site: SiteId, delivery_id: str) -> Delivery:
        """Cancel a waiting delivery. Raises NotFound, or Conflict when it has ended."""
        return await self._redeliver.cancel(site, delivery_id)

    async def send_test(
        self,
        site: SiteId,
        webhook_id: str,
        *,
        by: Actor,
        event_type: str = TEST_TYPE,
        sample_name: str = "typical",
        head: bytes | None = None,
    ) -> DeliveryId:
        """One attempt that changes no health. Raises Conflict while the slider is off."""
        return await self._testing.send(site, webhook_id, by, event_type, sample_name, head)

    async def trigger(
        self, site: SiteId, event_type: str, sample_name: str, overrides: Mapping[str, Any], by: Actor
    ) -> EventId:
        """Publish a sample event, `meta.test` true. Raises Invalid for an unknown type, sample or path."""
        return await self._testing.trigger(site, event_type, sample_name, overrides, by)

    async def preview(self, site: SiteId, event_id: str, webhook_id: str) -> bytes:
        """The payload this webhook would get for this event."""
        return await self._payloads.preview(site, event_id, webhook_id)

    async def payload_of(self, site: SiteId, delivery_id: str) -> bytes | None:
        """The bytes of a delivery; None when they cannot be made any more."""
        return await self._payloads.of(site, delivery_id)

    # ports.Replayer

    async def count_replay(self, site: SiteId, choice: Choice, ended_by: Instant) -> Mapping[WebhookId, int]:
        """The dry run: how many deliveries a replay made at that moment would begin, by webhook."""
        return await self._replaying.count(site, choice, ended_by)

    def replay_changed(self) -> None:
        """After a commit that made, resumed or stopped a replay: whoever drives them looks."""
        self._doorbell.ring("replays")

    # what is known

    def health(self, webhook: Webhook) -> Health:
        """How the webhook fares, as of its last attempt."""
        return self._healths.of(webhook)

    def filter_fault(self, webhook: Webhook) -> FilterFault | None:
        """The last event on which the webhook's filter could not be evaluated, as it is now."""
        return self._filter_faults.of(webhook)

    async def waits_for(self, deliveries: Sequence[Delivery]) -> Mapping[DeliveryId, Delivery]:
        """For those that wait for another delivery of their subject: that one."""
        return await self._heads.before(deliveries)

    def is_sending(self, delivery: Delivery) -> bool:
        """Whether an attempt of this delivery is on its way now."""
        found = self._holding.find(delivery.webhook_id, delivery.id)
        return found is not None and found[1].sending

    def counters(self) -> EngineCounters:
        """The numbers of this moment."""
        return EngineCounters(
            in_flight=self._dispatcher.in_flight,
            in_memory=self._holding.count,
            in_memory_bytes=self._holding.size_bytes,
            unsettled=self._dispatcher.unsettled,
            publishes_waiting=self._intake.waiting,
            oldest_due_s=self._dispatcher.oldest_due_s(),
            events=self._tally.events,
            deliveries=self._tally.deliveries,
            settles_refused=self._tally.settles_refused,
            shards=self._ownership.count,
            attempts=dict(self._tally.attempts),
            accept_s=self._tally.accept_s,
            attempt_s=self._tally.attempt_s,
            arrival_s=self._tally.arrival_s,
        )

    async def queue_figures(self) -> tuple[QueueFigures, ...]:
        """What waits for each site, counted in the database."""
        return await queue_figures(self._store, self._settings, self._clock.now())

    async def fault(self) -> str | None:
        """Why nothing can be accepted now; None: all is well. Raises StoreBroken when the database cannot be read."""
        if self._intake.is_full:
            return "Deskbell is busy storing events."
        if self._store.figures.is_short():
            return "The disk is full."
        if not self._intake.open:
            return "Deskbell is starting or stopping."
        await self._store.sites.all()
        return None

    def unreadable(self, site: SiteId) -> frozenset[WebhookId]:
        """Webhooks of the site whose rows are damaged: they are set aside until they can be read."""
        return self._settings.unreadable.of(site)

    def loop_late_s(self) -> float:
        """The longest that the event loop was late since this was last asked."""
        return self._supervisor.late_s()

    def _broken(self, where: str) -> None:
        if not self._stopped:
            self._doorbell.ring("broken", where)

    def _look_quiet(self) -> None:
        if self._dispatcher.stopping and not self._dispatcher.in_flight and not self._dispatcher.unsettled:
            self._quiet.set()
