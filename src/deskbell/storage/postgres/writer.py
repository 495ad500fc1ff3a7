"""Group commit: while one transaction is at the server the next batch grows by itself; answers when it is durable.

A lost connection costs nobody an answer: what was not committed is written again on a new one, and of what was being
committed the new connection finds out whether it was.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter

import asyncpg
import structlog

from deskbell.model.changes import Refused, Unit, Verdict
from deskbell.model.figures import StoreFigures
from deskbell.storage.postgres.connection import AWAY
from deskbell.storage.postgres.patience import Patience
from deskbell.storage.postgres.refusals import CLASH, FATAL, FULL
from deskbell.storage.postgres.session import Session, SessionLost
from deskbell.storage.postgres.sessions import Sessions
from deskbell.storage.postgres.transaction import CommitUnknown, Transaction

_log = structlog.get_logger()
_BROKEN = Refused(reason="broken")
_BUSY = Refused(reason="busy")
_DISK_FULL = Refused(reason="disk_full")
_CLASHES_MAX = 10
_CLASH_S = 0.01
CLOSE_S = 1.5
"""For what is pending when the process stops; a database that is away is not waited for then."""

Done = Callable[[Verdict], None]


class Writer:
    """The only one of this process that writes."""

    def __init__(self, sessions: Sessions, *, units_max: int, wait_s: float) -> None:
        self._sessions = sessions
        self._units_max = units_max
        self._patience = Patience(wait_s)
        self._pending: deque[tuple[Unit, Done]] = deque()
        self._wake = asyncio.Event()
        self._is_broken = False
        self._is_closing = False
        self._is_over = False
        self._task = asyncio.create_task(self._run(), name="deskbell.writer")
        self.on_broken: Callable[[], None] | None = None
        self.figures = StoreFigures()

    @property
    def pending(self) -> int:
        """How many units wait for their transaction."""
        return len(self._pending)

    def submit(self, unit: Unit, done: Done) -> None:
        """Put a unit into the next transaction."""
        if self._is_closing:
            asyncio.get_running_loop().call_soon(done, _BROKEN)
            return
        self._pending.append((unit, done))
        self._wake.set()

    async def close(self) -> None:
        """Commit everything that is pending, take no more, and hang up; what cannot be committed in time is refused."""
        self._is_closing = True
        self._wake.set()
        await asyncio.wait([self._task], timeout=CLOSE_S)
        if not self._task.done():
            self._is_over = True
            self._patience.end()
            await self._sessions.lose()  # whoever waits for an answer of the server gets none
        await self._task
        await self._sessions.close()

    async def _run(self) -> None:
        while not self._is_closing or self._pending:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                count = min(len(self._pending), self._units_max)
                taken = [self._pending.popleft() for _ in range(count)]
                started = perf_counter()
                verdicts = await self._durable([unit for unit, _ in taken])
                self.figures.commit_s.add(perf_counter() - started)
                self.figures.units += count
                self._answer([done for _, done in taken], verdicts)

    def _answer(self, dones: Sequence[Done], verdicts: Sequence[Verdict]) -> None:
        for done, verdict in zip(dones, verdicts, strict=True):
            try:
                done(verdict)
            except Exception:  # one caller's fault must not cost the others their answers
                _log.exception("commit.answer_failed")

    async def _durable(self, units: Sequence[Unit]) -> Sequence[Verdict]:
        """The verdicts, once they are durable or everything was refused."""
        if self._is_broken:
            return [_BROKEN] * len(units)
        if self._is_over:
            return [_BUSY] * len(units)
        try:
            return await self._until_known(units)
        except FULL:
            _log.error("commit.disk_full", units=len(units))
            return await self._give_up(units, _DISK_FULL)
        except FATAL as error:
            _log.error("commit.busy", units=len(units), error=repr(error))
            return await self._give_up(units, _BUSY)
        except Exception:
            _log.exception("commit.failed", units=len(units))
            self._is_broken = True
            refused = await self._give_up(units, _BROKEN)
            if self.on_broken is not None:
                self.on_broken()
            return refused

    async def _give_up(self, units: Sequence[Unit], verdict: Refused) -> Sequence[Verdict]:
        await self._sessions.lose()
        return [verdict] * len(units)

    async def _until_known(self, units: Sequence[Unit]) -> Sequence[Verdict]:
        """Try again while the database is away and there is patience. Raises what the last try met."""
        unknown: CommitUnknown | None = None
        clashes = 0
        while True:
            try:
                async with self._patience.limit():
                    if unknown is not None and await self._sessions.was_committed(unknown.batch):
                        return unknown.verdicts
                    unknown = None
                    session = await self._sessions.present()
                self._patience.renew()
                return await self._transaction(session, units)
            except CommitUnknown as lost:
                unknown = lost
                await self._lost(lost.__cause__)
            except CLASH as error:
                clashes += 1
                if clashes > _CLASHES_MAX:
                    raise
                _log.info("commit.again", error=repr(error))
                await asyncio.sleep(_CLASH_S * clashes)
            except (*AWAY, SessionLost) as error:
                await self._lost(error)

    async def _transaction(self, session: Session, units: Sequence[Unit]) -> Sequence[Verdict]:
        try:
            return await Transaction(session, units).run()
        except CommitUnknown as error:
            cause = error.__cause__
            if isinstance(cause, asyncpg.PostgresError) and not isinstance(cause, AWAY):
                raise cause from None  # the server has said no
            raise
        except (*AWAY, SessionLost):
            raise
        except asyncpg.PostgresError:
            await session.connection.execute("ROLLBACK")
            raise

    async def _lost(self, cause: BaseException | None) -> None:
        """Let go of the session and wait a little. Raises the cause when there is no patience left."""
        _log.warning("database.away", error=repr(cause))
        await self._sessions.lose()
        if not await self._patience.wait() and cause is not None:
            raise cause
