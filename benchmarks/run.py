"""Measures the budgets of the embedded default beside a ceiling, and reconciles every event.

Usage: python benchmarks/run.py [--short] [--seconds 8] [--budgets 1,2,4,5,9]. Needs two idle cores to mean much: the
calibration before and after tells how fast the machine was; compare ratios of one run, not figures of two.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import publisher
from scene import Arrival, Ceiling, Deskbell, Scene

RESULTS = Path(__file__).parent / "results"
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
Report = dict[str, Any]


def calibrate() -> float:
    """A loop of fixed work, ms: how fast the machine is just now."""
    started = time.perf_counter()
    total = 0
    for n in range(2_000_000):
        total += n & 7
    return round((time.perf_counter() - started) * 1000, 1)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99, rounded to 0.01."""
    ordered = sorted(values) or [0.0]
    return {name: round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2) for name, share in SHARES.items()}


def reconcile(load: publisher.Load, arrivals: Sequence[Arrival], fan_out: int) -> Report:
    """Acknowledged against arrived: each event once at each webhook, and one delivery always with the same bytes."""
    acknowledged = {event_id for *_, ids in load.requests for event_id in ids}
    arrived = Counter((path, event_id) for path, _, _, _, ids in arrivals for event_id in ids)
    bodies = {(webhook_id, digest) for _, webhook_id, _, digest, _ in arrivals}
    webhook_ids = {webhook_id for webhook_id, _ in bodies}
    expected = len(acknowledged) * fan_out
    return {
        "acknowledged": len(acknowledged),
        "expected": expected,
        "lost": expected - sum(event_id in acknowledged for _, event_id in arrived),
        "duplicates": sum(arrived.values()) - len(arrived),
        "bodies_changed": len(bodies) - len(webhook_ids),
        "refused": sum(status != 202 for _, _, status, _ in load.requests),
    }


def throughput(scene: Scene, *, seconds: float, connections: int, batch: int = 1) -> Report:
    """Deliveries per second from first publish to last arrival, and the program's own processor time for one."""
    with scene:
        before = scene.cpu_s()
        load = scene.publish(seconds=seconds, connections=connections, batch=batch)
        scene.quiet()
        cpu_s, memory_mb = scene.cpu_s() - before, scene.memory_peak_mb()
    arrivals = scene.arrivals()
    found = reconcile(load, arrivals, scene.webhooks)
    lasted_s = max((at for _, _, at, _, _ in arrivals), default=load.ended) - load.started
    return {
        "deliveries_per_s": round(len(arrivals) / lasted_s),
        "cpu_us_per_delivery": round(cpu_s / max(len(arrivals), 1) * 1e6),
        "memory_peak_mb": memory_mb,
        **found,
    }


def latency(scene: Scene, *, per_second: int, seconds: float) -> Report:
    """Accept latency, accept to arrival, and start to the first accepted event."""
    with scene:
        load = scene.publish(seconds=seconds, per_second=per_second)
        scene.quiet()
    arrivals = scene.arrivals()
    accepted_at = {event_id: at for _, at, _, ids in load.requests for event_id in ids}
    firsts: dict[str, float] = {}
    for _, _, at, _, ids in arrivals:
        firsts.update((event_id, at) for event_id in ids if event_id not in firsts)
    due_at = {event_id: due for due, _, _, ids in load.requests for event_id in ids}
    waits = [(firsts[one] - at) * 1000 for one, at in accepted_at.items() if one in firsts]
    whole = [(firsts[one] - at) * 1000 for one, at in due_at.items() if one in firsts]
    return {
        "start_to_first_accepted_s": round(scene.ready_s, 2),
        "accept_ms": percentiles([(at - due) * 1000 for due, at, _, _ in load.requests]),
        "publish_to_arrival_ms": percentiles(whole),  # an upper bound of accept to arrival: judge by this one
        "answer_to_arrival_ms": percentiles(waits),  # below 0: it arrived before the publisher had read its answer
        **reconcile(load, arrivals, scene.webhooks),
    }


def measure(budgets: set[int], seconds: float) -> Report:
    """Every budget that was asked for."""
    report: Report = {}
    with tempfile.TemporaryDirectory() as name:
        folders = (folder(Path(name), n) for n in range(9))
        if 1 in budgets:
            report["ceiling"] = throughput(Ceiling(next(folders)), seconds=seconds, connections=64)
            report["1 fan-out 1"] = throughput(Deskbell(next(folders)), seconds=seconds, connections=64)
            report["1 ratio to the ceiling"] = ratio(report["1 fan-out 1"], report["ceiling"])
        if 2 in budgets:
            report["2 fan-out 10"] = throughput(Deskbell(next(folders), 10), seconds=seconds, connections=32)
        if budgets & {4, 5, 9}:
            report["4, 5, 9 at 200/s"] = latency(Deskbell(next(folders)), per_second=200, seconds=seconds)
        if 5 in budgets and seconds > 1:
            report["5 at 1,000/s"] = latency(Deskbell(next(folders)), per_second=1_000, seconds=seconds)
    return report


def folder(parent: Path, n: int) -> Path:
    """A new folder."""
    made = parent / str(n)
    made.mkdir()
    return made


def ratio(ours: Report, ceiling: Report) -> Report:
    """Rates as measured, and processor time, which other programs on the machine disturb less."""
    return {
        "of_rate": round(ours["deliveries_per_s"] / ceiling["deliveries_per_s"], 2),
        "of_cpu": round(ceiling["cpu_us_per_delivery"] / max(ours["cpu_us_per_delivery"], 1), 2),
    }


def main() -> int:
    """Run, print, keep. Exit 1 when something was lost, or a delivery's bytes changed."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--short", action="store_true", help="a smoke run of a few seconds")
    options.add_argument("--seconds", type=float, default=8.0, help="of publishing, for each budget")
    options.add_argument("--budgets", default="1,2,4,5,9", help="numbers, with commas")
    chosen = options.parse_args()
    budgets = {1, 4} if chosen.short else {int(one) for one in chosen.budgets.split(",")}
    before = calibrate()
    report = measure(budgets, 1.0 if chosen.short else chosen.seconds)
    report["calibration_ms"] = {"before": before, "after": calibrate()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{time.time_ns()}.json").write_text(json.dumps(report, indent=1))
    for name, value in report.items():
        print(f"{name:24} {json.dumps(value)}")
    wrong = sum(value.get("lost", 0) + value.get("bodies_changed", 0) for value in report.values())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
