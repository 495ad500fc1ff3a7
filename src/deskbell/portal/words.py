"""Numbers, times and ids as people read them. Pure."""

from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from deskbell.model.instant import Instant, to_seconds

_STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_COUNT_MAX = 10_000


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The time zone of this name; UTC when there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")


def moment(at: Instant, zone: str = "UTC") -> datetime:
    """An instant in a time zone."""
    return datetime.fromtimestamp(to_seconds(at), UTC).astimezone(zone_of(zone))


def iso(at: Instant) -> str:
    """For the attribute `datetime`."""
    return moment(at).isoformat(timespec="milliseconds")


def full(at: Instant, zone: str = "UTC") -> str:
    """`23 Nov 2026, 14:26:40 UTC`."""
    found = moment(at, zone)
    return f"{found.day} {found:%b %Y, %H:%M:%S} {found.tzname() if zone != 'UTC' else 'UTC'}"


def clock(at: Instant, now: Instant, zone: str = "UTC") -> str:
    """The time with seconds; on other days the date before it."""
    found, today = moment(at, zone), moment(now, zone)
    if found.date() == today.date():
        return f"{found:%H:%M:%S}"
    year = "" if found.year == today.year else f" {found.year}"
    return f"{found.day} {found:%b}{year}, {found:%H:%M}"


def hour_minute(at: Instant, now: Instant, zone: str = "UTC") -> str:
    """The time without seconds; on other days the date before it."""
    found, today = moment(at, zone), moment(now, zone)
    return f"{found:%H:%M}" if found.date() == today.date() else f"{found.day} {found:%b}, {found:%H:%M}"


def day(at: Instant, zone: str = "UTC") -> str:
    """`13 Oct 2026`."""
    found = moment(at, zone)
    return f"{found.day} {found:%b %Y}"


def ago(at: Instant, now: Instant) -> str:
    """`2 h ago`."""
    passed = to_seconds(Instant(now - at))
    return "just now" if passed < 1 else f"{coarse(passed)} ago"


def coarse(seconds: float) -> str:
    """A length of time in its largest unit: `2 h`."""
    for size, unit in _STEPS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "0 s"


def span(seconds: float) -> str:
    """A length of time in two units: `3 min 7 s`, `1 h 04 min`, `5.7 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 and seconds != int(seconds) else f"{int(seconds)} s"
    whole = int(seconds)
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min" if whole % 3600 >= 60 else f"{whole // 3600} h"
    return f"{whole // 86400} d {whole % 86400 // 3600} h" if whole % 86400 >= 3600 else f"{whole // 86400} d"


def took(ms: float | None) -> str:
    """Milliseconds as `342 ms` or `14.90 s`."""
    if ms is None:
        return "–"
    if ms >= 1_000:
        return f"{ms / 1000:.2f} s"
    return f"{ms:.0f} ms" if ms >= 10 or ms == 0 else f"{ms:.1f} ms"


def size(count: int) -> str:
    """Bytes as `1,363 B` or `1.2 MB`."""
    if count < 10_000:
        return f"{count:,} B"
    return f"{count / 1000:.0f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def count_text(count: int) -> str:
    """A count, exact to 10,000."""
    return "10,000+" if count > _COUNT_MAX else f"{count:,}"


def share(part: int, whole: int) -> str:
    """A percentage that says 100 only when all arrived."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    return "100%" if part == whole else f"{min(percent, 99.9):.1f}%"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 event`, `2 events`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def short_id(text: str) -> str:
    """`dlv_06H0HKA5…8W2C`."""
    return text if len(text) <= 18 else f"{text[:12]}…{text[-4:]}"


def initials(name: str) -> str:
    """Up to two letters for a picture."""
    words = name.split()
    return "".join(word[0] for word in (words if len(words) < 3 else (words[0], words[-1]))).upper()


def masked_parts(masked: str) -> tuple[str, str]:
    """Host and rest of a masked receiver URL, for lists."""
    split = urlsplit(masked)
    return (split.netloc, split.path) if split.netloc else (masked, "")


def group_class(event_type: str) -> str:
    """The colour of an event type's dot."""
    group = event_type.split(".", 1)[0]
    return group if group in ("ticket", "chat") else "custom"


def hex_lines(body: bytes, bytes_max: int = 4_096) -> str:
    """Offset, bytes and letters, 16 bytes a line."""
    lines = []
    for start in range(0, min(len(body), bytes_max), 16):
        part = body[start : start + 16]
        letters = "".join(chr(one) if 32 <= one < 127 else "." for one in part)
        lines.append(f"{start:08x}  {part.hex(' '):<47}  {letters}")
    if len(body) > bytes_max:
        lines.append(f"… {len(body) - bytes_max:,} more bytes")
    return "\n".join(lines)
