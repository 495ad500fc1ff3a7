"""Numbers, times and ids as people read them."""

import pytest

from deskbell.model.instant import Instant, parse_instant
from deskbell.portal import words

NOW = parse_instant("2026-11-23T14:32:00Z")


@pytest.mark.parametrize(
    ("text", "zone", "shown"),
    [
        ("2026-11-23T14:26:40Z", "UTC", "14:26:40"),
        ("2026-11-23T14:26:40Z", "Europe/Berlin", "15:26:40"),
        ("2026-11-21T09:14:00Z", "UTC", "21 Nov, 09:14"),
        ("2025-11-21T09:14:00Z", "UTC", "21 Nov 2025, 09:14"),
        ("2026-11-23T14:26:40Z", "No/Such", "14:26:40"),
    ],
)
def test_clock_shows_the_date_on_other_days(text: str, zone: str, shown: str) -> None:
    """Today's times are clock times, others carry a date; an unknown zone counts as UTC."""
    assert words.clock(parse_instant(text), NOW, zone) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.2, "just now"), (5, "5 s ago"), (600, "10 min ago"), (7_300, "2 h ago"), (200_000, "2 d ago")],
)
def test_ago_uses_the_largest_unit(seconds: float, shown: str) -> None:
    """How long ago, coarsely."""
    assert words.ago(Instant(NOW - int(seconds * 10_000_000)), NOW) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (5.7, "5.7 s"), (33, "33 s"), (131, "2 min 11 s"), (120, "2 min"), (3_840, "1 h 04 min"), (3_600, "1 h"),
        (90_000, "1 d 1 h"), (86_400, "1 d"),
    ],
)  # fmt: skip
def test_span_has_two_units(seconds: float, shown: str) -> None:
    """A length of time in at most two units."""
    assert words.span(seconds) == shown


@pytest.mark.parametrize(
    ("ms", "shown"), [(None, "–"), (0, "0 ms"), (0.44, "0.4 ms"), (342.4, "342 ms"), (14_900, "14.90 s")]
)
def test_took_is_short(ms: float | None, shown: str) -> None:
    """Milliseconds below a second, seconds above."""
    assert words.took(ms) == shown


def test_share_says_100_only_when_all_arrived() -> None:
    """One failure in a million is not 100 percent."""
    assert words.share(10, 10) == "100%"
    assert words.share(999_999, 1_000_000) == "99.9%"
    assert words.share(0, 0) == "–"


def test_counts_are_exact_to_10_000() -> None:
    """Beyond that they only say more."""
    assert words.count_text(10_000) == "10,000"
    assert words.count_text(10_001) == "10,000+"


@pytest.mark.parametrize(
    ("masked", "parts"),
    [
        ("https://hooks.example.com/…9f3c", ("hooks.example.com", "/…9f3c")),
        ("http://127.0.0.1:8080/…", ("127.0.0.1:8080", "/…")),
        ("odd", ("odd", "")),
    ],
)
def test_masked_urls_split_for_lists(masked: str, parts: tuple[str, str]) -> None:
    """Host and the rest, so that the rest is never cut off."""
    assert words.masked_parts(masked) == parts


def test_short_ids_keep_both_ends() -> None:
    """Enough to recognise, whole when it is short."""
    assert words.short_id("dlv_06H0HKA501ZBQCSSN10Z9X8W2C") == "dlv_06H0HKA5…8W2C"
    assert words.short_id("chat-1") == "chat-1"


@pytest.mark.parametrize(("name", "letters"), [("Ana Ruiz", "AR"), ("Ana Maria de Ruiz", "AR"), ("ana", "A"), ("", "")])
def test_initials_are_at_most_two(name: str, letters: str) -> None:
    """First and last word."""
    assert words.initials(name) == letters


def test_hex_shows_offset_bytes_and_letters() -> None:
    """Binary is shown byte by byte, and cut with a count."""
    shown = words.hex_lines(b"\x00Hi!" + b"x" * 20, bytes_max=16)
    assert shown.splitlines()[0].startswith("00000000  00 48 69 21")
    assert ".Hi!" in shown
    assert "8 more bytes" in shown


@pytest.mark.parametrize(("size", "shown"), [(1_363, "1,363 B"), (20_480, "20 KB"), (2_000_000, "2.0 MB")])
def test_sizes_are_short(size: int, shown: str) -> None:
    """Bytes, then KB, then MB."""
    assert words.size(size) == shown


@pytest.mark.parametrize(("name", "group"), [("ticket.created", "ticket"), ("chat.*", "chat"), ("test.ping", "custom")])
def test_event_types_have_a_colour(name: str, group: str) -> None:
    """Ticket, chat, and all others."""
    assert words.group_class(name) == group
