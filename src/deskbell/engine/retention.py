"""Retention: what is past its time goes, in rounds; deleted webhooks and the audit's beginning go for good."""

import asyncio

from deskbell.engine.audit_keeping import AuditKeeping
from deskbell.engine.cancelling import Cancelling
from deskbell.engine.ground import Ground
from deskbell.engine.ownership import FIRST_SHARD
from deskbell.model.audit import AuditEntry
from deskbell.model.changes import Committed, EraseWebhook, Purge, Unit
from deskbell.model.instant import Instant, plus
from deskbell.model.people import SYSTEM
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.rounds import rest_s

SHARE = 0.25
"""Of the time, at most: nobody waits for it, but it must keep up with what comes in."""
_DAY_S, _HOUR_S = 86_400, 3_600


class Retention:
    """One node does it for all."""

    def __init__(self, ground: Ground, *, cancelling: Cancelling) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._cancelling = cancelling
        self._audit = AuditKeeping(ground)
        self._clock = ground.clock
        self._limits = ground.limits
        self._log = ground.log

    async def keep(self) -> None:
        """Erase webhooks that were deleted long ago, then purge: a round of each site in turn while one has more."""
        if not self._ownership.owns(FIRST_SHARD):
            return
        await self._erase_webhooks()
        left = [site.site for site in self._settings.all_sites()]
        while left and self._ownership.owns(FIRST_SHARD):
            left = [one for one in left if await self._purge(self._settings.site(one))]
        await self._audit.keep()

    async def _purge(self, site: Site | None) -> int:
        """One round; how many rows went."""
        if site is None:
            return 0
        now, started = self._clock.now(), self._clock.monotonic()
        purge = Purge(
            site=site.site,
            before=_ago(now, site.retention_days * _DAY_S),
            captures_before=_ago(now, min(site.retention_days, self._limits.capture_days) * _DAY_S),
            keys_before=_ago(now, self._limits.idempotency_hours * _HOUR_S),
            rows_max=self._limits.rows_at_once,
        )
        verdict = await self._store.commit(Unit(changes=(purge,)))
        await asyncio.sleep(rest_s(self._clock.monotonic() - started, SHARE))
        return verdict.rows if isinstance(verdict, Committed) else 0

    async def _erase_webhooks(self) -> None:
        last = _ago(self._clock.now(), self._limits.deleted_webhooks_days * _DAY_S)
        for webhook in self._settings.all_webhooks():
            deletion = webhook.deletion
            if webhook.state is WebhookState.DELETED and deletion is not None and deletion.at <= last:
                await self._erase(webhook)

    async def _erase(self, webhook: Webhook) -> None:
        """With an entry in the audit; whoever restored it meanwhile has it back."""
        if self._ownership.owns(webhook.shard) and not await self._cancelling.finish(webhook.site, webhook.id):
            return
        entry = AuditEntry(
            site=webhook.site,
            at=self._clock.now(),
            actor=SYSTEM,
            operation="webhook.erase",
            object_id=webhook.id,
            reason=f"deleted {self._limits.deleted_webhooks_days} days ago",
        )
        erase = EraseWebhook(site=webhook.site, webhook_id=webhook.id)
        verdict = await self._store.commit(Unit(changes=(erase,), audit=entry))
        self._settings.changed(webhook.site, webhook.id)
        if isinstance(verdict, Committed):
            self._log.info("webhook.erased", site=webhook.site, webhook=webhook.id)


def _ago(now: Instant, seconds: float) -> Instant:
    return plus(now, -seconds)
