"""Row 15: a long silence is over, and very many deliveries wait."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from faults.report import reported

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "backlog.py"
ROWS = int(os.environ.get("DESKBELL_TEST_BACKLOG", "2000"))
MOST = 20_000
"""More than these are drained for longer, and may take longer to be made."""


@pytest.mark.xdist_group("faults")
def test_what_waits_drains() -> None:
    """What waits drains, what is published meanwhile arrives, each once and unchanged."""
    sizes = ["--rows", str(ROWS), "--seconds", "0.5" if ROWS <= MOST else "8", "--json"]
    with reported(15, "what waits drains") as figures:
        limit_s = 120 + ROWS / 500
        answer = subprocess.run([sys.executable, str(PROGRAM), *sizes], capture_output=True, text=True, timeout=limit_s)
        assert answer.returncode == 0, answer.stderr
        told = json.loads(answer.stdout)
        assert (told["rows"], told["lost"]) == (ROWS, 0)
        measured = {bar["name"]: bar["value"] for bar in told["budgets"]}
        assert measured.keys() >= {"7 start", "7 memory", "7 reading what is due", "7 list page"}
        figures.update(acknowledged=ROWS, lost=told["lost"], **{name[2:]: value for name, value in measured.items()})
