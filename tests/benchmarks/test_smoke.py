"""The benchmarks work and reconcile; how fast is for people to read."""

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "benchmarks" / "run.py"


@pytest.mark.xdist_group("faults")
def test_the_short_form_loses_nothing() -> None:
    """A run of a second for each budget ends well: every event that was acknowledged arrived."""
    answer = subprocess.run([sys.executable, str(RUN), "--short"], capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    assert '"lost": 0' in answer.stdout
    assert "1 share of the ceiling" in answer.stdout
