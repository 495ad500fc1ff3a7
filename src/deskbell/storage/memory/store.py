"""The store in memory: units of one turn of the loop are applied together, answered on the next."""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from deskbell.model.changes import Refused, Unit, Verdict
from deskbell.model.errors import StoreBroken
from deskbell.model.figures import StoreFigures
from deskbell.ports import (
    Accounts,
    Audit,
    Bins,
    Deliveries,
    Desk,
    Due,
    Events,
    People,
    Replays,
    Schema,
    SealedRows,
    Shards,
    Sites,
    Timers,
    Webhooks,
)
from deskbell.storage.memory.read_deliveries import MemoryDeliveries, MemoryDue, MemoryEvents
from deskbell.storage.memory.read_desk import MemoryDesk, MemoryPeople
from deskbell.storage.memory.read_settings import MemoryAccounts, MemoryAudit, MemoryBins, MemorySites, MemoryWebhooks
from deskbell.storage.memory.runs import MemoryReplays, MemoryShards, MemoryTimers
from deskbell.storage.memory.sealed import MemorySealed
from deskbell.storage.memory.tables import Tables
from deskbell.storage.memory.units import Units
from deskbell.storage.waiting import verdict_of


class MemorySchema:
    """`ports.Schema` of a store that has no file."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def version(self) -> int:
        """Always the first."""
        return 1

    async def check(self) -> tuple[str, ...]:
        """Always sound."""
        return ()

    async def meta(self, key: str) -> str | None:
        """A value of the installation."""
        found: str | None = self._tables.get("meta", (key,))
        return found

    async def backup(self, path: str) -> None:
        """Raises StoreBroken: there is nothing to copy."""
        raise StoreBroken(f"a store in memory cannot be copied to {Path(path).name}: use the SQLite store")


class MemoryStore:
    """`ports.Store` in memory."""

    sites: Sites
    webhooks: Webhooks
    events: Events
    deliveries: Deliveries
    desk: Desk
    people: People
    accounts: Accounts
    bins: Bins
    audit: Audit
    due: Due
    timers: Timers
    replays: Replays
    shards: Shards
    sealed: SealedRows
    schema: Schema

    def __init__(
        self, *, commit_units_max: int = 500, is_shared: bool = False, now: Callable[[], float] = monotonic
    ) -> None:
        """`is_shared` when several engines of a test use it; `now` is the clock of its leases, seconds."""
        tables = Tables()
        self.is_shared = is_shared
        self.figures = StoreFigures()
        self._units = Units(tables)
        self._units_max = commit_units_max
        self._pending: deque[tuple[Unit, Callable[[Verdict], None]]] = deque()
        self._is_closed = False
        self.on_broken: Callable[[], None] | None = None
        self.refuse_with: Refused | None = None  # tests: refuse every unit so
        self.sites = MemorySites(tables)
        self.webhooks = MemoryWebhooks(tables)
        self.events = MemoryEvents(tables)
        self.deliveries = MemoryDeliveries(tables)
        self.desk = MemoryDesk(tables)
        self.people = MemoryPeople(tables)
        self.accounts = MemoryAccounts(tables)
        self.bins = MemoryBins(tables)
        self.audit = MemoryAudit(tables)
        self.due = MemoryDue(tables)
        self.timers = MemoryTimers(tables)
        self.replays = MemoryReplays(tables)
        self.shards = MemoryShards(tables, now)
        self.sealed = MemorySealed(tables)
        self.schema = MemorySchema(tables)

    @property
    def pending(self) -> int:
        """How many units wait for their turn."""
        return len(self._pending)

    def submit(self, unit: Unit, done: Callable[[Verdict], None]) -> None:
        """Put a unit into this turn's transaction."""
        self._pending.append((unit, done))
        if len(self._pending) == 1:
            asyncio.get_running_loop().call_soon(self._flush)

    async def commit(self, unit: Unit) -> Verdict:
        """The same, waited for."""
        return await verdict_of(self.submit, unit)

    async def close(self) -> None:
        """Apply what is pending, then refuse everything."""
        while self._pending:
            self._flush()
        self._is_closed = True

    def _flush(self) -> None:
        count = min(len(self._pending), self._units_max)
        taken = [self._pending.popleft() for _ in range(count)]
        loop = asyncio.get_running_loop()
        if self._pending:
            loop.call_soon(self._flush)
        for unit, done in taken:
            loop.call_soon(done, self._verdict(unit))

    def _verdict(self, unit: Unit) -> Verdict:
        if self._is_closed:
            return Refused(reason="broken")
        return self.refuse_with or self._units.apply(unit)
