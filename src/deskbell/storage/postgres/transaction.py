"""One transaction: many units, each of them whole or not at all, and only the guilty ones refused.

Hot units go together. When a group fails it is taken back and tried in halves, so that among many units the guilty one
is found in few steps.
"""

from collections.abc import Mapping, Sequence

import asyncpg
import structlog

from deskbell.model.changes import Committed, Refused, Unit, Verdict
from deskbell.storage.guards import STALE
from deskbell.storage.hot import fenced_shards, groups, is_stale
from deskbell.storage.postgres.bulk import Bulk
from deskbell.storage.postgres.migrate import check_version, newest_version
from deskbell.storage.postgres.refusals import FATAL, refused_by
from deskbell.storage.postgres.session import Session, SessionLost
from deskbell.storage.postgres.units import Units

_log = structlog.get_logger()
_DONE = Committed()


class CommitUnknown(Exception):
    """The connection was lost while the transaction was being committed."""

    def __init__(self, batch: int, verdicts: Sequence[Verdict]) -> None:
        super().__init__("unknown whether the transaction was committed")
        self.batch = batch
        self.verdicts = verdicts


class Transaction:
    """Carries out units in one transaction of a session."""

    def __init__(self, session: Session, units: Sequence[Unit]) -> None:
        self._session = session
        self._execute = session.connection.execute
        self._single = Units(session)
        self._units = units
        self._fences: Mapping[int, int] = {}
        self._batch = 0
        self._has_savepoint = False

    async def run(self) -> Sequence[Verdict]:
        """The verdicts in the order of the units. Raises CommitUnknown, or what ended the transaction."""
        await self._begin()
        verdicts = await self._at_once()
        if verdicts is None:
            verdicts = []
            for is_hot, units in groups(self._units):
                verdicts += await (self._group(units) if is_hot else self._one(units[0]))
        try:
            await self._execute("COMMIT")
        except Exception as error:
            raise CommitUnknown(self._batch, verdicts) from error
        return verdicts

    async def _begin(self) -> None:
        """Begin, count the transaction, and hold the fences of all shards that matter until the commit."""
        await self._execute("BEGIN")
        bindings = {"writer": self._session.writer, "shards": fenced_shards(self._units)}
        batch, version, shards, fences = await self._session.row("transaction_start", bindings)
        check_version(int(version), newest_version())
        if batch is None:
            raise SessionLost("the row of this writer is gone")
        self._batch = batch
        self._fences = dict(zip(shards, fences, strict=True))

    async def _at_once(self) -> list[Verdict] | None:
        """One hot group, the usual case under load, without a savepoint. None: begun anew, to be done in steps."""
        pieces = list(groups(self._units))
        if len(pieces) > 1 or not pieces[0][0]:
            return None
        if await self._is_written(self._units):
            return self._done(self._units)
        await self._execute("ROLLBACK")
        await self._begin()
        return None

    def _done(self, units: Sequence[Unit]) -> list[Verdict]:
        return [STALE if is_stale(unit.changes, self._fences) else _DONE for unit in units]

    async def _group(self, units: Sequence[Unit]) -> list[Verdict]:
        """Hot units together; if that fails, each half by itself."""
        if len(units) == 1:
            return await self._one(units[0])
        await self._save()
        if await self._is_written(units):
            return self._done(units)
        await self._take_back()
        half = len(units) // 2
        return await self._group(units[:half]) + await self._group(units[half:])

    async def _is_written(self, units: Sequence[Unit]) -> bool:
        """Write the rows of hot units, but for those with an old fence: these change nothing."""
        try:
            bulk = Bulk(self._session, changes=sum(len(unit.changes) for unit in units))
            for unit in units:
                if not is_stale(unit.changes, self._fences):
                    bulk.add(unit.changes)
            return await bulk.write() is None
        except FATAL:
            raise
        except Exception:  # a constraint or a value: the halves will tell which
            return False

    async def _one(self, unit: Unit) -> list[Verdict]:
        """One unit; when it is refused, once more change by change: which one is guilty?"""
        for one_by_one in (False, True):
            await self._save()
            verdict = await self._verdict(unit, one_by_one=one_by_one)
            if isinstance(verdict, Committed):
                break
            await self._take_back()
        return [verdict]

    async def _verdict(self, unit: Unit, *, one_by_one: bool) -> Verdict:
        try:
            return await self._single.apply(unit, self._fences, one_by_one=one_by_one)
        except FATAL:
            raise
        except asyncpg.IntegrityConstraintViolationError as error:
            return refused_by(error)
        except Exception as fault:  # a value that cannot be written harms its own unit only
            if one_by_one:
                _log.exception("commit.unit_unwritable")
            return Refused(reason="broken", what=type(fault).__name__)

    async def _save(self) -> None:
        await self._execute("RELEASE piece; SAVEPOINT piece" if self._has_savepoint else "SAVEPOINT piece")
        self._has_savepoint = True

    async def _take_back(self) -> None:
        await self._execute("ROLLBACK TO piece")
