"""The embedded store: one file, one process, one writing connection on the loop's thread, readers in threads."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import apsw

from deskbell.model.changes import Unit, Verdict
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
from deskbell.storage.read_deliveries import SqlDeliveries, SqlDue, SqlEvents
from deskbell.storage.read_desk import SqlDesk, SqlPeople
from deskbell.storage.read_runs import SqlReplays, SqlTimers
from deskbell.storage.read_settings import SqlAccounts, SqlAudit, SqlBins, SqlSites, SqlWebhooks
from deskbell.storage.sealed import SqlSealed
from deskbell.storage.sqlite.connection import open_writer
from deskbell.storage.sqlite.dialect import SQLITE
from deskbell.storage.sqlite.lock import FileLock
from deskbell.storage.sqlite.migrate import migrate
from deskbell.storage.sqlite.places import refuse_network
from deskbell.storage.sqlite.readers import Readers
from deskbell.storage.sqlite.room import RESERVE_NAME, Reserve, Room
from deskbell.storage.sqlite.schema import SqliteSchema
from deskbell.storage.sqlite.shards import SqliteShards
from deskbell.storage.sqlite.syncing import LogFile, Syncer
from deskbell.storage.sqlite.writer import Writer
from deskbell.storage.statements import statements
from deskbell.storage.waiting import verdict_of

LOCK_NAME = "deskbell.lock"


class SqliteStore:
    """`ports.Store` in SQLite."""

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
    is_shared = False

    def __init__(
        self,
        connection: apsw.Connection,
        log: LogFile,
        path: Path,
        lock: FileLock | None,
        reserve: Reserve | None,
        units_max: int,
    ) -> None:
        """Wire the parts; use `open`."""
        sql = statements("sqlite")
        syncer = Syncer(log.sync)
        readers = Readers(path, sql, syncer.barrier)
        self._connection = connection
        self._log = log
        self._readers = readers
        self._lock = lock
        self._writer = Writer(connection, sql, syncer, Room(connection, reserve), units_max=units_max)
        self._is_closed = False
        self._writer.figures.read_s = readers.took_s
        self.sites = SqlSites(readers)
        self.webhooks = SqlWebhooks(readers)
        self.events = SqlEvents(readers, SQLITE)
        self.deliveries = SqlDeliveries(readers, SQLITE)
        self.desk = SqlDesk(readers, SQLITE)
        self.people = SqlPeople(readers)
        self.accounts = SqlAccounts(readers)
        self.bins = SqlBins(readers)
        self.audit = SqlAudit(readers)
        self.due = SqlDue(readers, SQLITE)
        self.timers = SqlTimers(readers, SQLITE)
        self.replays = SqlReplays(readers)
        self.shards = SqliteShards(connection, sql)
        self.sealed = SqlSealed(readers)
        self.schema = SqliteSchema(connection, sql)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        commit_units_max: int = 500,
        reserve_bytes: int = 0,
        lock: bool = True,
        on_broken: Callable[[], None] | None = None,
    ) -> "SqliteStore":
        """Open or create the database. Raises StoreBroken: held by another process, newer, or not a database.

        `reserve_bytes` are kept beside it for the day when the disk is full; `lock` False is for operator commands
        beside a running server; `on_broken` is called once when a commit fails for good.
        """
        refuse_network(path)
        held = FileLock(path.parent / LOCK_NAME) if lock else None
        connection = None
        try:
            connection = open_writer(path)
            migrate(connection)
        except BaseException as error:
            if held is not None:
                held.release()
            if connection is not None:
                connection.close()
            if isinstance(error, apsw.Error):
                raise StoreBroken(
                    f"{path.name} cannot be opened: {error}; check the file or restore a backup"
                ) from error
            raise
        reserve = Reserve(path.parent / RESERVE_NAME, reserve_bytes) if lock and reserve_bytes else None
        store = cls(connection, LogFile(path), path, held, reserve, commit_units_max)
        store.on_broken = on_broken
        return store

    @property
    def on_broken(self) -> Callable[[], None] | None:
        """What is called once when a commit fails for good."""
        return self._writer.on_broken

    @on_broken.setter
    def on_broken(self, call: Callable[[], None] | None) -> None:
        self._writer.on_broken = call

    @property
    def pending(self) -> int:
        """How many units wait for their transaction."""
        return self._writer.pending

    @property
    def figures(self) -> StoreFigures:
        """What the store measures of itself."""
        return self._writer.figures

    def submit(self, unit: Unit, done: Callable[[Verdict], None]) -> None:
        """Put a unit into this turn's transaction."""
        self._writer.submit(unit, done)

    async def commit(self, unit: Unit) -> Verdict:
        """The same, waited for."""
        return await verdict_of(self._writer.submit, unit)

    async def close(self) -> None:
        """Commit what is pending, end the readers, fold the log into the file, give the lock back."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._writer.drain()
            self._writer.refuse_all()
            await asyncio.get_running_loop().run_in_executor(None, self._readers.close)
            self._log.close()
            self._connection.close()
        finally:  # also when the disk fails while the log is folded in
            if self._lock is not None:
                self._lock.release()
