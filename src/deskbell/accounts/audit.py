"""Reading the audit, and checking that its chain is whole."""

from deskbell.model.audit import AuditRow
from deskbell.model.ids import SiteId
from deskbell.ports import Store
from deskbell.rules.audit_chain import FIRST_HASH, first_broken

_STEP = 500


class AuditReader:
    """The audit of a site."""

    def __init__(self, *, store: Store) -> None:
        self._store = store

    async def page(self, site: SiteId, before: int | None, limit: int) -> tuple[AuditRow, ...]:
        """Rows, newest first."""
        return await self._store.audit.page(site, before, limit)

    async def verify(self, site: SiteId) -> int | None:
        """The sequence of the first row that breaks the chain; None when it is whole."""
        previous = FIRST_HASH  # nothing cuts a chain: it begins at its beginning
        after = 0
        while rows := await self._store.audit.range(site, after, _STEP):
            broken = first_broken(rows, previous)
            if broken is not None:
                return broken
            previous, after = rows[-1].hash, rows[-1].seq
        return None
