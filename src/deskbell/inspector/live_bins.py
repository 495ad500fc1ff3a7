"""What is known of each bin in memory: its row, how many requests were answered, and its rate."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from deskbell.inspector.scripts import step_at
from deskbell.model.errors import NotFound, Throttled
from deskbell.model.inspector import Bin, Step
from deskbell.ports import Clock, Store
from deskbell.rules.limits import Limits


@dataclass(kw_only=True)
class LiveBin:
    """One bin's counters. `write` lets one change of the row through at a time."""

    row: Bin
    answered: int  # requests whose step was chosen, durable or not
    allowance: float  # requests that the rate still allows now
    counted_at_s: float
    held: int = 0  # connections that hang or drip
    write: asyncio.Lock = field(default_factory=asyncio.Lock)

    def next_step(self) -> Step:
        """The step for the request that has just come; no two requests get the same turn."""
        step = step_at(self.row.steps, self.answered)
        self.answered += 1
        return step

    def stored(self, row: Bin, *, script_changed: bool = False) -> None:
        """Remember the row that was just written."""
        self.row = row
        if script_changed:
            self.answered = row.answered


class LiveBins:
    """The bins of this process by address, read from the store at first use."""

    def __init__(self, *, store: Store, clock: Clock, limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._bins: dict[str, LiveBin] = {}

    async def at(self, address: str) -> LiveBin:
        """The bin behind a write address. Raises NotFound."""
        live = self._bins.get(address)
        if live is not None:
            return live
        row = await self._store.bins.by_address(address)
        if row is None:
            raise NotFound("There is no bin at this address. It was deleted, or its address was replaced.")
        return self.of(row)

    def of(self, row: Bin) -> LiveBin:
        """The live bin of a row that was just read."""
        live = self._bins.get(row.address)
        if live is None:
            live = LiveBin(
                row=row, answered=row.answered, allowance=self._limits.bin_rate, counted_at_s=self._clock.monotonic()
            )
            self._bins[row.address] = live
        return live

    async def refresh(self, live: LiveBin) -> None:
        """Read the row again after another process changed it. Raises NotFound when it is gone."""
        row = await self._store.bins.get(live.row.site, live.row.id)
        if row is None or row.address != live.row.address:
            self.forget(live.row.address)
            raise NotFound("There is no bin at this address any more.")
        script_changed = row.steps != live.row.steps
        live.stored(row, script_changed=script_changed)

    def forget(self, address: str) -> None:
        """The address is no longer in use."""
        self._bins.pop(address, None)

    def must_allow(self, live: LiveBin) -> None:
        """Count one request against the bin's rate. Raises Throttled."""
        now_s = self._clock.monotonic()
        rate = self._limits.bin_rate
        live.allowance = min(rate, live.allowance + (now_s - live.counted_at_s) * rate)
        live.counted_at_s = now_s
        if live.allowance < 1:
            raise Throttled(f"A bin takes {rate} requests a second. Send slower.")
        live.allowance -= 1

    @contextmanager
    def hold(self, live: LiveBin) -> Iterator[None]:
        """Hold one connection of the bin open. Raises Throttled when too many are held."""
        if live.held >= self._limits.bin_held_max:
            raise Throttled(f"{live.held} connections of this bin hang or drip already.", retry_after_s=60)
        live.held += 1
        try:
            yield
        finally:
            live.held -= 1
