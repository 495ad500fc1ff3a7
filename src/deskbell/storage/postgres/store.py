"""The shared store: one connection that writes, one for shards, a few that read; many processes on one database."""

import asyncio
from collections.abc import Callable

import asyncpg

from deskbell.model.changes import Unit, Verdict
from deskbell.model.errors import StoreBroken
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
from deskbell.storage.postgres.connection import AWAY, REFUSED, hang_up, open_plain
from deskbell.storage.postgres.dialect import POSTGRES
from deskbell.storage.postgres.link import Link
from deskbell.storage.postgres.migrate import migrate
from deskbell.storage.postgres.partitions import Partitions, Purged
from deskbell.storage.postgres.patience import Patience
from deskbell.storage.postgres.read_due import PostgresDue
from deskbell.storage.postgres.readers import Readers
from deskbell.storage.postgres.schema import PostgresSchema
from deskbell.storage.postgres.sessions import Sessions
from deskbell.storage.postgres.shards import PostgresShards
from deskbell.storage.postgres.wall import raise_wall
from deskbell.storage.postgres.writer import Writer
from deskbell.storage.read_deliveries import SqlDeliveries, SqlEvents
from deskbell.storage.read_desk import SqlDesk, SqlPeople
from deskbell.storage.read_runs import SqlReplays, SqlTimers
from deskbell.storage.read_settings import SqlAccounts, SqlAudit, SqlBins, SqlSites, SqlWebhooks
from deskbell.storage.sealed import SqlSealed
from deskbell.storage.statements import statements
from deskbell.storage.waiting import verdict_of


class PostgresStore:
    """`ports.Store` in PostgreSQL."""

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
    is_shared = True

    def __init__(self, url: str, *, units_max: int, readers: int, wait_s: float, is_bound: bool) -> None:
        """Wire the parts; use `open`."""
        reads = self._readers = Readers(url, statements("postgres"), count=readers, wait_s=wait_s, is_bound=is_bound)
        purged = Purged()
        self._sessions = Sessions(url, purged)
        self._writer = Writer(self._sessions, units_max=units_max, wait_s=wait_s)
        self._link = Link(url)
        self.partitions = Partitions(self._link, purged)
        self._tending: asyncio.Task[None] | None = None
        self._is_closed = False
        self.figures = self._writer.figures
        self.figures.read_s = reads.took_s
        self.sites = SqlSites(reads)
        self.webhooks = SqlWebhooks(reads)
        self.events = SqlEvents(reads, POSTGRES)
        self.deliveries = SqlDeliveries(reads, POSTGRES)
        self.desk = SqlDesk(reads, POSTGRES)
        self.people = SqlPeople(reads)
        self.accounts = SqlAccounts(reads)
        self.bins = SqlBins(reads)
        self.audit = SqlAudit(reads)
        self.due = PostgresDue(reads, self._sessions)
        self.timers = SqlTimers(reads, POSTGRES)
        self.replays = SqlReplays(reads)
        self.shards = PostgresShards(self._link)
        self.sealed = SqlSealed(reads)
        self.schema = PostgresSchema(reads)

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        commit_units_max: int = 500,
        readers: int = 4,
        wait_s: float = 10.0,
        on_broken: Callable[[], None] | None = None,
    ) -> "PostgresStore":
        """Connect, and bring the database to this program's version.

        Raises StoreBroken: out of reach, refused, newer, or an old server. `on_broken` is called once when nothing
        can be written any more.
        """
        is_bound = await _prepare(url, Patience(wait_s))
        store = cls(url, units_max=commit_units_max, readers=readers, wait_s=wait_s, is_bound=is_bound)
        store.on_broken = on_broken
        await store.partitions.make_ahead()
        store._tending = asyncio.create_task(store.partitions.tend(), name="deskbell.partitions")
        return store

    @property
    def on_broken(self) -> Callable[[], None] | None:
        """What is called once when nothing can be written any more."""
        return self._writer.on_broken

    @on_broken.setter
    def on_broken(self, call: Callable[[], None] | None) -> None:
        self._writer.on_broken = call

    @property
    def pending(self) -> int:
        """How many units wait for their transaction."""
        return self._writer.pending

    def submit(self, unit: Unit, done: Callable[[Verdict], None]) -> None:
        """Put a unit into the next transaction."""
        self._writer.submit(unit, done)

    async def commit(self, unit: Unit) -> Verdict:
        """The same, waited for."""
        return await verdict_of(self._writer.submit, unit)

    async def close(self) -> None:
        """Commit what is pending, then hang up."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.wait([self._tending])
        await self._writer.close()
        await self._link.close()
        await self._readers.close()


async def _prepare(url: str, patience: Patience) -> bool:
    """Migrate, and bind the tables to their sites; whether readers are bound. A starting database is waited for."""
    while True:
        try:
            connection = await open_plain(url)
            try:
                await migrate(connection)
                return await raise_wall(connection)
            finally:
                await hang_up(connection)
        except (*AWAY, asyncpg.PostgresError) as error:
            if isinstance(error, REFUSED) or not isinstance(error, AWAY) or not await patience.wait():
                told = f"the database cannot be opened: {_reason(error)}; check DESKBELL_DATABASE_URL"
                raise StoreBroken(told) from None


def _reason(error: BaseException) -> str:
    """What the driver says; its errors never hold the password."""
    return str(error) or type(error).__name__
