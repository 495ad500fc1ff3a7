"""Twins for the desk and the inspector: a store that can be overtaken, a recording publisher, a clock that is told."""

from dataclasses import dataclass, field
from typing import Any

from deskbell.model.account import Caller
from deskbell.model.changes import Refused, Unit
from deskbell.model.draft import Published
from deskbell.model.instant import Instant, plus
from deskbell.storage.memory import MemoryStore
from deskbell.storage.memory.tables import noun_of

START = Instant(15_869_850_095_895_683)


@dataclass
class Clock:
    """Stands still until it is told to go on."""

    at: Instant = START
    run_s: float = 100.0

    def now(self) -> Instant:
        return self.at

    def monotonic(self) -> float:
        return self.run_s

    def go(self, seconds: float) -> None:
        self.at = plus(self.at, seconds)
        self.run_s += seconds


@dataclass
class Random:
    """Counts up, or gives what was laid out for it."""

    laid_out: list[int] = field(default_factory=list)
    count: int = 0

    def bits(self, count: int) -> int:
        self.count += 1
        return (self.laid_out.pop(0) if self.laid_out else self.count) & ((1 << count) - 1)

    def fraction(self) -> float:
        return 0.5

    def secret(self, size: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(size, "big")


class TwinStore(MemoryStore):
    """The store in memory, which remembers its units, and lets somebody else be faster when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.units: list[Unit] = []
        self.before_commit: list[Any] = []  # called once each, before the next commit
        self.tables: Any = self.desk._tables  # type: ignore[attr-defined]  # rows are laid out without a unit

    def put(self, row: Any) -> None:
        """Lay out a row, whatever was there."""
        noun = noun_of(row)
        self.tables.put(noun.table, noun.key_of(row), row)

    def row(self, table: str, *key: Any) -> Any:
        """The row under this key."""
        return self.tables.get(table, key)

    def all_of(self, site: str, table: str) -> list[Any]:
        """Every row of the table."""
        found: list[Any] = self.tables.of_site(table, site)
        return found

    async def commit(self, unit: Unit) -> Any:
        """As ever, after whoever is to be faster."""
        if self.before_commit:
            await self.before_commit.pop(0)()
        verdict = await super().commit(unit)
        if not isinstance(verdict, Refused):
            self.units.append(unit)
        return verdict


class TwinPublisher:
    """Implements ports.Publisher: keeps the drafts, writes the changes in one unit."""

    def __init__(self, store: TwinStore) -> None:
        self.store = store
        self.drafts: list[Any] = []

    async def publish(self, site: str, drafts: Any, *, changes: Any = (), guards: Any = (), audit: Any = None) -> Any:
        verdict = await self.store.commit(Unit(changes=tuple(changes), guards=tuple(guards), audit=audit))
        if isinstance(verdict, Refused):
            return verdict
        first = len(self.drafts)
        self.drafts += drafts
        return Published(event_ids=tuple(f"evt_{first + place}" for place in range(len(drafts))))

    @property
    def types(self) -> list[str]:
        return [one.type for one in self.drafts]


class Bell:
    """Implements ports.Doorbell."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.listeners: list[tuple[str, Any]] = []

    def ring(self, bell: str, detail: Any = None) -> None:
        self.heard.append((bell, detail))
        for name, listener in list(self.listeners):
            if name == bell:
                listener(detail)

    def listen(self, bell: str, heard: Any) -> Any:
        entry = (bell, heard)
        self.listeners.append(entry)
        return lambda: self.listeners.remove(entry)


CALLER = Caller(site="dd", kind="person", id="usr_1", name="Olga Admin", permissions=frozenset())
