"""The heads of subjects, as the database has them: the oldest delivery that has not ended, or that holds the others."""

from collections.abc import Mapping, Sequence

from deskbell.engine.ground import Ground
from deskbell.engine.line import Key, key_of
from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.errors import StoreBroken
from deskbell.model.ids import DeliveryId, SiteId, WebhookId
from deskbell.model.query import DeliveryFilter
from deskbell.model.webhook import Webhook
from deskbell.rules.ordering import holds, is_ordered

LOOK_BACK_MAX = 200
"""Exhausted deliveries of one subject that are looked at for the oldest that holds."""
_OPEN = (DeliveryState.WAITING.value, DeliveryState.GATHERING.value)


class Heads:
    """An exhausted delivery holds its subject if it was made while the webhook held: setting that stops no old ones."""

    def __init__(self, ground: Ground) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ids = ground.ids
        self._log = ground.log

    async def follow_newest(self) -> None:
        """At start: whatever the wall clock says now, new deliveries come after those that there are."""
        for site in self._settings.all_sites():
            try:
                for newest in await self._store.deliveries.page(site.site, DeliveryFilter(), None, 1):
                    self._ids.follow(newest.id)
            except StoreBroken:
                raise
            except Exception as error:  # a damaged row: then the clock alone says what is new
                self._log.warning("ids.not_followed", site=site.site, error=repr(error))

    async def before(self, deliveries: Sequence[Delivery]) -> Mapping[DeliveryId, Delivery]:
        """For those that wait for another delivery of their subject: that one. One question for each webhook."""
        found: dict[DeliveryId, Delivery] = {}
        for webhook, rows in self._in_order(deliveries):
            keys = {key: None for row in rows if (key := key_of(row)) is not None}
            heads = await self.of(webhook.site, webhook.id, tuple(keys), holds=holds(webhook))
            for row in rows:
                key = key_of(row)
                head = None if key is None else heads.get(key)
                if head is not None and head.id != row.id:
                    found[row.id] = head
        return found

    def _in_order(self, deliveries: Sequence[Delivery]) -> list[tuple[Webhook, list[Delivery]]]:
        """Those that have not ended, of webhooks that are ordered, by webhook."""
        found: dict[WebhookId, tuple[Webhook, list[Delivery]]] = {}
        for row in deliveries:
            webhook = self._settings.webhook(row.site, row.webhook_id)
            if webhook is not None and is_ordered(webhook) and row.state.value in _OPEN:
                found.setdefault(webhook.id, (webhook, []))[1].append(row)
        return list(found.values())

    async def of(
        self, site: SiteId, webhook_id: WebhookId, keys: Sequence[Key], *, holds: bool
    ) -> Mapping[Key, Delivery]:
        """By subject; a subject that has nothing to send is not among them."""
        rows = await self._store.due.heads(site, webhook_id, keys, or_exhausted=holds)
        found = {key: row for row in rows if (key := key_of(row)) is not None}
        past = [
            key for key, row in found.items() if row.state is DeliveryState.EXHAUSTED and not await self._holds(row)
        ]
        if past:
            rows = await self._store.due.heads(site, webhook_id, past, or_exhausted=False)
            still_open = {key_of(row): row for row in rows}
            for key in past:
                del found[key]
                candidates = [still_open.get(key), await self._oldest_that_holds(site, webhook_id, key)]
                if any(candidates):
                    found[key] = min((row for row in candidates if row is not None), key=lambda row: row.id)
        return found

    async def behind(
        self, site: SiteId, webhook_id: WebhookId, key: Key, after: DeliveryId, limit: int
    ) -> tuple[tuple[Delivery, ...], bool]:
        """The oldest of one subject that are newer than this one and have not ended, oldest first; are there more?"""
        which = DeliveryFilter(webhook_ids=(webhook_id,), subject=key, states=_OPEN)
        rows = await self._store.deliveries.page(site, which, after, limit + 1, newer=True)
        oldest_first = tuple(reversed(rows))[:limit]
        return tuple(row for row in oldest_first if not row.test), len(rows) > limit

    async def _oldest_that_holds(self, site: SiteId, webhook_id: WebhookId, key: Key) -> Delivery | None:
        which = DeliveryFilter(webhook_ids=(webhook_id,), subject=key, states=(DeliveryState.EXHAUSTED.value,))
        oldest = None
        for row in await self._store.deliveries.page(site, which, None, LOOK_BACK_MAX):
            if not await self._holds(row):
                break
            oldest = row
        return oldest

    async def _holds(self, row: Delivery) -> bool:
        made_with = await self._settings.version(row.site, row.webhook_id, row.webhook_version)
        return made_with is not None and holds(made_with)
