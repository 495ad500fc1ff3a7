"""Many processes on one database: which shards are ours, what the others ring for, and what they changed unheard."""

from collections.abc import Callable
from typing import Any

from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.keeper import Keeper
from deskbell.engine.lanes import LaneSettings
from deskbell.engine.shards import ShardKeeper
from deskbell.engine.supervise import Supervisor
from deskbell.model.ids import DeliveryId, SiteId, WebhookId

COMPARE_S = 1.0
"""A change that nobody rang for acts after so long at the latest."""


class Nodes:
    """Does nothing when this process is alone on its database.

    Rings, and hears of other nodes: `due` ((site, webhook, shard)), `changed` ((site, webhook or None)), `asked`
    ((site, delivery, shard)), `cancelled` ((site, webhook, delivery)), `shares` (a node), and `look`: rings may have
    been lost. A ring only says where to look; the row is what counts, and all
    that a lost ring would have told is found by comparing with the database.
    """

    def __init__(
        self, ground: Ground, *, lanes: LaneSettings, holding: Holding, keeper: Keeper, node: str, delivers: bool
    ) -> None:
        self._ownership = ground.ownership
        self._settings = ground.settings
        self._doorbell = ground.doorbell
        self._clock = ground.clock
        self._supervisor = ground.supervisor
        self._lanes = lanes
        self._holding = holding
        self._keeper = keeper
        self._shards = ShardKeeper(ground, lanes=lanes, node=node, delivers=delivers)
        self._deaf: list[Callable[[], None]] = []

    # life

    async def start(self) -> None:
        """Take what is free, and listen."""
        if self._ownership.alone:
            return
        heard: dict[str, Callable[[Any], None]] = {
            "due": self._due,
            "changed": lambda detail: self._changed(*detail),
            "asked": self._asked,
            "cancelled": self._cancelled,
            "shares": self._others_moved,
            "look": self._look,
        }
        self._deaf = [self._doorbell.listen(bell, hear) for bell, hear in heard.items()]
        await self._shards.step()

    def begin(self, supervisor: Supervisor) -> None:
        """Start the loops."""
        if not self._ownership.alone:
            supervisor.keep("shards", self._shards.run)
            supervisor.every("versions", COMPARE_S, self._compare)

    def retire(self) -> None:
        """The process stops: others may have what comes to rest."""
        if not self._ownership.alone:
            self._shards.retire()

    async def leave(self) -> None:
        """The process has stopped."""
        if not self._ownership.alone:
            for stop in self._deaf:
                stop()
            await self._shards.leave()

    async def tend(self) -> None:
        """Do every step once, now."""
        if not self._ownership.alone:
            await self._compare()
            await self._shards.step()

    # what this process did

    def changed(self, site: SiteId, webhook_id: WebhookId | None) -> None:
        """A webhook, or with None the site, was changed here."""
        self._changed(site, webhook_id)
        if not self._ownership.alone:
            self._doorbell.ring("changed", (site, webhook_id))

    # what others rang for

    def _due(self, detail: tuple[SiteId, WebhookId, int]) -> None:
        site, webhook_id, shard = detail
        if self._ownership.owns(shard):
            self._holding.behind(site, webhook_id)

    def _asked(self, detail: tuple[SiteId, DeliveryId, int]) -> None:
        if self._ownership.owns(detail[2]):
            self._supervisor.errand("asked", self._keeper.answer)

    def _cancelled(self, detail: tuple[SiteId, WebhookId, DeliveryId]) -> None:
        self._holding.cancelled(*detail)

    def _changed(self, site: SiteId, webhook_id: WebhookId | None) -> None:
        """Hold the lanes at once, then read anew: nothing is sent or matched with the old settings."""
        if webhook_id is not None:
            self._lanes.suspend(webhook_id)
        else:
            for webhook in self._settings.all_webhooks():
                if webhook.site == site:
                    self._lanes.suspend(webhook.id)
        self._settings.changed(site, webhook_id)

    def _others_moved(self, node: str) -> None:
        if node != self._shards.node:
            self._shards.look()

    def _look(self, _: object) -> None:
        self._shards.look()
        self._supervisor.errand("look", self._look_everywhere)

    async def _look_everywhere(self) -> None:
        await self._compare()
        await self._keeper.look()

    async def _compare(self) -> None:
        await self._settings.compare(self._changed)
