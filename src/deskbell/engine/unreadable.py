"""What of the settings cannot be read: damaged rows are set aside, so that everything else flows."""

from structlog.typing import FilteringBoundLogger

from deskbell.model.ids import SiteId, WebhookId


class Unreadable:
    """Each is logged once, when it is found and when it can be read again."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._sites: set[SiteId] = set()
        self._webhooks: dict[SiteId, set[WebhookId]] = {}

    def has_site(self, site: SiteId) -> bool:
        """Whether the site's own settings could not be read the last time."""
        return site in self._sites

    def of(self, site: SiteId) -> frozenset[WebhookId]:
        """Webhooks of the site that are set aside: nothing is matched with them, nothing is sent."""
        return frozenset(self._webhooks.get(site, ()))

    def webhooks(self) -> tuple[tuple[SiteId, WebhookId], ...]:
        """All that are set aside."""
        return tuple((site, one) for site, found in self._webhooks.items() for one in sorted(found))

    def site(self, site: SiteId, error: Exception) -> None:
        """The site's settings cannot be read."""
        if site not in self._sites:
            self._log.error("site.unreadable", site=site, error=repr(error))
            self._sites.add(site)

    def webhook(self, site: SiteId, webhook_id: WebhookId, error: Exception | None = None) -> None:
        """This webhook cannot be read."""
        found = self._webhooks.setdefault(site, set())
        if webhook_id not in found:
            self._log.error("webhook.unreadable", site=site, webhook=webhook_id, error=repr(error))
            found.add(webhook_id)

    def read(self, site: SiteId, webhook_id: WebhookId | None = None) -> None:
        """This could be read."""
        if webhook_id is None:
            if site in self._sites:
                self._sites.discard(site)
                self._log.info("site.readable", site=site)
        elif webhook_id in self._webhooks.get(site, ()):
            self._webhooks[site].discard(webhook_id)
            self._log.info("webhook.readable", site=site, webhook=webhook_id)
        if not self._webhooks.get(site, True):
            del self._webhooks[site]
