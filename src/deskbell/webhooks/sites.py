"""The site's settings and its slider, and the question that the slider leaves open."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deskbell.model.account import Caller
from deskbell.model.audit import Origin
from deskbell.model.changes import Replace
from deskbell.model.errors import Conflict, FaultAt, Invalid
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.query import EventFilter
from deskbell.model.site import Missed, Site
from deskbell.webhooks.audit_view import as_json, differences, site_view
from deskbell.webhooks.ground import CHANGED_MEANWHILE, TRIES_MAX, Ground, refusal_of
from deskbell.webhooks.site_patch import patched_site


class Sites(Ground):
    """One site's row."""

    async def update_site(
        self,
        caller: Caller,
        members: Mapping[str, Any],
        *,
        if_version: int | None = None,
        origin: Origin,
        operation: str = "site.change",
    ) -> Site:
        """Merge patch of the site; `webhooksEnabled` is the slider. Raises Invalid or Conflict."""
        for _ in range(TRIES_MAX):
            before = await self._site(caller.site)
            if if_version is not None and if_version != before.version:
                detail = f"The site has changed: now it is version {before.version}. Read it again, then change it."
                raise Conflict(detail, reason="version")
            after = patched_site(before, members, self._limits)
            if after == before:
                return before
            if after.webhooks_enabled is not before.webhooks_enabled:
                after = await self._slid(after, caller, self._clock.now())
            if await self._write_site(caller, origin, operation, before, after):
                return replace(after, version=before.version + 1)
        raise Conflict(CHANGED_MEANWHILE, reason="version")

    async def set_slider(self, caller: Caller, enabled: bool, *, origin: Origin) -> Site:
        """Webhooks on or off for the whole site; the wanted value, so that asking twice is harmless."""
        return await self.update_site(caller, {"webhooksEnabled": enabled}, origin=origin, operation="site.slider")

    async def _slid(self, site: Site, caller: Caller, now: Instant) -> Site:
        """The site with the slider moved just now; what happened while off is asked about once it is on again."""
        moved = replace(site, slider_by=caller.name, slider_at=now)
        if not site.webhooks_enabled:
            return replace(moved, off_since=now)
        since = site.off_since if site.missed is None else site.missed.since
        if since is None or not (site.missed or await self._count(site.site, since, now)):
            return replace(moved, off_since=None)
        return replace(moved, off_since=None, missed=Missed(since=since, until=now))

    async def missed_count(self, site: SiteId) -> tuple[int, Instant] | None:
        """How many events happened while webhooks were off, and since when; None when nothing is to be answered."""
        found = await self._site(site)
        if found.missed is None or not found.webhooks_enabled:
            return None
        return await self._count(site, found.missed.since, found.missed.until), found.missed.since

    async def answer_missed(self, caller: Caller, answer: str, *, origin: Origin) -> Site:
        """`leave` leaves them unsent; `replay` is for Replays. Raises Conflict when there is no open question."""
        if answer != "leave":
            words = "Choose replay or leave."
            raise Invalid(words, faults=(FaultAt(pointer="/answer", code="choice", detail=words),))
        for _ in range(TRIES_MAX):
            before = await self._site(caller.site)
            if before.missed is None or not before.webhooks_enabled:
                raise Conflict("Nothing is to be answered: no events wait for it.", reason="nothing_missed")
            if await self._write_site(caller, origin, "site.missed", before, replace(before, missed=None)):
                return replace(before, missed=None, version=before.version + 1)
        raise Conflict(CHANGED_MEANWHILE, reason="version")

    async def _count(self, site: SiteId, since: Instant, until: Instant) -> int:
        return await self._store.events.count(site, EventFilter(since=since, until=until, test=False))

    async def _write_site(self, caller: Caller, origin: Origin, operation: str, before: Site, after: Site) -> bool:
        """Whether the change was written; False when somebody else was faster."""
        was, now_is = differences(site_view(before), site_view(after))
        if operation == "site.missed":
            was, now_is = as_json({"missed": True}), as_json({"answer": "leave"})
        entry = self._entry(caller, origin, operation, before.site, before=was, after=now_is)
        refused = await self._commit((Replace(row=replace(after, version=before.version + 1)),), entry)
        if refused is None:
            self._site_changed(before.site)
            return True
        if refused.reason != "version":
            raise refusal_of(refused)
        return False
