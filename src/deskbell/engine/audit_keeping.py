"""What the audit needs from time to time: its heads in the log, and its beginning cut by retention."""

import json

from deskbell.engine.ground import Ground
from deskbell.model.audit import INSTALLATION, AuditEntry
from deskbell.model.changes import Committed, PurgeAudit, Unit
from deskbell.model.ids import SiteId
from deskbell.model.people import SYSTEM
from deskbell.model.site import AUDIT_RETENTION_DAYS
from deskbell.rules.audit_chain import PURGE, cut

_HEADS_EVERY_S = 86_400.0


class AuditKeeping:
    """One node does it for all."""

    def __init__(self, ground: Ground) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._clock = ground.clock
        self._limits = ground.limits
        self._log = ground.log
        self._told_at: float | None = None  # monotonic

    async def keep(self) -> None:
        """Each chain in turn: its head once a day, and rounds of what is past its retention."""
        chains = {one.site: one.audit_retention_days for one in self._settings.all_sites()}
        chains[INSTALLATION] = AUDIT_RETENTION_DAYS
        await self._tell_heads(tuple(chains))
        for site, days in chains.items():
            while await self._cut(site, days):
                pass

    async def _tell_heads(self, chains: tuple[SiteId, ...]) -> None:
        """Whoever can alter the database cannot alter a log that was shipped: compare with `audit verify --head`."""
        now = self._clock.monotonic()
        if self._told_at is not None and now - self._told_at < _HEADS_EVERY_S:
            return
        self._told_at = now
        for site in chains:
            for row in await self._store.audit.page(site, None, 1):
                self._log.info("audit.head", site=site, seq=row.seq, hash=row.hash)

    async def _cut(self, site: SiteId, days: int) -> int:
        """One round; how many rows went."""
        now = self._clock.now()
        rows = await self._store.audit.range(site, 0, self._limits.rows_at_once + 1)
        last = cut(rows, now, days)
        if last is None:
            return 0
        told = {"upTo": last.seq, "lastHash": last.hash, "rows": last.seq - rows[0].seq + 1}
        entry = AuditEntry(
            site=site,
            at=now,
            actor=SYSTEM,
            operation=PURGE,
            object_id=site,
            after=json.dumps(told),
            reason=f"older than {days} days",
        )
        verdict = await self._store.commit(
            Unit(changes=(PurgeAudit(site=site, seq=last.seq, hash=last.hash),), audit=entry)
        )
        return verdict.rows if isinstance(verdict, Committed) else 0
