"""Watches the wall clock against the monotonic one, and brings stored due times into line when it was set."""

from dataclasses import replace

from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.ground import Ground
from deskbell.engine.health import Healths
from deskbell.engine.holding import Holding
from deskbell.engine.lane import Lane
from deskbell.model.changes import Committed, MoveDelivery, Unit, Verdict
from deskbell.model.delivery import Delivery
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.instant import Instant, plus
from deskbell.rules.clocks import JUMP_S, Skip, is_too_far, jump_s, latest_due, wait_s
from deskbell.rules.limits import RETRY_SCHEDULE_S

ROWS_MAX = 500
"""Deliveries of one read."""


class Clocks:
    """What is in memory waits by the monotonic clock; what is in the database has due times of the wall clock."""

    def __init__(self, ground: Ground, *, dispatcher: Dispatcher, holding: Holding, healths: Healths) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._supervisor = ground.supervisor
        self._clock = ground.clock
        self._limits = ground.limits
        self._log = ground.log
        self._dispatcher = dispatcher
        self._holding = holding
        self._healths = healths
        self._wall = ground.clock.now()
        self._monotonic = ground.clock.monotonic()

    def begin(self) -> None:
        """At start: a clock that was taken back while nobody watched left something from later than now."""
        self._wall, self._monotonic = self._clock.now(), self._clock.monotonic()
        attempts = (one.last_attempt_at or 0 for one in self._settings.health.values())
        newest = max(self._healths.newest, *attempts, 0)
        if newest > plus(self._wall, JUMP_S):
            self._log.warning("clock.went_back", newest_attempt=newest, now=self._wall)
            self._supervisor.errand("clock", self.bring_forward)

    async def check(self) -> None:
        """Compare the two clocks; at every second."""
        wall, monotonic = self._clock.now(), self._clock.monotonic()
        expected = plus(self._wall, monotonic - self._monotonic)
        jumped_s = jump_s(self._wall, wall, monotonic - self._monotonic)
        self._wall, self._monotonic = wall, monotonic
        if not jumped_s:
            return
        self._log.warning("clock.set", by_s=round(jumped_s, 3))
        self._healths.shift(jumped_s)
        if jumped_s > 0:
            self._holding.skip = Skip(after=expected, until=wall, at=monotonic)
            await self._look()
        else:
            await self.bring_forward()

    async def bring_forward(self) -> None:
        """After a jump back: no delivery is due later than its step of the schedule allows, counted from now."""
        for site, webhook_id, _, _ in await self._store.due.webhooks(1):
            await self._bring_all(site, webhook_id)

    def look_far(self, site: SiteId, webhook_id: WebhookId, due_at: Instant) -> None:
        """The next of a webhook is due then: another node's clock may have been ahead of ours when it was written."""
        schedule_s, throttled_s = self._schedule(webhook_id), self._throttled_s(site, webhook_id)
        if is_too_far(due_at, schedule_s, self._clock.now(), self._limits, throttled_s=throttled_s):
            self._supervisor.errand("clock", lambda: self._bring_all(site, webhook_id))

    async def _bring_all(self, site: SiteId, webhook_id: WebhookId) -> None:
        lane, now = self._lane(site, webhook_id), self._clock.now()
        if lane is None:
            return
        after: tuple[Instant, str] | None = (now, "")
        while after is not None:
            rows = await self._store.due.deliveries(site, webhook_id, after, ROWS_MAX)
            after = (rows[-1].due_at, rows[-1].id) if len(rows) == ROWS_MAX else None
            for row in rows:
                self._bring(lane, row, now)

    async def _look(self) -> None:
        """After a jump forward: what is overdue now is read, and starts spread over a minute."""
        for site, webhook_id, _, due_at in await self._store.due.webhooks(1):
            lane = self._lane(site, webhook_id)
            if lane is not None:
                lane.missed = True
                self._holding.note(lane, due_at)

    def _lane(self, site: SiteId, webhook_id: WebhookId) -> Lane | None:
        webhook = self._settings.webhook(site, webhook_id)
        if webhook is None or not self._ownership.owns(webhook.shard):
            return None
        return self._dispatcher.lane(site, webhook_id)

    def _schedule(self, webhook_id: WebhookId) -> tuple[int, ...]:
        opened = self._settings.opened(webhook_id)
        return RETRY_SCHEDULE_S if opened is None else opened.schedule_s

    def _throttled_s(self, site: SiteId, webhook_id: WebhookId) -> float:
        """How long the receiver still wants to be left in peace."""
        webhook = self._settings.webhook(site, webhook_id)
        health = None if webhook is None else self._healths.of(webhook)
        if health is None or health.throttled_until is None:
            return 0.0
        return wait_s(health.throttled_until, health.last_attempt_at, self._clock.now())

    def _bring(self, lane: Lane, row: Delivery, now: Instant) -> None:
        throttled_s = self._throttled_s(row.site, row.webhook_id)
        latest = latest_due(row, self._schedule(row.webhook_id), now, self._limits, throttled_s=throttled_s)
        if row.due_at <= latest:
            return
        after = replace(row, due_at=latest)

        def done(verdict: Verdict) -> None:
            if isinstance(verdict, Committed):
                self._holding.moved(lane, after)

        self._store.submit(Unit(changes=(MoveDelivery(after=after, expected=row.state),)), done)
