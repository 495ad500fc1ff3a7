"""The benchmarks work and reconcile; how fast is for people to read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BACKLOG = Path(__file__).parents[2] / "benchmarks" / "backlog.py"
RUN = Path(__file__).parents[2] / "benchmarks" / "run.py"


@pytest.mark.xdist_group("faults")
def test_the_short_form_loses_nothing() -> None:
    """A run of a second for each budget ends well: every event that was acknowledged arrived."""
    answer = subprocess.run([sys.executable, str(RUN), "--short"], capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    assert '"lost": 0' in answer.stdout
    assert "1 share of the ceiling" in answer.stdout


@pytest.mark.xdist_group("faults")
def test_a_small_backlog_is_measured() -> None:
    """What waits drains, and what is published meanwhile arrives; the figures come as one object."""
    small = ["--rows", "2000", "--seconds", "0.5", "--json"]
    answer = subprocess.run([sys.executable, str(BACKLOG), *small], capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert (told["rows"], told["lost"]) == (2000, 0)
    assert {bar["name"] for bar in told["budgets"]} >= {"7 start", "7 memory", "7 reading what is due", "7 list page"}
