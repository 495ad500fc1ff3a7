"""Reading the audit, checking that its chains are whole, and telling it that it was exported."""

import json
from collections.abc import AsyncIterator, Mapping

from deskbell.accounts.keys import actor_of
from deskbell.accounts.office import refusal_of
from deskbell.model.account import Caller
from deskbell.model.audit import EVERY_ROW, INSTALLATION, AuditEntry, AuditFilter, AuditPlace, AuditRow, Origin
from deskbell.model.changes import Refused, Unit
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant, format_instant
from deskbell.ports import Store
from deskbell.rules.audit_chain import ChainCheck, Checked

_STEP = 500


class AuditReader:
    """The audit of a site, or of the installation."""

    def __init__(self, *, store: Store) -> None:
        self._store = store

    async def page(
        self, site: SiteId, before: int | None, limit: int, which: AuditFilter = EVERY_ROW
    ) -> tuple[AuditRow, ...]:
        """Rows, newest first."""
        return await self._store.audit.page(site, before, limit, which)

    async def head(self, site: SiteId) -> AuditPlace | None:
        """The newest row; None when nothing is recorded."""
        rows = await self._store.audit.page(site, None, 1)
        return AuditPlace(seq=rows[0].seq, hash=rows[0].hash) if rows else None

    async def heads(self) -> dict[SiteId, AuditPlace]:
        """The newest row of each chain, also of the installation's."""
        chains = [INSTALLATION, *[one.site for one in await self._store.sites.all()]]
        found = {site: await self.head(site) for site in chains}
        return {site: head for site, head in found.items() if head is not None}

    async def check(self, site: SiteId, known: Mapping[int, str] | None = None) -> Checked:
        """Whether every row follows from the one before it, and those that are `known` have the hash they had."""
        while True:
            checkpoint = await self._store.audit.checkpoint(site)
            found = await self._check(site, checkpoint, known)
            if found.broken is None or await self._store.audit.checkpoint(site) == checkpoint:
                return found  # else retention cut the chain while it was read

    async def _check(self, site: SiteId, checkpoint: AuditPlace | None, known: Mapping[int, str] | None) -> Checked:
        check, after = ChainCheck(checkpoint, known), 0
        while rows := await self._store.audit.range(site, after, _STEP):
            if not check.take(rows):
                break
            after = rows[-1].seq
        return check.finish()

    async def verify(self, site: SiteId) -> int | None:
        """The number of the first row that is altered or missing; None when the chain is whole."""
        return (await self.check(site)).broken

    async def export(
        self, caller: Caller, form: str, which: AuditFilter, now: Instant, origin: Origin
    ) -> AsyncIterator[AuditRow]:
        """The rows, oldest first; that they were taken away is recorded before the first one is read."""
        entry = AuditEntry(
            site=caller.site,
            at=now,
            actor=actor_of(caller),
            operation="audit.export",
            object_id=form,
            address=origin.address,
            request_id=origin.request_id,
            after=json.dumps(told(which), ensure_ascii=False),
        )
        verdict = await self._store.commit(Unit(changes=(), audit=entry))
        if isinstance(verdict, Refused):
            raise refusal_of(verdict)
        return self._rows(caller.site, which)

    async def _rows(self, site: SiteId, which: AuditFilter) -> AsyncIterator[AuditRow]:
        after = 0
        while rows := await self._store.audit.range(site, after, _STEP, which):
            for row in rows:
                yield row
            after = rows[-1].seq


def told(which: AuditFilter) -> dict[str, str]:
    """The members of a filter that are set, under the names of the API."""
    members = {
        "actor": which.actor,
        "operation": which.operation,
        "object": which.object_id,
        "from": "" if which.since is None else format_instant(which.since),
        "to": "" if which.until is None else format_instant(which.until),
    }
    return {name: value for name, value in members.items() if value}
