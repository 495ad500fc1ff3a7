"""How many may wait for their commit, for how long, and when a publisher is to come back."""

import pytest

from deskbell.rules.backpressure import is_full, retry_after_s
from deskbell.rules.limits import Limits


@pytest.mark.parametrize(
    ("waiting", "oldest_s", "full"),
    [(0, 0.0, False), (999, 0.0, False), (1_000, 0.0, True), (1, 0.25, False), (1, 0.251, True)],
)
def test_a_thousand_units_or_a_quarter_of_a_second(waiting: int, oldest_s: float, full: bool) -> None:
    """Whichever comes first."""
    assert is_full(waiting, oldest_s, Limits()) is full


@pytest.mark.parametrize(("oldest_s", "want"), [(0.0, 1), (0.3, 1), (4.2, 5), (29.5, 30), (500.0, 30)])
def test_come_back_after_about_as_long(oldest_s: float, want: int) -> None:
    """Between one second and half a minute."""
    assert retry_after_s(oldest_s) == want
