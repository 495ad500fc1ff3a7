"""Business hours: which stretches of real time count. A moment counts when the clock on the wall shows it.

So the hour that summer time leaves out counts for nothing, and the hour that it repeats counts twice.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from deskbell.model.instant import TICKS_PER_SECOND, Instant

DAY_S = 86_400
_DAY = DAY_S * TICKS_PER_SECOND
_THURSDAY = 3  # 1 January 1970, counted from Monday = 0


@dataclass(frozen=True, kw_only=True)
class Hours:
    """When time counts: on these days, from a time to before a time."""

    days: frozenset[int]  # 1 Monday … 7 Sunday
    from_s: int  # seconds after midnight on the wall, 0..86,399
    to_s: int  # up to 86,400: midnight
    zone: str  # name in the time zone database

    @property
    def week_s(self) -> int:
        """Seconds that count in an ordinary week."""
        return len(self.days) * (self.to_s - self.from_s)


@lru_cache(maxsize=64)
def read_hours(text: str) -> Hours:
    """Hours as they are stored: `{"days":[1,2],"from":"09:00","to":"17:00","timeZone":"Europe/Vienna"}`."""
    told = json.loads(text)
    return Hours(
        days=frozenset(told["days"]),
        from_s=seconds_of_day(told["from"]),
        to_s=seconds_of_day(told["to"]),
        zone=told["timeZone"],
    )


def seconds_of_day(text: str) -> int:
    """`09:30` to seconds after midnight; `24:00` is the end of the day."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 3600 + int(minutes) * 60


def counted(start: Instant, end: Instant, hours: Hours | None) -> int:
    """How many ticks count from `start` to `end`; all of them without hours, 0 when `end` is not later."""
    if hours is None or end <= start:
        return max(0, end - start)
    total = 0
    for begins, ends in _stretches(start, hours):
        if begins >= end:
            break
        total += min(ends, end) - begins
    return total


def after(start: Instant, ticks: int, hours: Hours | None) -> Instant:
    """The first instant at which so many ticks have counted since `start`."""
    if hours is None or ticks <= 0:
        return Instant(start + max(0, ticks))
    for begins, ends in _stretches(start, hours):
        if ticks <= ends - begins:
            return Instant(begins + ticks)
        ticks -= ends - begins
    raise AssertionError  # stretches do not end


def _stretches(start: Instant, hours: Hours) -> Iterator[tuple[int, int]]:
    """Every stretch of ticks that counts, from `start` on; they do not overlap and never end."""
    if not hours.days or hours.to_s <= hours.from_s:
        raise ValueError("no time counts with these hours")
    for begins, ends, offset in _same_offset(start, ZoneInfo(hours.zone)):
        for day in range((begins + offset) // _DAY, (ends + offset - 1) // _DAY + 1):
            if (day + _THURSDAY) % 7 + 1 not in hours.days:
                continue
            opens = day * _DAY + hours.from_s * TICKS_PER_SECOND - offset
            closes = day * _DAY + hours.to_s * TICKS_PER_SECOND - offset
            if max(opens, begins) < min(closes, ends):
                yield max(opens, begins), min(closes, ends)


def _same_offset(start: int, zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """Time from `start` on in pieces of at most a day in which the clock is not changed, with its offset in ticks.

    No zone changes its clock twice within a day.
    """
    while True:
        offset, end = _offset(start, zone), start + _DAY
        if _offset(end, zone) != offset:
            end = _first_change(start, end, zone)
        yield start, end, offset * TICKS_PER_SECOND
        start = end


def _first_change(start: int, end: int, zone: ZoneInfo) -> int:
    """The instant between these at which the clock is changed; clocks are changed at whole seconds."""
    before, low, high = _offset(start, zone), start // TICKS_PER_SECOND, -(-end // TICKS_PER_SECOND)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle * TICKS_PER_SECOND, zone) == before else (low, middle)
    return high * TICKS_PER_SECOND


def _offset(at: int, zone: ZoneInfo) -> int:
    """How far the clock on the wall is ahead of UTC, in seconds."""
    found = datetime.fromtimestamp(at // TICKS_PER_SECOND, zone).utcoffset()
    return 0 if found is None else round(found.total_seconds())
