"""Bars, lines and waterfalls from stored numbers."""

import pytest

from deskbell.model.exchange import Timing
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.webhook import StatHour
from deskbell.portal import figures
from deskbell.rules.limits import RESPONSE_TIME_BOUNDS_MS


def hour(number: int, delivered: int = 0, failed: int = 0, **more: object) -> StatHour:
    """One hour of one webhook."""
    return StatHour(
        site=SiteId("desk"),
        webhook_id=WebhookId("whk_1"),
        hour=number,
        delivered=delivered,
        failed=failed,
        **more,  # type: ignore[arg-type]  # members of StatHour
    )


@pytest.mark.parametrize(
    ("delivered", "failed", "tone"), [(10, 0, "ok"), (10, 1, "warn"), (5, 5, "warn"), (1, 9, "bad"), (0, 0, "")]
)
def test_bars_are_coloured_by_the_share_that_failed(delivered: int, failed: int, tone: str) -> None:
    """Green, amber, red, or grey when nothing happened."""
    made = figures.bars(figures.hourly([hour(100, delivered, failed)], 100))
    assert made[0].tone == tone
    assert len(made) == 24


def test_bars_stay_inside_their_picture() -> None:
    """The highest bar fills it, an empty hour is a line."""
    made = figures.bars(figures.hourly([hour(100, 1_000_000), hour(101, 1)], 100))
    heights = [float(bar.height) for bar in made]
    assert max(heights) == 22.0
    assert min(heights) > 0
    assert all(float(bar.y) >= 0 for bar in made)


def test_hours_outside_the_day_are_left_out() -> None:
    """Only the 24 hours that are shown."""
    assert figures.hourly([hour(99), hour(124)], 100) == [None] * 24


def test_p95_is_the_bound_of_its_bucket() -> None:
    """95 of 100 stayed within it."""
    counts = [0] * (len(RESPONSE_TIME_BOUNDS_MS) + 1)
    counts[2], counts[6] = 95, 5
    assert figures.p95_ms([hour(1, ms_buckets=tuple(counts))]) == RESPONSE_TIME_BOUNDS_MS[2]
    counts[2], counts[6] = 94, 6
    assert figures.p95_ms([hour(1, ms_buckets=tuple(counts))]) == RESPONSE_TIME_BOUNDS_MS[6]
    assert figures.p95_ms([]) is None


def test_a_line_without_numbers_is_not_drawn() -> None:
    """No picture of nothing."""
    assert figures.spark([0.0] * 24) == ""
    assert figures.spark([]) == ""
    assert figures.spark([1.0, 2.0]).startswith("M0.0 ")


def test_the_parts_of_an_attempt_add_up_to_its_total() -> None:
    """What no clock measured apart is reading the response."""
    timing = Timing(queued_ms=3, resolve_ms=2, connect_ms=30, tls_ms=61, first_byte_ms=200, total_ms=342)
    parts = figures.waterfall(timing, failed=False)
    assert sum(part.ms or 0 for part in parts if part.name != "Queued") == pytest.approx(342)


def test_a_time_out_waits_for_the_rest_of_the_time() -> None:
    """Without a first byte, everything after connecting was waiting."""
    parts = {part.name: part for part in figures.waterfall(Timing(connect_ms=30, total_ms=15_000), failed=True)}
    assert parts["Wait for response"].ms == pytest.approx(14_970)
    assert parts["Wait for response"].tone == "y"
    assert parts["Read response"].ms is None


def test_parts_stay_inside_the_waterfall() -> None:
    """Every bar is at least seen and ends within 100 percent."""
    timing = Timing(queued_ms=0.001, resolve_ms=0.001, connect_ms=0.001, first_byte_ms=10_000, total_ms=10_000.01)
    for part in figures.waterfall(timing, failed=False):
        assert 0 <= float(part.x) <= 100
        assert float(part.x) + float(part.width) <= 100.01
