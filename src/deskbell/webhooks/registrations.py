"""The webhooks' use cases as one room; each change is audited in its own unit, and the engine hears of it."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping

from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.ports import Clock, Publisher, Random, Store
from deskbell.rules.event_types import matches
from deskbell.rules.limits import Limits
from deskbell.rules.sealing import Keyring
from deskbell.rules.urls import UrlPolicy, UrlRefused, parse_receiver_url
from deskbell.webhooks.change import Change
from deskbell.webhooks.deletion import Deletions
from deskbell.webhooks.kinds import Kind
from deskbell.webhooks.preview import Previews
from deskbell.webhooks.restores import Restores
from deskbell.webhooks.secret_steps import SecretSteps
from deskbell.webhooks.sites import Sites
from deskbell.webhooks.states import States


class Registrations(Change, States, Deletions, SecretSteps, Sites, Restores, Previews):
    """Create, change, pause, delete, restore, reveal, rotate; the slider; and reading."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        random: Random,
        limits: Limits,
        keyring: Keyring,
        url_policy: UrlPolicy,
        changed: Callable[[SiteId, WebhookId], None],
        site_changed: Callable[[SiteId], None],
        publisher: Publisher,
        kinds: Mapping[str, Kind],
    ) -> None:
        super().__init__(
            store=store,
            clock=clock,
            random=random,
            limits=limits,
            keyring=keyring,
            url_policy=url_policy,
            changed=changed,
            site_changed=site_changed,
            publisher=publisher,
            kinds=kinds,
        )
        self._shown = defaultdict(deque)

    async def list(
        self,
        site: SiteId,
        *,
        state: str | None = None,
        type: str | None = None,  # noqa: A002 - the name of the query parameter
        text: str | None = None,
    ) -> tuple[Webhook, ...]:
        """By id. Deleted ones only for `state` deleted; `type` is one that they chose or that their choice covers."""
        words = (text or "").lower().split()
        return tuple(
            one
            for one in await self._store.webhooks.all(site)
            if is_wanted(one, state, type) and all(word in searched(one) for word in words)
        )

    async def same_url(self, site: SiteId, url_text: str) -> tuple[Webhook, ...]:
        """The webhooks, not deleted, that send to this URL already; none for what is no URL."""
        found = await self._site(site)
        url = parse_receiver_url(url_text, self._policy, site=site, limits=self._limits)
        if isinstance(url, UrlRefused):
            return ()
        return tuple(one for one in await self.list(found.site) if self._safe.has_url(one, url))


def is_wanted(webhook: Webhook, state: str | None, event_type: str | None) -> bool:
    """Whether a webhook passes the filters."""
    if (webhook.state is WebhookState.DELETED) != (state == WebhookState.DELETED.value):
        return False
    if state is not None and webhook.state.value != state:
        return False
    return event_type is None or any(
        choice == event_type or matches(choice, event_type) for choice in webhook.event_types
    )


def searched(webhook: Webhook) -> str:
    """What a search looks at; never the URL itself."""
    parts = (webhook.description, webhook.receiver_url.host, webhook.id, *webhook.event_types)
    return " ".join(parts).lower()
