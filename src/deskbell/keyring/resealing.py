"""Seals anew what another key sealed: table by table, in batches, each row as long as it is as it was read.

Nothing is remembered between batches: after a crash the walk begins anew and passes over what is done.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from deskbell.keyring.notes import Known, change_known, entry
from deskbell.model.changes import Committed, Reseal, Unit
from deskbell.model.errors import KeyringFault, StoreBroken
from deskbell.model.sealed import SealedRow
from deskbell.ports import Clock, Random, Store
from deskbell.rules.sealed_fields import SEALED, SealedTable, key_ids, resealed
from deskbell.rules.sealing import NONCE_BYTES, Keyring

BATCH = 100
PAUSE_S = 0.005
"""Between two batches, so that requests come first."""
ROUNDS = 5
"""Rows that are changed while they are walked through are met in the next round."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What was found in the tables."""

    rows: Mapping[tuple[str, str], int]  # (key id, table): rows that need it
    unreadable: int = 0  # damaged rows, and fields that do not open

    def of(self, key_id: str) -> int:
        """How many rows need the key."""
        return sum(count for (one, _), count in self.rows.items() if one == key_id)

    def others(self, key_id: str) -> int:
        """How many needs there are of other keys."""
        return sum(count for (one, _), count in self.rows.items() if one != key_id)

    def tables(self, key_id: str) -> str:
        """Where they are, in words."""
        return ", ".join(f"{count} in {table}" for (one, table), count in sorted(self.rows.items()) if one == key_id)


async def pages(store: Store) -> AsyncIterator[tuple[SealedTable, tuple[SealedRow, ...]]]:
    """Every row with sealed fields, in batches."""
    for table in SEALED:
        after: tuple[Any, ...] | None = None
        while rows := await store.sealed.page(table.table, after, BATCH):
            yield table, rows
            after = rows[-1].key


async def tally(store: Store) -> Tally:
    """Which keys the stored rows need."""
    found: Counter[tuple[str, str]] = Counter()
    unreadable = 0
    async for table, rows in pages(store):
        for one in rows:
            needed = needed_keys(table, one)
            unreadable += needed is None
            found.update((key_id, table.table) for key_id in needed or ())
    return Tally(rows=found, unreadable=unreadable)


def needed_keys(table: SealedTable, row: SealedRow) -> frozenset[str] | None:
    """The keys of a row; None when it cannot be told."""
    try:
        return None if row.row is None else key_ids(table, row.row)
    except KeyringFault:
        return None


class Resealing:
    """Brings everything to the ring's writing key."""

    def __init__(self, store: Store, keyring: Keyring, random: Random, clock: Clock) -> None:
        self._store = store
        self._keyring = keyring
        self._random = random
        self._clock = clock

    async def run(self, told: Callable[[int], None] = lambda rows: None) -> Tally:
        """Walk until a whole round finds nothing left to do; `told` hears how many rows were sealed anew.

        When everything is done, that is remembered, with a row in the audit.
        """
        target = self._keyring.ids[0]
        for _ in range(ROUNDS):
            if not await self._round(told):
                break
        left = await tally(self._store)
        if not left.others(target) and not left.unreadable:
            await self._remember(target)
        return left

    async def _round(self, told: Callable[[int], None]) -> int:
        written = 0
        async for table, rows in pages(self._store):
            pairs = tuple(pair for one in rows if (pair := self._pair(table, one)) is not None)
            if pairs:
                verdict = await self._store.commit(Unit(changes=(Reseal(rows=pairs),)))
                if not isinstance(verdict, Committed):
                    raise StoreBroken(f"rows could not be sealed anew: {verdict.reason} {verdict.what}".rstrip())
                written += verdict.rows
                told(verdict.rows)
            await asyncio.sleep(PAUSE_S)
        return written

    def _pair(self, table: SealedTable, row: SealedRow) -> tuple[SealedRow, Any] | None:
        """The row and its value sealed anew; None when nothing is to do, or nothing can be done."""
        try:
            if row.row is None or key_ids(table, row.row) <= {self._keyring.ids[0]}:
                return None
            return row, resealed(table, row.row, self._keyring, lambda: self._random.secret(NONCE_BYTES))
        except KeyringFault:
            return None

    async def _remember(self, target: str) -> None:
        now = self._clock.now()

        def step(known: Known) -> Known:
            if known.state.writes != target or known.state.resealed == target:
                return known
            return replace(known, state=replace(known.state, resealed=target, resealed_at=int(now)))

        await change_known(self._store, step, entry(now, "keyring.reseal", target))
