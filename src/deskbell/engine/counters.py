"""The running totals behind EngineCounters."""

from deskbell.model.delivery import Attempt, Delivery
from deskbell.model.exchange import OutcomeClass
from deskbell.model.figures import Spread
from deskbell.model.instant import TICKS_PER_SECOND, Instant


class Tally:
    """What the parts of the engine count; changed on the loop only."""

    __slots__ = ("accept_s", "arrival_s", "attempt_s", "attempts", "deliveries", "events", "settles_refused")

    def __init__(self) -> None:
        self.events = 0
        self.deliveries = 0
        self.settles_refused = 0
        self.attempts: dict[str, int] = {}
        self.accept_s = Spread()
        self.attempt_s = Spread()
        self.arrival_s = Spread()

    def settled(self, attempt: Attempt, after: Delivery, now: Instant) -> None:
        """Count an attempt that is durable."""
        kind = attempt.outcome.kind
        self.attempts[kind] = self.attempts.get(kind, 0) + 1
        self.attempt_s.add(attempt.timing.total_ms / 1000)
        if attempt.number == 1 and kind in (OutcomeClass.DELIVERED, OutcomeClass.ACCEPTED):
            self.arrival_s.add(max(0, now - after.created_at) / TICKS_PER_SECOND)
