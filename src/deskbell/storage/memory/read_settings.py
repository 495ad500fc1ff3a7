"""Reading sites, webhooks, users and their credentials, bins, and the audit, in memory."""

from deskbell.model.account import Account, ApiKey, Link, Login
from deskbell.model.audit import EVERY_ROW, AuditFilter, AuditPlace, AuditRow
from deskbell.model.event import CustomType
from deskbell.model.ids import SiteId
from deskbell.model.inspector import Bin, Capture
from deskbell.model.sign_on import SignOn
from deskbell.model.site import Site
from deskbell.model.ticket import TicketLists
from deskbell.model.webhook import Health, Secret, StatHour, Webhook
from deskbell.storage.memory.tables import Tables


class Rows:
    """Reads tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables


class MemorySites(Rows):
    """`ports.Sites`."""

    async def get(self, site: SiteId) -> Site | None:
        """One site."""
        found: Site | None = self._tables.get("site", (site,))
        return found

    async def all(self) -> tuple[Site, ...]:
        """Every site."""
        return tuple(self._tables.of_site("site"))

    async def custom_types(self, site: SiteId) -> tuple[CustomType, ...]:
        """By name."""
        return tuple(self._tables.of_site("custom_type", site))

    async def ticket_lists(self, site: SiteId) -> TicketLists | None:
        """The site's lists."""
        found: TicketLists | None = self._tables.get("ticket_list", (site,))
        return found

    async def sign_on(self, site: SiteId) -> SignOn | None:
        """The site's provider."""
        return next(iter(self._tables.of_site("sign_on", site)), None)

    async def sign_ons(self) -> tuple[SignOn, ...]:
        """Of all sites."""
        return tuple(self._tables.of_site("sign_on"))


class MemoryWebhooks(Rows):
    """`ports.Webhooks`."""

    async def all(self, site: SiteId) -> tuple[Webhook, ...]:
        """Every state, by id."""
        return tuple(self._tables.of_site("webhook", site))

    async def get(self, site: SiteId, webhook_id: str) -> Webhook | None:
        """One webhook as it is now."""
        found: Webhook | None = self._tables.get("webhook", (site, webhook_id))
        return found

    async def version(self, site: SiteId, webhook_id: str, version: int) -> Webhook | None:
        """One webhook as it was."""
        found: Webhook | None = self._tables.get("webhook_version", (site, webhook_id, version))
        return found

    async def secrets(self, site: SiteId, webhook_id: str) -> tuple[Secret, ...]:
        """Newest first."""
        rows = self._tables.of_site("secret", site, webhook_id)
        return tuple(sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True))

    async def health(self, site: SiteId) -> tuple[Health, ...]:
        """By webhook id."""
        return tuple(self._tables.of_site("health", site))

    async def versions(self) -> tuple[tuple[SiteId, str, int], ...]:
        """For all sites: (site, nothing or a webhook, version)."""
        sites: list[Site] = self._tables.of_site("site")
        webhooks: list[Webhook] = self._tables.of_site("webhook")
        return tuple(
            sorted([*[(one.site, "", one.version) for one in sites], *[(w.site, w.id, w.version) for w in webhooks]])
        )

    async def stats(self, site: SiteId, from_hour: int) -> tuple[StatHour, ...]:
        """By hour, then webhook id."""
        return tuple(row for row in self._tables.of_site("stat_hour", site) if row.hour >= from_hour)


class MemoryAccounts(Rows):
    """`ports.Accounts`."""

    async def users(self, site: SiteId) -> tuple[Account, ...]:
        """Removed ones too, by id."""
        return tuple(self._tables.of_site("user", site))

    async def logins(self, site: SiteId, user_id: str) -> tuple[Login, ...]:
        """Newest first."""
        return tuple(row for row in reversed(self._tables.of_site("login", site)) if row.user_id == user_id)

    async def login_by_hash(self, token_hash: str) -> Login | None:
        """The login of a cookie."""
        found: Login | None = self._tables.find("login", "token_hash", token_hash)
        return found

    async def keys(self, site: SiteId) -> tuple[ApiKey, ...]:
        """Newest first."""
        return tuple(reversed(self._tables.of_site("api_key", site)))

    async def key_by_lookup(self, lookup: str) -> ApiKey | None:
        """The key whose text has these characters."""
        found: ApiKey | None = self._tables.find("api_key", "lookup", lookup)
        return found

    async def link_by_hash(self, token_hash: str) -> Link | None:
        """A personal link."""
        found: Link | None = self._tables.find("link", "token_hash", token_hash)
        return found

    async def links(self, site: SiteId, kind: str) -> tuple[Link, ...]:
        """Newest first."""
        return tuple(row for row in reversed(self._tables.of_site("link", site)) if row.kind == kind)

    async def users_by_email(self, email: str) -> tuple[Account, ...]:
        """Not removed, by site."""
        rows = self._tables.of_site("user")
        return tuple(row for row in rows if row.email == email and row.removed_at is None)


class MemoryBins(Rows):
    """`ports.Bins`."""

    async def all(self, site: SiteId) -> tuple[Bin, ...]:
        """Newest first."""
        return tuple(reversed(self._tables.of_site("bin", site)))

    async def get(self, site: SiteId, bin_id: str) -> Bin | None:
        """One bin."""
        found: Bin | None = self._tables.get("bin", (site, bin_id))
        return found

    async def by_address(self, address: str) -> Bin | None:
        """The bin that captures there."""
        found: Bin | None = self._tables.find("bin", "address", address)
        return found

    async def captures(self, site: SiteId, bin_id: str, before_seq: int | None, limit: int) -> tuple[Capture, ...]:
        """Newest first."""
        rows: list[Capture] = self._tables.of_site("capture", site, bin_id)[::-1]
        return tuple([row for row in rows if before_seq is None or row.seq < before_seq][:limit])

    async def captures_after(self, site: SiteId, bin_id: str, after_seq: int, limit: int) -> tuple[Capture, ...]:
        """Oldest first."""
        return tuple([row for row in self._tables.of_site("capture", site, bin_id) if row.seq > after_seq][:limit])

    async def capture(self, site: SiteId, capture_id: str) -> Capture | None:
        """One capture."""
        found: Capture | None = self._tables.find("capture", "id", capture_id, site)
        return found


class MemoryAudit(Rows):
    """`ports.Audit`."""

    async def page(
        self, site: SiteId, before: int | None, limit: int, which: AuditFilter = EVERY_ROW
    ) -> tuple[AuditRow, ...]:
        """Newest first."""
        rows: list[AuditRow] = self._tables.of_site("audit", site)[::-1]
        return tuple([row for row in rows if (before is None or row.seq < before) and which.takes(row.entry)][:limit])

    async def range(
        self, site: SiteId, after_seq: int, limit: int, which: AuditFilter = EVERY_ROW
    ) -> tuple[AuditRow, ...]:
        """Oldest first."""
        rows: list[AuditRow] = self._tables.of_site("audit", site)
        return tuple([row for row in rows if row.seq > after_seq and which.takes(row.entry)][:limit])

    async def checkpoint(self, site: SiteId) -> AuditPlace | None:
        """Where retention has cut the chain."""
        found: AuditPlace | None = self._tables.get("audit_checkpoint", (site,))
        return found
