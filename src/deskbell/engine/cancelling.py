"""Carries on what a change of a webhook began: what it cancels goes in rounds, so that nobody is held up."""

import asyncio
from dataclasses import replace

from deskbell.engine.ground import Ground
from deskbell.model.changes import CancelWaiting, Committed, MustVersion, Replace, Unit
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.rounds import rest_s

SHARE = 0.5
"""Of the time: people wait for this, and the webhook is held meanwhile."""


def is_cancelling(webhook: Webhook) -> bool:
    """Whether what waits for the webhook, or a part of it, is to be cancelled and not to be sent."""
    return webhook.state is WebhookState.DELETED or webhook.drop_before is not None


class Cancelling:
    """The webhook's row says what is to be cancelled: whoever owns its shard goes on with that, also after a crash."""

    def __init__(self, ground: Ground) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._supervisor = ground.supervisor
        self._doorbell = ground.doorbell
        self._clock = ground.clock
        self._rows_max = ground.limits.rows_at_once
        self._at_work: set[WebhookId] = set()

    def look(self) -> None:
        """At start, and in case that a round failed."""
        for webhook in self._settings.all_webhooks():
            if webhook.drop_before is not None:
                self.begin(webhook)

    def begin(self, webhook: Webhook) -> None:
        """Go on in the background, unless that is being done."""
        if is_cancelling(webhook) and webhook.id not in self._at_work:
            self._at_work.add(webhook.id)
            self._supervisor.errand("cancel", lambda: self._work(webhook.site, webhook.id))

    async def _work(self, site: SiteId, webhook_id: WebhookId) -> None:
        try:
            await self.finish(site, webhook_id)
        finally:
            self._at_work.discard(webhook_id)

    async def finish(self, site: SiteId, webhook_id: WebhookId) -> bool:
        """Round after round as long as the webhook is as it is known; whether it was done to the end."""
        while True:
            webhook = self._settings.webhook(site, webhook_id)
            if webhook is None or not is_cancelling(webhook) or not self._ownership.owns(webhook.shard):
                return False
            started = self._clock.monotonic()
            verdict = await self._store.commit(self._round(webhook))
            if isinstance(verdict, Committed):
                if verdict.rows < self._rows_max:
                    return webhook.drop_before is None or await self._release(webhook)
                await asyncio.sleep(rest_s(self._clock.monotonic() - started, SHARE))
            elif self._settings.webhook(site, webhook_id) is webhook:
                return False  # its new settings bring us back, or when there was no room the poll

    def _round(self, webhook: Webhook) -> Unit:
        cancel = CancelWaiting(
            site=webhook.site,
            webhook_id=webhook.id,
            at=self._clock.now(),
            older_than=None if webhook.state is WebhookState.DELETED else webhook.drop_before,
            rows_max=self._rows_max,
        )
        return Unit(changes=(cancel,), guards=(_still(webhook),))

    async def _release(self, webhook: Webhook) -> bool:
        """Nothing old waits any more: the rest may be sent."""
        after = replace(webhook, version=webhook.version + 1, drop_before=None)
        verdict = await self._store.commit(Unit(changes=(Replace(row=after),)))
        self._settings.changed(webhook.site, webhook.id)
        if isinstance(verdict, Committed):
            self._doorbell.ring("webhook", (webhook.site, webhook.id))
        return isinstance(verdict, Committed)


def _still(webhook: Webhook) -> MustVersion:
    return MustVersion(site=webhook.site, kind="webhook", key=(webhook.id,), version=webhook.version)
