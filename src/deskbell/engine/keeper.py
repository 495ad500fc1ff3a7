"""What has to be done from time to time: statistics, ended pauses, retention, and the look for lost rings."""

from dataclasses import replace

from deskbell.engine.asking import Asking
from deskbell.engine.backlog import Backlog
from deskbell.engine.clocks import Clocks
from deskbell.engine.ground import Ground
from deskbell.engine.retention import Retention
from deskbell.engine.statistics import Statistics
from deskbell.engine.supervise import Supervisor
from deskbell.model.changes import Committed, Replace, Unit
from deskbell.model.people import SYSTEM
from deskbell.model.webhook import Webhook, WebhookState

FLUSH_S = 2.0
PAUSES_S = 1.0
CLOCKS_S = 1.0
RETENTION_S = 60.0


class Keeper:
    """Small steps, each complete in itself."""

    def __init__(
        self,
        ground: Ground,
        *,
        backlog: Backlog,
        clocks: Clocks,
        statistics: Statistics,
        asking: Asking,
        retention: Retention,
    ) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._backlog = backlog
        self._clocks = clocks
        self._statistics = statistics
        self._asking = asking
        self._retention = retention
        self._doorbell = ground.doorbell
        self._clock = ground.clock
        self._limits = ground.limits
        backlog.on_far = clocks.look_far

    def begin(self, supervisor: Supervisor) -> None:
        """Start the loops."""
        self._clocks.begin()
        supervisor.every("clocks", CLOCKS_S, self._clocks.check)
        supervisor.every("statistics", FLUSH_S, self._statistics.flush)
        supervisor.every("pauses", PAUSES_S, self.end_pauses)
        supervisor.every("poll", self._limits.safety_poll_s, self.look)
        supervisor.every("retention", RETENTION_S, self._retention.keep)

    async def tend(self) -> None:
        """Do every step once, now."""
        await self._clocks.check()
        await self._statistics.flush()
        await self.end_pauses()
        await self.look()
        await self._retention.keep()

    async def look(self) -> None:
        """Compare with the database what is due and what was asked for: at start, and in case a ring was lost."""
        await self._settings.try_again()
        await self._backlog.poll()
        await self.answer()

    async def answer(self) -> None:
        """Make the attempts that were asked for."""
        await self._asking.look()

    async def end_pauses(self) -> None:
        """Resume webhooks that were paused until a time that has come."""
        now = self._clock.now()
        for webhook in self._settings.all_webhooks():
            if not self._ownership.owns(webhook.shard):
                continue
            if webhook.state is WebhookState.PAUSED and webhook.paused_until and webhook.paused_until <= now:
                await self._resume(webhook)

    async def _resume(self, webhook: Webhook) -> None:
        after = replace(
            webhook,
            version=webhook.version + 1,
            state=WebhookState.ENABLED,
            state_reason=None,
            state_by=SYSTEM,
            state_at=self._clock.now(),
            paused_until=None,
        )
        verdict = await self._store.commit(Unit(changes=(Replace(row=after),)))
        self._settings.changed(webhook.site, webhook.id)
        if isinstance(verdict, Committed):
            self._doorbell.ring("webhook", (webhook.site, webhook.id))
