"""Business hours: exact through changes of the clock, additive, and reached again."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbell.model.instant import TICKS_PER_SECOND, Instant, from_seconds, parse_instant
from deskbell.rules.hours import Hours, after, counted, read_hours, seconds_of_day

HOUR = 3600 * TICKS_PER_SECOND
WEEKDAYS = frozenset({1, 2, 3, 4, 5})
ALL = frozenset(range(1, 8))
ZONES = ("UTC", "Europe/Vienna", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")


def hours(days: frozenset[int] = WEEKDAYS, opens: str = "09:00", closes: str = "17:00", zone: str = "UTC") -> Hours:
    """Business hours."""
    return Hours(days=days, from_s=seconds_of_day(opens), to_s=seconds_of_day(closes), zone=zone)


def wall(text: str, zone: str = "UTC", fold: int = 0) -> Instant:
    """The instant at which the clock on the wall shows this."""
    return from_seconds(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp())


@pytest.mark.parametrize(
    ("start", "end", "hours_counted"),
    [
        ("2026-11-23 09:00", "2026-11-23 17:00", 8),  # a Monday
        ("2026-11-23 16:00", "2026-11-24 10:00", 2),
        ("2026-11-27 16:00", "2026-11-30 10:00", 2),  # over a weekend
        ("2026-11-28 00:00", "2026-11-29 23:00", 0),
        ("2026-11-23 17:00", "2026-11-24 09:00", 0),
        ("2026-11-23 12:00", "2026-11-23 11:00", 0),
    ],
)
def test_only_business_hours_count(start: str, end: str, hours_counted: int) -> None:
    """Nights and weekends do not."""
    assert counted(wall(start), wall(end), hours()) == hours_counted * HOUR


@pytest.mark.parametrize(
    ("day", "opens", "closes", "hours_counted"),
    [
        ("2026-03-29", "00:00", "08:00", 7.0),  # Vienna goes from 02:00 to 03:00
        ("2026-03-29", "02:00", "03:00", 0.0),
        ("2026-03-29", "02:30", "03:15", 0.25),
        ("2026-03-29", "09:00", "17:00", 8.0),
        ("2026-10-25", "00:00", "08:00", 9.0),  # and back from 03:00 to 02:00
        ("2026-10-25", "02:30", "02:45", 0.5),
        ("2026-10-25", "00:00", "24:00", 25.0),
    ],
)
def test_what_the_wall_shows_counts(day: str, opens: str, closes: str, hours_counted: float) -> None:
    """The left-out hour counts for nothing, the repeated one twice."""
    start = wall(f"{day} 00:00", "Europe/Vienna")
    end = Instant(start + 30 * HOUR)
    found = counted(start, end, hours(frozenset({7}), opens, closes, "Europe/Vienna"))
    assert found == hours_counted * HOUR


def test_a_threshold_over_a_weekend_with_a_change_of_the_clock() -> None:
    """Friday 16:30 and two business hours: Monday 10:30 on the wall, whatever the clock did on Sunday."""
    zone = "Europe/Vienna"
    due = after(wall("2026-03-27 16:30", zone), 2 * HOUR, hours(zone=zone))
    assert due == wall("2026-03-30 10:30", zone)


def test_without_hours_all_time_counts() -> None:
    """The plain case is plain arithmetic."""
    start = parse_instant("2026-01-01T00:00:00Z")
    assert counted(start, Instant(start + 5), None) == 5
    assert after(start, 7, None) == start + 7
    assert after(start, -7, None) == start


def test_hours_are_read_from_their_text() -> None:
    """As they are stored with a rule."""
    text = '{"days":[1,2],"from":"09:30","to":"24:00","timeZone":"Europe/Vienna"}'
    assert read_hours(text) == hours(frozenset({1, 2}), "09:30", "24:00", "Europe/Vienna")
    assert read_hours(text).week_s == 2 * 14.5 * 3600


def test_hours_in_which_nothing_counts_are_refused() -> None:
    """They would never be over."""
    for wrong in (hours(frozenset()), hours(opens="09:00", closes="09:00")):
        with pytest.raises(ValueError, match="no time counts"):
            after(wall("2026-01-01 00:00"), 1, wrong)


instants = st.integers(1_700_000_000, 1_800_000_000).map(lambda s: Instant(s * TICKS_PER_SECOND))
lengths = st.integers(0, 20 * 86_400 * TICKS_PER_SECOND)


@st.composite
def any_hours(draw: st.DrawFn) -> Hours:
    """Any days, any from and to, in zones with odd offsets and odd changes."""
    opens = draw(st.integers(0, 1439))
    closes = draw(st.integers(opens + 1, 1440))
    days = draw(st.frozensets(st.integers(1, 7), min_size=1))
    return Hours(days=days, from_s=opens * 60, to_s=closes * 60, zone=draw(st.sampled_from(ZONES)))


@given(any_hours(), instants, lengths, lengths)
def test_counting_is_additive_and_monotone(some: Hours, start: Instant, first: int, second: int) -> None:
    """What counts up to the middle and from there on is what counts in all, and never more than passed."""
    middle = Instant(start + first)
    end = Instant(middle + second)
    whole = counted(start, end, some)
    assert whole == counted(start, middle, some) + counted(middle, end, some)
    assert counted(start, middle, some) <= whole <= first + second


@given(any_hours(), instants, st.integers(1, 3 * 86_400 * TICKS_PER_SECOND))
def test_the_first_instant_at_which_so_much_has_counted(some: Hours, start: Instant, ticks: int) -> None:
    """Exactly then, and not a tick before."""
    due = after(start, ticks, some)
    assert counted(start, due, some) == ticks
    assert counted(start, Instant(due - 1), some) == ticks - 1


@settings(max_examples=40)
@given(any_hours(), instants)
def test_each_minute_is_judged_by_the_wall(some: Hours, start: Instant) -> None:
    """Minute by minute over two days: the same as looking at a clock."""
    begin = datetime.fromtimestamp(start // TICKS_PER_SECOND // 60 * 60, ZoneInfo("UTC"))
    minutes = 0
    for passed in range(2 * 1440):
        shown = (begin + timedelta(minutes=passed)).astimezone(ZoneInfo(some.zone))
        of_day = shown.hour * 3600 + shown.minute * 60
        minutes += shown.isoweekday() in some.days and some.from_s <= of_day < some.to_s
    first = from_seconds(begin.timestamp())
    assert counted(first, Instant(first + 48 * HOUR), some) == minutes * 60 * TICKS_PER_SECOND
