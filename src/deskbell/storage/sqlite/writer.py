"""Group commit: whatever was submitted in one turn of the loop becomes one transaction, answered when it is durable."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

import apsw
import structlog

from deskbell.model.changes import Committed, Refused, Unit, Verdict
from deskbell.model.figures import StoreFigures
from deskbell.storage.hot import groups
from deskbell.storage.sqlite.bulk import Bulk
from deskbell.storage.sqlite.connection import BUSY_MS
from deskbell.storage.sqlite.refusals import FATAL
from deskbell.storage.sqlite.room import Room, grows, is_full
from deskbell.storage.sqlite.syncing import Syncer
from deskbell.storage.sqlite.units import Units

_log = structlog.get_logger()
_DONE = Committed()
_BROKEN = Refused(reason="broken")
_DISK_FULL = Refused(reason="disk_full")
_BUSY = Refused(reason="busy")
LOOK_AGAIN_S = 0.02
"""While another process writes: the loop goes on meanwhile, it must not wait inside the database."""
BULK_MIN = 8
"""Changes from which a single unit is written by statement too: one call with many events."""

Done = Callable[[Verdict], None]


class _OtherWrites(Exception):
    """Another process holds the write lock; nothing was begun."""


class Writer:
    """The only one that writes. After a failed commit it refuses everything: the next start recovers."""

    def __init__(
        self, connection: apsw.Connection, sql: Mapping[str, str], syncer: Syncer, room: Room, *, units_max: int
    ) -> None:
        self._connection = connection
        self._syncer = syncer
        self._room = room
        self._sql = sql
        self.figures = StoreFigures()
        self.figures.is_short = lambda: room.is_short
        self.figures.is_spent = room.is_spent
        self._units = Units(connection, sql, self.figures)
        self._units_max = units_max
        self._pending: deque[tuple[Unit, Done]] = deque()
        self._undurable = 0  # units committed and not answered
        self._is_scheduled = False
        self._is_broken = False
        self._is_draining = False
        self._locked_since: float | None = None  # another process has been writing for so long
        self.on_broken: Callable[[], None] | None = None

    @property
    def pending(self) -> int:
        """How many units wait for their answer."""
        return len(self._pending) + self._undurable

    def submit(self, unit: Unit, done: Done) -> None:
        """Put a unit into this turn's transaction."""
        self._pending.append((unit, done))
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Commit up to one transaction's units and answer them; the rest gets the next turn."""
        count = min(len(self._pending), self._units_max)
        taken = [self._pending.popleft() for _ in range(count)]
        started = perf_counter()
        try:
            verdicts = self._transaction([unit for unit, _ in taken]) if taken else ()
        except _OtherWrites:
            self._wait(taken, started)
            return
        self._locked_since = None
        self._is_scheduled = bool(self._pending)
        if self._is_scheduled:
            asyncio.get_running_loop().call_soon(self.flush)
        if not taken:
            return
        if self._is_broken:
            self._undurable += count
            self._answer(taken, verdicts, started, True)
            return
        self.figures.units += count
        self.figures.statements += 2  # its begin and its commit
        self._undurable += count
        self._syncer.committed(lambda is_durable: self._answer(taken, verdicts, started, is_durable))

    def _wait(self, taken: Sequence[tuple[Unit, Done]], started: float) -> None:
        """Look again soon; what has waited for as long as it may is refused."""
        if self._locked_since is None:
            self._locked_since = started
        if self._is_draining or started - self._locked_since >= BUSY_MS / 1000:
            self._undurable += len(taken)
            refused = [_BUSY] * len(taken)
            self._syncer.committed(lambda is_durable: self._answer(taken, refused, started, is_durable))  # in turn
        else:
            self._pending.extendleft(reversed(taken))
        self._is_scheduled = bool(self._pending) and not self._is_draining
        if self._is_scheduled:
            asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self.flush)

    def _answer(
        self, taken: Sequence[tuple[Unit, Done]], verdicts: Sequence[Verdict], started: float, is_durable: bool
    ) -> None:
        self._undurable -= len(taken)
        self.figures.commit_s.add(perf_counter() - started)
        if not is_durable and not self._is_broken:
            self._break()
        for (_, done), verdict in zip(taken, verdicts, strict=True):
            try:
                done(verdict if is_durable else _BROKEN)
            except Exception:  # one caller's fault must not cost the others their answers
                _log.exception("commit.answer_failed")

    def drain(self) -> None:
        """Commit everything that is pending, now, and see it on the disk."""
        self._is_draining = True
        while self._pending:
            self.flush()
        self._syncer.finish()

    def _break(self) -> None:
        self._is_broken = True
        if self.on_broken is not None:
            self.on_broken()

    def refuse_all(self) -> None:
        """Take no more: the store is closed."""
        self._is_broken = True

    def _transaction(self, units: Sequence[Unit]) -> Sequence[Verdict]:
        if self._is_broken:
            return [_BROKEN] * len(units)
        self._room.look()
        if not self._room.is_short:
            verdicts = self._try(units)
            if verdicts is not None:
                return verdicts
            self._room.give_up()
        return self._only_urgent(units)

    def _only_urgent(self, units: Sequence[Unit]) -> Sequence[Verdict]:
        """The disk is full: what grows is refused, the rest is written with what the reserve gave back."""
        urgent = [unit for unit in units if not grows(unit)]
        verdicts = self._try(urgent) if urgent else ()
        if urgent:
            self._room.wrote(is_out=verdicts is None)
        left = iter([_DISK_FULL] * len(urgent) if verdicts is None else verdicts)
        return [_DISK_FULL if grows(unit) else next(left) for unit in units]

    def _try(self, units: Sequence[Unit]) -> Sequence[Verdict] | None:
        """One transaction; None when there is no room for it."""
        try:
            self._begin()
            verdicts = self._apply(units)
            self._connection.execute("COMMIT")
        except (apsw.BusyError, apsw.LockedError):
            self._give_up(units, _BUSY)
            raise _OtherWrites from None
        except Exception as error:
            if is_full(self._connection, error):
                self._give_up(units, _DISK_FULL)
                return None
            _log.exception("commit.failed", units=len(units))
            refused = self._give_up(units, _BROKEN)
            self._break()
            return refused
        return verdicts

    def _begin(self) -> None:
        """At the end of its life the writer may wait inside the database."""
        self._connection.set_busy_timeout(BUSY_MS if self._is_draining else 0)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:
            self._connection.set_busy_timeout(BUSY_MS)

    def _give_up(self, units: Sequence[Unit], verdict: Refused) -> Sequence[Verdict]:
        if self._connection.in_transaction:  # some errors have rolled back already
            try:
                self._connection.execute("ROLLBACK")
            except apsw.Error:
                _log.exception("commit.rollback_failed")
                self._is_broken = True
        return [verdict] * len(units)

    def _apply(self, units: Sequence[Unit]) -> list[Verdict]:
        """Verdicts in the order of the units; runs of hot units go as one."""
        verdicts: list[Verdict] = []
        for is_hot, group in groups(units):
            verdicts += self._apply_group(group) if is_hot else [self._units.apply(group[0])]
        return verdicts

    def _apply_group(self, group: Sequence[Unit]) -> list[Verdict]:
        changes = sum(len(unit.changes) for unit in group)
        if (len(group) < 2 and changes < BULK_MIN) or not self._is_written_at_once(group, changes):
            return [self._units.apply(unit) for unit in group]
        return [_DONE] * len(group)

    def _is_written_at_once(self, group: Sequence[Unit], changes: int) -> bool:
        self._connection.execute("SAVEPOINT bulk")
        try:
            bulk = Bulk(self._connection, self._sql, changes=changes)
            for unit in group:
                bulk.add(unit)
            is_written = bulk.write()
            self.figures.statements += bulk.statements
        except FATAL:
            raise
        except Exception:  # a constraint or a value: unit by unit will tell which
            is_written = False
        if not is_written:
            self._connection.execute("ROLLBACK TO bulk")
        self._connection.execute("RELEASE bulk")
        return is_written
