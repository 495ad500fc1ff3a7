"""Measures the budgets, reconciles every event, and keeps figures and a picture.

Usage: python benchmarks/run.py [--short] [--seconds 8] [--budgets 1,2,3,4,5,6,7,10,12] [--rows 1000000]. It needs
two idle cores to mean much: the calibration before and after tells how fast the machine was. Compare ratios of one
run, not figures of two. Results: benchmarks/results/<time>.json and .svg.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from budgets import Run, budgets
from on_postgres import budget_12
from plot import svg
from reckoning import calibrate

RESULTS = Path(__file__).parent / "results"
SHORT = (1, 4)


def main() -> int:
    """Run, print, keep. Exit 1 when something was lost, or a delivery's bytes changed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--short", action="store_true", help="a smoke run of a few seconds")
    options.add_argument("--seconds", type=float, default=8.0, help="of publishing, for each measurement")
    options.add_argument("--budgets", help="numbers, with commas; all by default")
    options.add_argument("--rows", type=int, default=1_000_000, help="of a backlog")
    chosen = options.parse_args()
    wanted = {int(one) for one in chosen.budgets.split(",")} if chosen.budgets else None
    before = calibrate()
    with tempfile.TemporaryDirectory() as name:
        run = Run(folder=Path(name), seconds=1.0 if chosen.short else chosen.seconds, rows=chosen.rows)
        for number, measure in (*budgets(), (12, budget_12)):
            if number in (SHORT if chosen.short else wanted or {number}):
                print(f"budget {number}: {(measure.__doc__ or '').strip()}", file=sys.stderr)
                measure(run)
    return keep(run, {"before": before, "after": calibrate()})


def keep(run: Run, calibration_ms: dict[str, float]) -> int:
    """Print the figures and write them down."""
    RESULTS.mkdir(exist_ok=True)
    stem = RESULTS / time.strftime("%Y%m%dT%H%M%S")
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "calibration_ms": calibration_ms}
    judged = [{**vars(bar), "met": bar.met} for bar in run.bars]
    report = {"machine": machine, "seconds": run.seconds, "budgets": judged, "measured": run.report}
    stem.with_suffix(".json").write_text(json.dumps(report, indent=1))
    stem.with_suffix(".svg").write_text(svg(f"Deskbell on {os.cpu_count()} cores", run.bars))
    for name, value in run.report.items():
        print(f"{name:28} {json.dumps(value)}")
    for bar in run.bars:
        print(f"{'ok  ' if bar.met else 'MISS'} {bar.name:40} {bar.value:>12,.3f}  (budget {bar.budget:,g} {bar.unit})")
    print(f"calibration_ms {json.dumps(calibration_ms)}")
    return 1 if any(one.get("lost", 0) + one.get("bodies_changed", 0) for one in run.report.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
