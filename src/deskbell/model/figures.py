"""Running figures, for metrics and the overview: what a process counts of its own work."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
"""Upper bounds of a spread of times."""


class Spread:
    """How times are spread: counts by upper bound, the last one without. Changed in place, by one thread at a time."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one time."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds

    def up_to(self) -> tuple[tuple[float, int], ...]:
        """For each bound how many were not longer; the last bound is infinity."""
        found, total = [], 0
        for bound, count in zip((*BOUNDS_S, float("inf")), self.counts, strict=True):
            total += count
            found.append((bound, total))
        return tuple(found)


class StoreFigures:
    """What a store measures of itself."""

    __slots__ = ("commit_s", "is_short", "is_spent", "read_s", "statements", "units")

    def __init__(self) -> None:
        self.commit_s = Spread()  # one transaction, until it is durable
        self.read_s = Spread()  # one question, waiting for a reader included
        self.units = 0  # written
        self.statements = 0  # executed to write them; one for many rows counts once
        self.is_short: Callable[[], bool] = _never  # the disk is full: what grows is refused
        self.is_spent: Callable[[], bool] = _never  # so full that what is sent could not be recorded


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class EngineCounters:
    """A snapshot of the engine's numbers."""

    in_flight: int  # attempts on their way now
    in_memory: int  # deliveries
    in_memory_bytes: int  # about
    unsettled: int  # attempts judged, not durable yet
    publishes_waiting: int  # units handed to the store and not answered
    oldest_due_s: float  # how long the longest-waiting due delivery in memory has waited
    events: int  # accepted since start
    deliveries: int  # made since start
    settles_refused: int  # because the delivery, or the shard's owner, had changed meanwhile
    shards: int  # that this process owns
    attempts: Mapping[str, int] = field(default_factory=dict)  # by outcome class, since start
    accept_s: Spread = field(default_factory=Spread)  # from handing in to durable
    attempt_s: Spread = field(default_factory=Spread)  # an attempt, without its time in the queue
    arrival_s: Spread = field(default_factory=Spread)  # from accepting to the answer of a first attempt that succeeded


@dataclass(frozen=True, kw_only=True)
class QueueFigures:
    """What waits for one site, as the database has it."""

    site: str
    waiting: int = 0
    held: int = 0  # of paused or disabled webhooks, or all while the slider is off
    oldest_s: float = 0.0  # how long ago the oldest that waits and is not held was made
    webhooks: Mapping[str, int] = field(default_factory=dict)  # by state
    breakers_open: int = 0
