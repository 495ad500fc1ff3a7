"""Numbers of the engine, for metrics and the overview."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
    settles_refused: int  # because the delivery had changed meanwhile
    attempts: Mapping[str, int] = field(default_factory=dict)  # by outcome class, since start


class Tally:
    """The running totals behind EngineCounters."""

    __slots__ = ("attempts", "deliveries", "events", "settles_refused")

    def __init__(self) -> None:
        self.events = 0
        self.deliveries = 0
        self.settles_refused = 0
        self.attempts: dict[str, int] = {}
