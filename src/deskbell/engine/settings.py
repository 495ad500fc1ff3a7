"""Sites, webhooks, opened secrets and health in memory, read anew whenever they change."""

import asyncio
from collections.abc import Callable, Iterator

from structlog.typing import FilteringBoundLogger

from deskbell.engine.opened import Opened, open_webhook, unopened
from deskbell.engine.unreadable import Unreadable
from deskbell.model.draft import Draft
from deskbell.model.errors import Busy, StoreBroken
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.site import Site
from deskbell.model.webhook import Health, Webhook, WebhookState
from deskbell.ports import Store
from deskbell.rules.limits import Limits
from deskbell.rules.matching import considered, is_loop, standing_reason
from deskbell.rules.sealing import Keyring

PLANS_MAX = 4_096
"""Publishers choose the names of custom types: what is kept of each has a bound."""

Plan = tuple[tuple[Webhook, str], ...]
"""The webhooks to be named in the trace of one event type, each with its standing reason."""


class Settings:
    """The owner's memory of settings. `changed` marks what has to be read again before it is used again."""

    def __init__(self, store: Store, keyring: Keyring, limits: Limits, log: FilteringBoundLogger) -> None:
        self._store = store
        self._keyring = keyring
        self._limits = limits
        self._sites: dict[SiteId, Site] = {}
        self._webhooks: dict[SiteId, dict[WebhookId, Webhook]] = {}
        self._opened: dict[WebhookId, Opened] = {}
        self._versions: dict[tuple[WebhookId, int], Webhook] = {}
        self.health: dict[WebhookId, Health] = {}
        self._plans: dict[tuple[SiteId, str], Plan] = {}
        self._stale: dict[SiteId, set[WebhookId | None]] = {}  # None: the site itself and all its webhooks
        self.unreadable = Unreadable(log)
        self._waiting: dict[SiteId, list[tuple[Callable[[], None], Callable[[], None] | None]]] = {}
        self._wake = asyncio.Event()
        self.on_read: Callable[[SiteId, WebhookId | None], None] = lambda site, webhook_id: None

    # what is known

    def site(self, site: SiteId) -> Site | None:
        """The site's settings."""
        return self._sites.get(site)

    def webhook(self, site: SiteId, webhook_id: WebhookId) -> Webhook | None:
        """The webhook as it is now, in any state."""
        return self._webhooks.get(site, {}).get(webhook_id)

    def opened(self, webhook_id: WebhookId) -> Opened | None:
        """What an attempt needs; None for a deleted or unknown webhook."""
        return self._opened.get(webhook_id)

    def all_webhooks(self) -> Iterator[Webhook]:
        """Every webhook of every site."""
        for webhooks in tuple(self._webhooks.values()):
            yield from tuple(webhooks.values())

    def all_sites(self) -> tuple[Site, ...]:
        """Every site."""
        return tuple(self._sites.values())

    def plan(self, site: Site, event_type: str) -> Plan:
        """Who is considered for this type, and why they get it or not; kept until a setting changes."""
        found = self._plans.get((site.site, event_type))
        if found is None:
            if len(self._plans) >= PLANS_MAX:
                self._plans.clear()
            found = self._plans[site.site, event_type] = tuple(
                (webhook, standing_reason(webhook, site, event_type))
                for webhook in self._webhooks.get(site.site, {}).values()
                if considered(webhook, event_type)
            )
        return found

    def listens(self, site: SiteId, draft: Draft) -> bool:
        """Whether some webhook would get this event."""
        known = self._sites.get(site)
        return known is not None and any(
            reason in ("matched", "paused") and not is_loop(webhook, draft)
            for webhook, reason in self.plan(known, draft.type)
        )

    async def version(self, site: SiteId, webhook_id: WebhookId, version: int) -> Webhook | None:
        """The webhook as it was at this version, kept once read."""
        now = self.webhook(site, webhook_id)
        if now is not None and now.version == version:
            return now
        found = self._versions.get((webhook_id, version))
        if found is None:
            found = await self._store.webhooks.version(site, webhook_id, version)
            if found is not None:
                self._versions[webhook_id, version] = found
        return found

    # what changed

    def changed(self, site: SiteId, webhook_id: WebhookId | None) -> None:
        """After a commit: read this again. Until then nothing of the site is matched."""
        self._stale.setdefault(site, set()).add(webhook_id)
        self._wake.set()

    def is_fresh(self, site: SiteId) -> bool:
        """Whether everything known of the site is up to date."""
        return site not in self._stale

    def is_stale(self, site: SiteId, webhook_id: WebhookId) -> bool:
        """Whether this webhook, or its site, was changed since it was read."""
        marks = self._stale.get(site, set())
        return None in marks or webhook_id in marks

    def when_fresh(self, site: SiteId, then: Callable[[], None], otherwise: Callable[[], None] | None = None) -> None:
        """Do this once the site is up to date, in the order of asking; at once when it is. It must not raise.

        When the site cannot be read: the other thing, if there is one, else wait until it can.
        """
        if site in self._sites and self.is_fresh(site):
            then()
            return
        self._waiting.setdefault(site, []).append((then, otherwise))
        if site not in self._sites:
            self.changed(site, None)

    async def fresh(self, site: SiteId) -> None:
        """Wait until the site is up to date. Raises Busy when it cannot be read."""
        if not self.is_fresh(site):
            read = asyncio.Event()
            self.when_fresh(site, read.set, read.set)
            await read.wait()
            if not self.is_fresh(site) and self.unreadable.has_site(site):
                raise Busy("The settings of this site cannot be read; nothing was done.", retry_after_s=5)

    async def learn_health(self, shards: frozenset[int]) -> None:
        """These shards had another owner: how their webhooks fare is in the database."""
        theirs = {webhook.id: webhook.site for webhook in self.all_webhooks() if webhook.shard in shards}
        for site in dict.fromkeys(theirs.values()):
            for health in await self._store.webhooks.health(site):
                if health.webhook_id in theirs:
                    self.health[health.webhook_id] = health

    async def compare(self, changed: Callable[[SiteId, WebhookId | None], None]) -> None:
        """Tell what another process changed since it was read: by version, whatever rings were lost."""
        found = {
            (site, WebhookId(name) or None): version for site, name, version in await self._store.webhooks.versions()
        }
        known: dict[tuple[SiteId, WebhookId | None], int] = {(one.site, None): one.version for one in self.all_sites()}
        known.update({(one.site, one.id): one.version for one in self.all_webhooks()})
        for key in {**known, **found}:
            is_known_to_differ = key[1] in self._stale.get(key[0], ()) or key[1] in self.unreadable.of(key[0])
            if found.get(key, 0) != known.get(key, 0) and not is_known_to_differ:
                changed(*key)

    async def load(self) -> None:
        """Read everything, at start; what cannot be read is set aside."""
        await self._store.sites.all()  # raises when the database itself does not answer
        stored: dict[SiteId, set[WebhookId]] = {}
        for site, name, _ in await self._store.webhooks.versions():
            stored.setdefault(site, set()).update({WebhookId(name)} if name else ())
        for site, webhook_ids in stored.items():
            try:
                await self._read_site(site, webhook_ids)
            except StoreBroken:
                raise
            except Exception as error:
                self.unreadable.site(site, error)
                self.changed(site, None)

    async def try_again(self) -> None:
        """Look whether what was set aside can be read by now."""
        for site, webhook_id in self.unreadable.webhooks():
            if self.is_fresh(site) and await self._can_be_read(site, webhook_id):
                self.changed(site, webhook_id)

    async def run(self) -> None:
        """Read what changed, as it changes; for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._stale:
                await self._read_all()

    async def _read_all(self) -> None:
        """Read what is stale of every site; one that cannot be read does not hold up the others."""
        fault: Exception | None = None
        for site in tuple(self._stale):
            try:
                await self._read(site)
                self.unreadable.read(site)
            except Exception as error:
                self.unreadable.site(site, error)
                self._refuse_waiting(site)
                fault = error
        if fault is not None:
            self._wake.set()
            raise fault

    async def _read(self, site: SiteId) -> None:
        """Read what is stale of one site; whatever turns stale meanwhile is read again."""
        while marks := self._stale[site]:
            self._stale[site] = set()
            try:
                await self._read_marks(site, marks)
            except BaseException:
                self._stale[site] |= marks
                self._wake.set()
                raise
            for mark in sorted(marks, key=str):
                self.on_read(site, mark)
        del self._stale[site]
        for then, _ in self._waiting.pop(site, ()):
            then()

    def _refuse_waiting(self, site: SiteId) -> None:
        waiting = self._waiting.pop(site, [])
        patient = [one for one in waiting if one[1] is None]
        if patient:
            self._waiting[site] = patient
        for _, otherwise in waiting:
            if otherwise is not None:
                otherwise()

    async def _read_marks(self, site: SiteId, marks: set[WebhookId | None]) -> None:
        if None in marks or site not in self._sites:
            stored = {WebhookId(name) for one, name, _ in await self._store.webhooks.versions() if one == site and name}
            await self._read_site(site, stored)
            return
        for webhook_id in sorted(one or WebhookId("") for one in marks):
            if webhook_id:
                await self._read_webhook(self._sites[site], webhook_id)
        self._forget_plans(site)

    async def _read_webhook(self, site: Site, webhook_id: WebhookId) -> None:
        try:
            webhook = await self._store.webhooks.get(site.site, webhook_id)
        except StoreBroken:
            raise
        except Exception as error:  # a damaged row: it concerns this webhook alone
            self.unreadable.webhook(site.site, webhook_id, error)
            self._drop(site.site, webhook_id)
            return
        self.unreadable.read(site.site, webhook_id)
        if webhook is not None:
            await self._keep(site, webhook)
        else:  # it was erased
            self._drop(site.site, webhook_id)

    async def _read_site(self, site: SiteId, stored: set[WebhookId]) -> None:
        """The site and its webhooks; those of `stored` that are not among the readable ones are tried one by one."""
        found = await self._store.sites.get(site)
        if found is None:
            return
        webhooks = {webhook.id: webhook for webhook in await self._store.webhooks.all(site)}
        for webhook in webhooks.values():
            await self._keep(found, webhook)
        for webhook_id in sorted((stored | self._webhooks.get(site, {}).keys()) - webhooks.keys()):
            await self._read_webhook(found, webhook_id)
        for health in await self._store.webhooks.health(site):
            self.health.setdefault(health.webhook_id, health)  # ours is newer
        self._sites[site] = found
        self._forget_plans(site)

    async def _can_be_read(self, site: SiteId, webhook_id: WebhookId) -> bool:
        try:
            await self._store.webhooks.get(site, webhook_id)
        except StoreBroken:
            raise
        except Exception:
            return False
        return True

    async def _keep(self, site: Site, webhook: Webhook) -> None:
        self.unreadable.read(site.site, webhook.id)
        if webhook.state is WebhookState.DELETED:
            self._opened.pop(webhook.id, None)
        else:
            self._opened[webhook.id] = await self._open(site, webhook)
        self._webhooks.setdefault(webhook.site, {})[webhook.id] = webhook

    async def _open(self, site: Site, webhook: Webhook) -> Opened:
        try:
            secrets = await self._store.webhooks.secrets(webhook.site, webhook.id)
        except StoreBroken:
            raise
        except Exception as error:  # a damaged row: its attempts count as faults of ours
            return unopened(webhook, site, self._limits, type(error).__name__)
        return open_webhook(webhook, secrets, site, self._keyring, self._limits)

    def _drop(self, site: SiteId, webhook_id: WebhookId) -> None:
        self._webhooks.get(site, {}).pop(webhook_id, None)
        self._opened.pop(webhook_id, None)

    def _forget_plans(self, site: SiteId) -> None:
        for key in [key for key in self._plans if key[0] == site]:
            del self._plans[key]
