"""Small pictures as numbers: sparklines, bars of the last 24 hours, the waterfall of an attempt. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from deskbell.model.exchange import Timing
from deskbell.model.webhook import StatHour
from deskbell.rules.limits import RESPONSE_TIME_BOUNDS_MS

HOURS = 24
_WIDTH, _HEIGHT = 92.0, 30.0
_BAR_HEIGHT, _BAR_STEP = 22.0, 5.0
_MINIMUM_SHARE = 0.8  # of the waterfall's width, so that a short part is still seen


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One hour of one webhook."""

    x: str
    y: str
    height: str
    tone: str  # ok, warn, bad, or nothing


@dataclass(frozen=True, kw_only=True)
class Part:
    """One phase of an attempt in the waterfall; x and width are percent."""

    name: str
    ms: float | None
    x: str
    width: str
    tone: str


def hourly(stats: Sequence[StatHour], first_hour: int) -> list[StatHour | None]:
    """The rows of one webhook, one place for each of 24 hours."""
    by_hour = {row.hour: row for row in stats}
    return [by_hour.get(first_hour + place) for place in range(HOURS)]


def bars(hours: Sequence[StatHour | None]) -> tuple[Bar, ...]:
    """Height by count, colour by the share that failed."""
    most = max((arrived(row) + row.failed for row in hours if row), default=0)
    return tuple(_bar(place, row, most) for place, row in enumerate(hours))


def _bar(place: int, row: StatHour | None, most: int) -> Bar:
    total = arrived(row) + row.failed if row else 0
    height = max(2.0, _BAR_HEIGHT * (total / most) ** 0.5) if total else 1.5
    tone = ""
    if row and total:
        tone = "ok" if not row.failed else "bad" if row.failed * 2 > total else "warn"
    return Bar(x=f"{place * _BAR_STEP:.1f}", y=f"{_BAR_HEIGHT - height:.1f}", height=f"{height:.1f}", tone=tone)


def spark(values: Sequence[float]) -> str:
    """The path of a sparkline; empty when there is nothing to draw."""
    if len(values) < 2 or not any(values):
        return ""
    low, high = min(values), max(values)
    step = _WIDTH / (len(values) - 1)
    spread = (high - low) or 1.0
    points = (
        f"{place * step:.1f} {3 + (_HEIGHT - 6) * (1 - (value - low) / spread):.1f}"
        for place, value in enumerate(values)
    )
    return "M" + "L".join(points)


def arrived(row: StatHour | None) -> int:
    """Delivered and accepted."""
    return row.delivered + row.accepted if row else 0


def totals(rows: Sequence[StatHour]) -> tuple[int, int, int]:
    """Arrived, failed, arrived at the first attempt."""
    return sum(arrived(row) for row in rows), sum(row.failed for row in rows), sum(row.first_time for row in rows)


def p95_ms(rows: Sequence[StatHour]) -> int | None:
    """The response time within which 95 of 100 attempts stayed, as the bound of its bucket; None without attempts."""
    counts = [0] * (len(RESPONSE_TIME_BOUNDS_MS) + 1)
    for row in rows:
        for place, count in enumerate(row.ms_buckets[: len(counts)]):
            counts[place] += count
    whole = sum(counts)
    if not whole:
        return None
    running, sums = 0, []
    for count in counts:
        running += count
        sums.append(running)
    place = bisect_left(sums, whole * 0.95)
    return RESPONSE_TIME_BOUNDS_MS[min(place, len(RESPONSE_TIME_BOUNDS_MS) - 1)]


def read_ms(timing: Timing) -> float | None:
    """What remains of the total for reading the response; None when no response began."""
    if timing.first_byte_ms is None:
        return None
    known = sum(part or 0.0 for part in (timing.resolve_ms, timing.connect_ms, timing.tls_ms, timing.first_byte_ms))
    return max(0.0, timing.total_ms - known)


def waterfall(timing: Timing, *, failed: bool) -> tuple[Part, ...]:
    """The phases of an attempt in order; they add up to the total, queueing apart."""
    wait = timing.first_byte_ms
    known = sum(part or 0.0 for part in (timing.resolve_ms, timing.connect_ms, timing.tls_ms))
    if wait is None and (timing.connect_ms is not None or timing.tls_ms is not None):
        wait = max(0.0, timing.total_ms - known)
    phases = (
        ("Queued", timing.queued_ms),
        ("Find name", timing.resolve_ms),
        ("Connect", timing.connect_ms),
        ("TLS", timing.tls_ms),
        ("Wait for response", wait),
        ("Read response", read_ms(timing)),
    )
    whole = max(timing.total_ms + (timing.queued_ms or 0.0), 0.001)
    parts, start = [], 0.0
    for name, ms in phases:
        width = 0.0 if ms is None else max(_MINIMUM_SHARE, 100 * ms / whole)
        x = min(100 * start / whole, 100 - _MINIMUM_SHARE)
        tone = ("y" if failed else "g") if name == "Wait for response" else ""
        parts.append(Part(name=name, ms=ms, x=f"{x:.2f}", width=f"{min(width, 100 - x):.2f}", tone=tone))
        start += ms or 0.0
    return tuple(parts)
