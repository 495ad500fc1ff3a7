"""Replays that run: each step writes its deliveries and the new position of the run in one unit."""

import asyncio
from collections.abc import Mapping, Sequence

from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.replay_headway import LATE_S, SOON_S, Headway
from deskbell.engine.replay_walk import Place, Walk
from deskbell.engine.supervise import Supervisor
from deskbell.model.changes import Change, Insert, MoveDelivery, MustFence, Refused, Replace, Unit
from deskbell.model.delivery import Delivery
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.replay import Choice, Replay
from deskbell.model.webhook import WebhookState
from deskbell.rules.renewing import begun_anew, made_anew
from deskbell.rules.replay_run import stepped
from deskbell.rules.replaying import Again

SHARD = 0
"""Whose owner drives the replays."""
LOOK_S = 5.0
"""How often to look for a run that nobody told of."""

Made = tuple[Change, Delivery]


class Replaying:
    """A crash costs nothing: a step is durable as a whole or not at all, and the next one goes on from it.

    A step is refused when a person changed the run, or one of its deliveries, at that moment; then it is decided anew.
    Rings `replay` (Replay) after each step.
    """

    def __init__(self, ground: Ground, *, holding: Holding) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._doorbell = ground.doorbell
        self._clock = ground.clock
        self._ids = ground.ids
        self._log = ground.log
        self._tally = ground.tally
        self._faultpoints = ground.faultpoints
        self._on_broken = ground.broken
        self._holding = holding
        self._headway = Headway(ground, holding=holding)
        self._walk = Walk(ground.store)
        self._wake = asyncio.Event()

    def begin(self, supervisor: Supervisor) -> None:
        """Start the loop: what ran when the process ended goes on."""
        self._doorbell.listen("replays", lambda _: self.look())
        supervisor.keep("replays", self.run)

    def look(self) -> None:
        """A run was made or changed, or time has passed: look now."""
        self._wake.set()

    async def count(self, site: SiteId, choice: Choice, ended_by: Instant) -> Mapping[WebhookId, int]:
        """The dry run: how many deliveries a replay made at that moment would begin, by webhook."""
        return await self._walk.count(site, choice, ended_by)

    async def run(self) -> None:
        """One turn after the other; for ever."""
        while True:
            self._wake.clear()
            pause_s = await self.turn()
            try:
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def turn(self) -> float:
        """A step of every run that may go on; how many seconds until the next turn makes sense."""
        if not self._ownership.owns(SHARD):
            return LOOK_S
        running = await self._store.replays.running()
        self._headway.keep_only({one.id for one in running})
        pauses = [await self._step(one) for one in running]
        return min(pauses, default=LOOK_S)

    async def _step(self, run: Replay) -> float:
        """As much as one unit holds; how long to wait before the next one."""
        site = self._settings.site(run.site)
        if site is None or not site.webhooks_enabled or not self._settings.is_fresh(run.site):
            return LATE_S
        page = await self._walk.page(run.site, run.choice, run.created_at, run.position)
        taken, pause_s = await self._headway.taken(run, page.places)
        if page.places and not taken:
            return pause_s
        whole = len(taken) == len(page.places)
        made = [one for place in taken if (one := self._made(run, place)) is not None]
        position = page.position if whole else taken[-1].position
        after = stepped(run, position=position, made=len(made), now=self._clock.now())
        refused = await self._write(run, after, made)
        if refused is None:
            self._headway.written(run)
            return pause_s
        self._headway.refused(run, len(taken))
        return SOON_S if refused.reason in ("state", "version") else LATE_S

    def _made(self, run: Replay, place: Place) -> Made | None:
        """The delivery as it will be; None when its webhook was deleted meanwhile."""
        what, now = place.what, self._clock.now()
        webhook = self._settings.webhook(run.site, what.webhook_id)
        if webhook is None or webhook.state is WebhookState.DELETED:
            return None
        if isinstance(what, Again):
            row = begun_anew(what.delivery, run.id, now)
            return MoveDelivery(after=row, expected=what.delivery.state), row
        row = made_anew(webhook, what.events, delivery_id=self._ids.delivery(), now=now, replay_id=run.id)
        return Insert(row=row), row

    async def _write(self, run: Replay, after: Replay, made: Sequence[Made]) -> Refused | None:
        """The step in one unit; then whoever owns the webhooks finds the deliveries in the database."""
        fence = self._ownership.fence(SHARD)
        guards = () if fence is None else (MustFence(shard=SHARD, fence=fence),)
        unit = Unit(changes=(*(change for change, _ in made), Replace(row=after)), guards=guards)
        self._faultpoints.crash_point("before_replay_step")
        verdict = await self._store.commit(unit)
        self._faultpoints.crash_point("after_replay_step")
        if isinstance(verdict, Refused):
            self._log.info("replay.step_refused", replay=run.id, reason=verdict.reason)
            if verdict.is_store_broken:
                self._on_broken("replay")
            return verdict
        rows = [row for _, row in made]
        self._tally.deliveries += sum(isinstance(change, Insert) for change, _ in made)
        for site, webhook_id, shard in dict.fromkeys((row.site, row.webhook_id, row.shard) for row in rows):
            if self._ownership.owns(shard):
                self._holding.behind(site, webhook_id)
            else:
                self._doorbell.ring("due", (site, webhook_id, shard))
        for row in rows:
            self._doorbell.ring("delivery", row)
        self._doorbell.ring("replay", after)
        return None
