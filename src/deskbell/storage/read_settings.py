"""Reading sites, webhooks, users and their credentials, bins, and the audit."""

from typing import Any

from deskbell.model.account import Account, ApiKey, Link, Login
from deskbell.model.audit import EVERY_ROW, AuditFilter, AuditPlace, AuditRow
from deskbell.model.event import CustomType
from deskbell.model.ids import SiteId
from deskbell.model.inspector import Bin, Capture
from deskbell.model.sign_on import SignOn
from deskbell.model.site import Site
from deskbell.model.ticket import TicketLists
from deskbell.model.webhook import Health, Secret, StatHour, Webhook
from deskbell.storage.bodies import audit_of, audit_place_of
from deskbell.storage.reading import Bodies, Reads
from deskbell.storage.rows import stat_of

_END = 2**62


class SqlSites(Bodies):
    """`ports.Sites`."""

    async def get(self, site: SiteId) -> Site | None:
        """One site."""
        return await self._one(Site, "site_get", site=site)

    async def all(self) -> tuple[Site, ...]:
        """Every site."""
        return await self._readable(Site, "site_all")

    async def custom_types(self, site: SiteId) -> tuple[CustomType, ...]:
        """By name."""
        return await self._all(CustomType, "custom_type_all", site=site)

    async def ticket_lists(self, site: SiteId) -> TicketLists | None:
        """The site's lists."""
        return await self._one(TicketLists, "ticket_list_get", site=site)

    async def sign_on(self, site: SiteId) -> SignOn | None:
        """The site's provider."""
        return await self._one(SignOn, "sign_on_get", site=site)

    async def sign_ons(self) -> tuple[SignOn, ...]:
        """Of all sites; those that can be read."""
        return await self._readable(SignOn, "sign_on_all")


class SqlWebhooks(Bodies):
    """`ports.Webhooks`."""

    async def all(self, site: SiteId) -> tuple[Webhook, ...]:
        """Every state, by id."""
        return await self._readable(Webhook, "webhook_all", site=site)

    async def get(self, site: SiteId, webhook_id: str) -> Webhook | None:
        """One webhook as it is now."""
        return await self._one(Webhook, "webhook_get", site=site, id=webhook_id)

    async def version(self, site: SiteId, webhook_id: str, version: int) -> Webhook | None:
        """One webhook as it was."""
        return await self._one(Webhook, "webhook_version_get", site=site, id=webhook_id, version=version)

    async def secrets(self, site: SiteId, webhook_id: str) -> tuple[Secret, ...]:
        """Newest first."""
        return await self._all(Secret, "secret_of_webhook", site=site, webhook_id=webhook_id)

    async def health(self, site: SiteId) -> tuple[Health, ...]:
        """By webhook id."""
        return await self._readable(Health, "health_all", site=site)

    async def versions(self) -> tuple[tuple[SiteId, str, int], ...]:
        """For all sites: (site, nothing or a webhook, version)."""
        return await self._reads.rows("setting_versions", {}, tuple)

    async def stats(self, site: SiteId, from_hour: int) -> tuple[StatHour, ...]:
        """By hour, then webhook id."""
        bindings = {"site": site, "from_hour": from_hour}
        return await self._reads.rows("stat_hour_page", bindings, stat_of)


class SqlAccounts(Bodies):
    """`ports.Accounts`."""

    async def users(self, site: SiteId) -> tuple[Account, ...]:
        """Removed ones too, by id."""
        return await self._all(Account, "user_all", site=site)

    async def logins(self, site: SiteId, user_id: str) -> tuple[Login, ...]:
        """Newest first."""
        return await self._all(Login, "login_of_user", site=site, user_id=user_id)

    async def login_by_hash(self, token_hash: str) -> Login | None:
        """The login of a cookie."""
        return await self._one(Login, "login_by_hash", token_hash=token_hash)

    async def keys(self, site: SiteId) -> tuple[ApiKey, ...]:
        """Newest first."""
        return await self._all(ApiKey, "api_key_all", site=site)

    async def key_by_lookup(self, lookup: str) -> ApiKey | None:
        """The key whose text has these characters."""
        return await self._one(ApiKey, "api_key_by_lookup", lookup=lookup)

    async def link_by_hash(self, token_hash: str) -> Link | None:
        """A personal link."""
        return await self._one(Link, "link_by_hash", token_hash=token_hash)

    async def links(self, site: SiteId, kind: str) -> tuple[Link, ...]:
        """Newest first."""
        return await self._all(Link, "link_all", site=site, kind=kind)

    async def users_by_email(self, email: str) -> tuple[Account, ...]:
        """Not removed, by site."""
        return await self._all(Account, "user_by_email", email=email)


class SqlBins(Bodies):
    """`ports.Bins`."""

    async def all(self, site: SiteId) -> tuple[Bin, ...]:
        """Newest first."""
        return await self._all(Bin, "bin_all", site=site)

    async def get(self, site: SiteId, bin_id: str) -> Bin | None:
        """One bin."""
        return await self._one(Bin, "bin_get", site=site, id=bin_id)

    async def by_address(self, address: str) -> Bin | None:
        """The bin that captures there."""
        return await self._one(Bin, "bin_by_address", address=address)

    async def captures(self, site: SiteId, bin_id: str, before_seq: int | None, limit: int) -> tuple[Capture, ...]:
        """Newest first."""
        before = _END if before_seq is None else before_seq
        return await self._all(Capture, "capture_before", site=site, bin_id=bin_id, before_seq=before, limit=limit)

    async def captures_after(self, site: SiteId, bin_id: str, after_seq: int, limit: int) -> tuple[Capture, ...]:
        """Oldest first."""
        return await self._all(Capture, "capture_after", site=site, bin_id=bin_id, after_seq=after_seq, limit=limit)

    async def capture(self, site: SiteId, capture_id: str) -> Capture | None:
        """One capture."""
        return await self._one(Capture, "capture_get", site=site, id=capture_id)


class SqlAudit:
    """`ports.Audit`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def page(
        self, site: SiteId, before: int | None, limit: int, which: AuditFilter = EVERY_ROW
    ) -> tuple[AuditRow, ...]:
        """Newest first."""
        bindings = {"site": site, "before": _END if before is None else before, "limit": limit, **_meant(which)}
        return await self._reads.rows("audit_before", bindings, audit_of)

    async def range(
        self, site: SiteId, after_seq: int, limit: int, which: AuditFilter = EVERY_ROW
    ) -> tuple[AuditRow, ...]:
        """Oldest first."""
        bindings = {"site": site, "after": after_seq, "limit": limit, **_meant(which)}
        return await self._reads.rows("audit_after", bindings, audit_of)

    async def checkpoint(self, site: SiteId) -> AuditPlace | None:
        """Where retention has cut the chain."""
        return await self._reads.one("audit_checkpoint_get", {"site": site}, audit_place_of)


def _meant(which: AuditFilter) -> dict[str, Any]:
    return {
        "actor": which.actor,
        "operation": which.operation,
        "noun": which.operation[:-1] if which.operation.endswith(".*") else "",
        "object_id": which.object_id,
        "since": -_END if which.since is None else which.since,
        "until": _END if which.until is None else which.until,
    }
