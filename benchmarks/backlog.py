"""A long silence is over: so many deliveries wait. How they drain, how soon the start is, how large, how quick to read.

Usage: python benchmarks/backlog.py [--rows 1000000] [--seconds 8] [--json]. Two installations are filled, one whose
receiver is back, and one with a paused webhook whose rows stand in front of another webhook's. Exit 1 when something
was lost or changed; whether each budget is met stands beside its figure.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from budgets import Run, budget_7
from reckoning import calibrate


def main() -> int:
    """Fill, measure, tell."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=1_000_000, help="that wait")
    options.add_argument("--seconds", type=float, default=8.0, help="of draining, and of publishing beside")
    options.add_argument("--json", action="store_true", help="one JSON object")
    chosen = options.parse_args()
    before = calibrate()
    with tempfile.TemporaryDirectory() as name:
        run = Run(folder=Path(name), seconds=chosen.seconds, rows=chosen.rows)
        budget_7(run)
    lost = sum(one.get("lost", 0) + one.get("bodies_changed", 0) for one in run.report.values())
    told: dict[str, Any] = {
        "rows": chosen.rows,
        "lost": lost,
        "met": all(bar.met for bar in run.bars),
        "budgets": [{**vars(bar), "met": bar.met} for bar in run.bars],
        "measured": run.report,
        "calibration_ms": {"before": before, "after": calibrate()},
    }
    if chosen.json:
        print(json.dumps(told))
    else:
        for bar in run.bars:
            verdict = "ok  " if bar.met else "MISS"
            print(f"{verdict} {bar.name:40} {bar.value:>12,.3f}  (budget {bar.budget:,g} {bar.unit})")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
