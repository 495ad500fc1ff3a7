"""Instants: integers of 100 ns since 1970-01-01T00:00:00Z, and the one place that writes and reads them.

The wire has seven fractional digits, more than `datetime` can hold.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import NewType

Instant = NewType("Instant", int)
"""100 ns ticks since the Unix epoch, UTC."""

TICKS_PER_SECOND = 10_000_000
TICKS_PER_MS = 10_000
_FORM = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{0,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))",
    re.ASCII,
)


def from_seconds(seconds: float) -> Instant:
    """Unix seconds to an instant; fractions beyond 100 ns are cut."""
    return Instant(int(seconds * TICKS_PER_SECOND))


def to_seconds(at: Instant) -> float:
    """An instant as Unix seconds (a float keeps about microseconds)."""
    return at / TICKS_PER_SECOND


def unix_seconds(at: Instant) -> int:
    """Whole Unix seconds, rounded down."""
    return at // TICKS_PER_SECOND


def unix_ms(at: Instant) -> int:
    """Whole Unix milliseconds, rounded down."""
    return at // TICKS_PER_MS


def plus(at: Instant, seconds: float) -> Instant:
    """The instant `seconds` later (earlier when negative)."""
    return Instant(at + int(seconds * TICKS_PER_SECOND))


def format_instant(at: Instant) -> str:
    """The wire form: `2020-04-15T21:10:09.5895683Z`, always seven fractional digits."""
    seconds, ticks = divmod(at, TICKS_PER_SECOND)
    return f"{_whole_seconds(seconds)}.{ticks:07d}Z"


@lru_cache(maxsize=1024)
def _whole_seconds(seconds: int) -> str:
    """Most instants that are written lie in the same few seconds."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def parse_instant(text: str) -> Instant:
    """Read ISO 8601 with 0 to 9 fractional digits and a zone; beyond seven digits they are cut.

    Raises ValueError when the text is not such an instant.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("not an ISO 8601 instant with a zone, like 2020-04-15T21:10:09.5895683Z")
    year, month, day, hour, minute, second = (int(found[n]) for n in range(1, 7))
    whole = int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    if found[8]:
        offset_s = int(found[9]) * 3600 + int(found[10]) * 60
        whole += -offset_s if found[8] == "+" else offset_s
    return Instant(whole * TICKS_PER_SECOND + int((found[7] or "").ljust(7, "0")[:7]))
