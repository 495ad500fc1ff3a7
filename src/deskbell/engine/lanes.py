"""Settings of webhooks and sites, carried over to the lanes: what is held, at what rate, until when."""

from deskbell.engine.backlog import Backlog
from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.lane import Lane
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.pacing import Bucket


class LaneSettings:
    """A change acts on the next attempt: the lane is held from the change until its settings are read."""

    def __init__(self, ground: Ground, *, dispatcher: Dispatcher, holding: Holding, backlog: Backlog) -> None:
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._supervisor = ground.supervisor
        self._clock = ground.clock
        self._dispatcher = dispatcher
        self._holding = holding
        self._backlog = backlog

    def suspend(self, webhook_id: WebhookId) -> None:
        """Hold the lane: its settings are being read."""
        lane = self._dispatcher.lanes.get(webhook_id)
        if lane is not None:
            lane.held = True

    def apply(self, site: SiteId, webhook_id: WebhookId | None) -> None:
        """The settings were read; None: of every webhook of the site."""
        if webhook_id is not None:
            webhook = self._settings.webhook(site, webhook_id)
            if webhook is not None:
                self._apply(webhook)
            return
        for webhook in self._settings.all_webhooks():
            if webhook.site == site:
                self._apply(webhook)

    def _apply(self, webhook: Webhook) -> None:
        site = self._settings.site(webhook.site)
        lane = self._dispatcher.lane(webhook.site, webhook.id)
        self._holding.release(lane)  # what waited may have been cancelled, or must be rendered anew
        self._pace(lane, webhook)
        health = self._settings.health.get(webhook.id)
        if health is not None and health.throttled_until is not None:
            lane.wait_until = max(lane.wait_until, self._holding.monotonic_due(health.throttled_until))
        lane.shard = webhook.shard
        lane.held = webhook.state is not WebhookState.ENABLED or site is None or not site.webhooks_enabled
        lane.held = lane.held or not self._ownership.owns(lane.shard)
        if webhook.state is WebhookState.DELETED:
            if self._ownership.owns(lane.shard):
                self._supervisor.errand("cancel", lambda: self._backlog.cancel(webhook.site, webhook.id))
            return
        self._holding.note(lane, self._clock.now())
        if not lane.held:
            self._backlog.want(lane)

    def _pace(self, lane: Lane, webhook: Webhook) -> None:
        rate = webhook.rate_per_second
        if rate is None or rate <= 0:
            lane.bucket = None
        elif lane.bucket is None or lane.bucket.rate_per_second != rate:
            lane.bucket = Bucket(rate, self._clock.monotonic())
