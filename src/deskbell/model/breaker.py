"""The breaker of one webhook: whether its receiver is left in peace, and how it comes back."""

from dataclasses import dataclass

from deskbell.model.instant import Instant

Pane = tuple[int, int, int]
"""Attempts of one stretch of time: its number, how many, how many of them failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Closed while `until` is None. Open until then; after that one attempt at a time may go, as a probe."""

    until: Instant | None = None
    opened: int = 0  # how many times in a row; each is longer
    successes: int = 0  # since it opened, or on the present level of the ramp
    ramp: int = 0  # how many may be in flight after it closed; 0: as many as ever
    failures_in_row: int = 0  # those that count
    panes: tuple[Pane, ...] = ()  # the last minute, oldest first


CLOSED = Breaker()
"""Nothing has failed so far."""
