"""The database: what is durable, shared by all processes, and the store of each process in front of it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from functools import partial
from typing import Any

from deskbell.model.changes import Refused, Unit, Verdict
from deskbell.model.errors import StoreBroken
from deskbell.model.figures import StoreFigures
from deskbell.storage.memory import MemoryStore
from deskbell.storage.memory.tables import Tables
from deskbell.storage.waiting import verdict_of
from simulation.loop import Life, SimLoop
from simulation.plan import Plan
from simulation.tape import Tape

Batch = list[tuple[Unit, Callable[[Verdict], None]]]
NOUNS = (
    "sites", "webhooks", "events", "deliveries", "desk", "people", "accounts", "bins", "audit", "due", "timers",
    "replays", "shards", "schema",
)  # fmt: skip
UNITS_MAX = 500
PATIENCE_S = 10.0
"""So long a store waits for a database that is away."""


class Database:
    """The durable state: the twin in memory, whose likeness to the SQL stores `tests/contract` shows."""

    def __init__(self, loop: SimLoop, tape: Tape, plan: Plan) -> None:
        self.loop, self.tape, self.plan = loop, tape, plan
        self.memory = MemoryStore(is_shared=plan.nodes > 1, now=loop.time)
        self.away_until = 0.0
        self.watch: Callable[[str, Unit, Verdict], None] = lambda process, unit, verdict: None

    @property
    def tables(self) -> Tables:
        """All rows."""
        return self.memory.sites._tables  # type: ignore[attr-defined,no-any-return]

    @property
    def is_away(self) -> bool:
        """Whether nobody reaches it now."""
        return self.loop.time() < self.away_until

    def apply(self, process: str, units: list[Unit]) -> list[Verdict]:
        """One transaction, durable from now on."""
        verdicts = []
        for unit in units:
            verdict = self.memory._units.apply(unit)
            verdicts.append(verdict)
            self.watch(process, unit, verdict)
        return verdicts

    def commit_s(self) -> float:
        """How long one way takes."""
        if self.plan.slow_commits and self.tape.chance(0.2):
            return self.tape.skewed(0.05, 2.0)
        return self.tape.between(0.0005, 0.02)


class SimStore:
    """Implements ports.Store for one process: one transaction at a time, in the order of handing in."""

    def __init__(self, database: Database, life: Life, context: Context) -> None:
        self._database = database
        self._loop = database.loop
        self._life = life
        self._context = context
        self._pending: Batch = []
        self._under_way: Batch | None = None
        self._arrived = False
        self._dropped = False
        self.is_shared = database.plan.nodes > 1
        self.figures = StoreFigures()
        for noun in NOUNS:
            setattr(self, noun, Reader(self, getattr(database.memory, noun)))

    def submit(self, unit: Unit, done: Callable[[Verdict], None]) -> None:
        """Put a unit into this turn's transaction."""
        self._pending.append((unit, done))
        if len(self._pending) == 1 and self._under_way is None:
            self._loop.call_soon(self._begin)

    async def commit(self, unit: Unit) -> Verdict:
        """The same, waited for."""
        return await verdict_of(self.submit, unit)

    async def close(self) -> None:
        """Nothing to close."""

    def _begin(self) -> None:
        if self._under_way is not None or not self._pending:
            return
        self._arrived = False
        self._under_way, self._pending = self._pending[:UNITS_MAX], self._pending[UNITS_MAX:]
        self._loop.later(self._database.commit_s(), self._arrive, self._loop.time() + PATIENCE_S)

    def _arrive(self, patient_until: float) -> None:
        """At the database: the moment in which the transaction becomes durable, or does not."""
        database, batch = self._database, self._under_way
        if batch is None or self._dropped:
            return
        if database.is_away and self._loop.time() < patient_until:
            self._loop.later(0.25, self._arrive, patient_until)
            return
        self._arrived = True
        if database.is_away:
            verdicts: list[Verdict] = [Refused(reason="busy") for _ in batch]
        else:
            verdicts = database.apply(self._life.name, [unit for unit, _ in batch])
        self._loop.later(database.commit_s(), self._answer, batch, verdicts, by=self._context)

    def _answer(self, batch: Batch, verdicts: list[Verdict]) -> None:
        """Back in the process."""
        self._under_way = None
        for (_, done), verdict in zip(batch, verdicts, strict=True):
            done(verdict)
        if self._pending:
            self._begin()

    def crash(self) -> None:
        """What was not on its way is lost; what was may turn out durable, but nobody is told."""
        self._pending.clear()
        self._dropped = not self._database.tape.chance(0.5)
        if self._under_way is not None and not self._arrived and not self.is_shared:  # nobody else holds the file
            units = [unit for unit, _ in self._under_way]
            if not self._dropped and not self._database.is_away:
                self._database.apply(self._life.name, units)
            self._dropped = True


class Reader:
    """One noun's questions: each takes its way to the database and back."""

    def __init__(self, store: SimStore, noun: Any) -> None:
        self._store, self._noun = store, noun

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        ask = partial(_ask, self._store, getattr(self._noun, name))
        setattr(self, name, ask)
        return ask


async def _ask(store: SimStore, question: Callable[..., Awaitable[Any]], *args: Any, **more: Any) -> Any:
    database = store._database
    if database.is_away:
        await _wait(database)
    if not database.plan.slow_reads:
        await asyncio.sleep(0.0)
        return await question(*args, **more)
    await asyncio.sleep(database.tape.skewed(0.0005, 0.1))
    answer = await question(*args, **more)
    await asyncio.sleep(database.tape.skewed(0.0005, 0.1))
    return answer


async def _wait(database: Database) -> None:
    patient_until = database.loop.time() + PATIENCE_S
    while database.is_away:
        if database.loop.time() >= patient_until:
            raise StoreBroken("the database is out of reach")
        await asyncio.sleep(0.25)
