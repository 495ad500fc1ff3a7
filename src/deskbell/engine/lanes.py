"""Settings of webhooks and sites, carried over to the lanes: what is held, at what rate, until when."""

from functools import partial

from deskbell.engine.backlog import Backlog
from deskbell.engine.cancelling import Cancelling, is_cancelling
from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.ground import Ground
from deskbell.engine.health import Healths
from deskbell.engine.holding import Holding
from deskbell.engine.lane import Lane
from deskbell.engine.order import Order
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.ordering import holds, is_ordered
from deskbell.rules.pacing import Bucket


class LaneSettings:
    """A change acts on the next attempt: the lane is held from the change until its settings are read."""

    def __init__(
        self,
        ground: Ground,
        *,
        dispatcher: Dispatcher,
        holding: Holding,
        backlog: Backlog,
        healths: Healths,
        cancelling: Cancelling,
    ) -> None:
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._clock = ground.clock
        self._dispatcher = dispatcher
        self._holding = holding
        self._backlog = backlog
        self._healths = healths
        self._cancelling = cancelling

    def suspend(self, webhook_id: WebhookId) -> None:
        """Hold the lane: its settings are being read."""
        lane = self._dispatcher.lanes.get(webhook_id)
        if lane is not None:
            lane.held = True

    def apply(self, site: SiteId, webhook_id: WebhookId | None) -> None:
        """The settings were read; None: of every webhook of the site."""
        self._dispatcher.ask_pump()  # what somebody asked for waited for them
        if webhook_id is not None:
            webhook = self._settings.webhook(site, webhook_id)
            if webhook is not None:
                self._apply(webhook)
            return
        for webhook in self._settings.all_webhooks():
            if webhook.site == site:
                self._apply(webhook)

    def gain(self, shards: frozenset[int]) -> None:
        """These shards are ours now: their webhooks go on from what the database holds."""
        for site in self._settings.all_sites():
            self._settings.when_fresh(site.site, partial(self._gain, site.site, shards))

    def lose(self, shards: frozenset[int]) -> None:
        """These shards are not ours any more: forget what waits; what is on its way comes back and is let go then."""
        for lane in self._of(shards):
            lane.held = True
            self._holding.release(lane, by_hand=True)
            lane.store_due = None
            lane.wait_until = lane.open_until = 0.0
            lane.carried = (None, None)

    def offer(self, shards: frozenset[int]) -> None:
        """These may start again."""
        for lane in self._of(shards):
            self._dispatcher.offer(lane)
        self._dispatcher.ask_pump()

    def busy_shards(self) -> frozenset[int]:
        """Those of which something is in flight, or not settled yet."""
        lanes = self._dispatcher.lanes.values()
        return frozenset(lane.shard for lane in lanes if any(parcel.sending for parcel in lane.members.values()))

    def _of(self, shards: frozenset[int]) -> list[Lane]:
        return [lane for lane in self._dispatcher.lanes.values() if lane.shard in shards]

    def _gain(self, site: SiteId, shards: frozenset[int]) -> None:
        for webhook in self._settings.all_webhooks():
            if webhook.site == site and webhook.shard in shards:
                self._apply(webhook)

    def _apply(self, webhook: Webhook) -> None:
        site = self._settings.site(webhook.site)
        lane = self._dispatcher.lane(webhook.site, webhook.id)
        self._holding.release(lane)  # what waited may have been cancelled, or must be rendered anew
        lane.order = Order(holds=holds(webhook), is_alone=self._ownership.alone) if is_ordered(webhook) else None
        self._pace(lane, webhook)
        self._healths.carry(lane, self._healths.of(webhook))
        lane.shard = webhook.shard
        lane.held = webhook.state is not WebhookState.ENABLED or site is None or not site.sends(webhook.id)
        lane.held = lane.held or is_cancelling(webhook) or not self._ownership.owns(lane.shard)
        lane.held = lane.held or self._settings.is_stale(webhook.site, webhook.id)  # changed again while it was read
        if self._ownership.owns(lane.shard):
            self._cancelling.begin(webhook)
        if webhook.state is WebhookState.DELETED:
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
