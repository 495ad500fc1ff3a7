"""Rests between rounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.rules.rounds import rest_s


@pytest.mark.parametrize(
    ("took_s", "share", "rest"), [(0.1, 0.5, 0.1), (0.1, 0.25, 0.3), (0.2, 1.0, 0.0), (-1.0, 0.5, 0.0)]
)
def test_rests(took_s: float, share: float, rest: float) -> None:
    """A quarter of the time means to rest three times as long."""
    assert rest_s(took_s, share) == pytest.approx(rest)


@given(st.floats(0, 1e3), st.floats(0.01, 1))
def test_share_is_kept(took_s: float, share: float) -> None:
    """Work is that share of work and rest."""
    assert took_s == pytest.approx(share * (took_s + rest_s(took_s, share)))
