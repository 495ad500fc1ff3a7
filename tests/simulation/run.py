"""Runs seeds by hand: `python tests/simulation/run.py --seed 7`, `--seeds 10000 --from 1 --jobs 2`, `--tape FILE`."""

import argparse
import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "src")]

from simulation.shrink import shrink  # noqa: E402  the paths come first
from simulation.tape import Tape  # noqa: E402
from simulation.world import Result, simulate  # noqa: E402

FOUND = HERE / "found"
CHUNK = 25


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A seed that broke a rule."""

    seed: int
    found: tuple[str, ...]
    drawn: list[int]
    plan: dict[str, Any]

    @property
    def rule(self) -> str:
        """Its name."""
        return self.found[0].partition(":")[0]


@dataclass(kw_only=True)
class Sums:
    """What some seeds came to."""

    seeds: int = 0
    seconds: float = 0.0  # of processor time
    steps: int = 0
    sends: int = 0
    events: int = 0
    virtual_s: float = 0.0
    traces: Any = None

    def add(self, result: Result) -> None:
        """One more."""
        self.seeds += 1
        self.steps += result.steps
        self.sends += result.sends
        self.events += result.events
        self.virtual_s += result.virtual_s


@contextmanager
def without_collecting() -> Iterator[None]:
    """Garbage is collected between runs, not in them: that is faster, and at the same moments everywhere."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def run_seeds(first: int, last: int) -> tuple[Sums, list[Failure]]:
    """Seeds from one to another."""
    sums, failures = Sums(), []
    began = time.process_time()
    with without_collecting():
        for seed in range(first, last):
            result = simulate(Tape(seed))
            sums.add(result)
            if result.found:
                plan = result.plan.shown()
                failures.append(Failure(seed=seed, found=result.found, drawn=result.drawn, plan=plan))
            if seed % 10 == 0:
                gc.collect()
    sums.seconds = time.process_time() - began
    return sums, failures


def breaks(rule: str, values: list[int]) -> bool:
    """Whether this tape breaks the rule."""
    return simulate(Tape(values=values)).rule == rule


def keep(failure: Failure, *, tries_max: int = 600) -> Path:
    """Shrink a failing tape, and write it where the suite repeats it."""
    small = shrink(failure.drawn, partial(breaks, failure.rule), tries_max=tries_max)
    result = simulate(Tape(values=small))
    FOUND.mkdir(exist_ok=True)
    path = FOUND / f"{failure.rule}-{failure.seed}.json"
    kept = {"seed": failure.seed, "found": list(result.found[:3]), "plan": result.plan.shown(), "tape": small}
    path.write_text(json.dumps(kept) + "\n")
    return path


def chunks(first: int, count: int) -> Iterator[tuple[int, int]]:
    """So many seeds at a time."""
    for start in range(first, first + count, CHUNK):
        yield start, min(start + CHUNK, first + count)


def show(result: Result) -> None:
    """The draw, and what came of it."""
    print(json.dumps(result.plan.shown(), indent=1))  # noqa: T201  a program that prints
    print(f"{result.steps} steps, {result.virtual_s:.0f} s, {result.sends} sends, trace {result.trace}")  # noqa: T201
    for one in result.found:
        print("FOUND", one)  # noqa: T201


def run_many(first: int, count: int, workers: int, *, quiet: bool) -> dict[str, Any]:
    """Many seeds on some processes; a summary."""
    began, total, failures = time.perf_counter(), Sums(), []
    with ProcessPoolExecutor(workers) as pool:
        for sums, found in pool.map(run_seeds, *zip(*chunks(first, count), strict=True)):
            for name in ("seeds", "seconds", "steps", "sends", "events", "virtual_s"):
                setattr(total, name, getattr(total, name) + getattr(sums, name))
            failures += found
            for one in found:
                print(f"seed {one.seed}: {one.found[0]}", file=sys.stderr)  # noqa: T201
            if not quiet and total.seeds % 500 == 0:
                rate = total.seeds / (time.perf_counter() - began)
                print(f"{total.seeds} seeds, {rate:.1f}/s, {len(failures)} failing", file=sys.stderr)  # noqa: T201
    seconds = time.perf_counter() - began
    return {
        "seeds": total.seeds,
        "from": first,
        "seconds": round(seconds, 1),
        "seeds_per_s": round(total.seeds / seconds, 1),
        "seeds_per_core_s": round(total.seeds / total.seconds, 1),
        "steps": total.steps,
        "sends": total.sends,
        "events": total.events,
        "virtual_days": round(total.virtual_s / 86_400),
        "failing": dict(Counter(one.rule for one in failures)),
        "failures": failures,
    }


def main() -> int:
    """0: no rule was broken."""
    parser = argparse.ArgumentParser(description="Deterministic simulation of Deskbell's engine.")
    parser.add_argument("--seed", type=int, help="run one seed, and print its draw")
    parser.add_argument("--tape", type=Path, help="run the tape in a file")
    parser.add_argument("--seeds", type=int, default=2_000)
    parser.add_argument("--from", dest="first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument("--keep", action="store_true", help="shrink each failing tape into found/")
    options = parser.parse_args()
    if options.seed is not None or options.tape is not None:
        tape = Tape(options.seed) if options.tape is None else Tape(values=json.loads(options.tape.read_text())["tape"])
        result = simulate(tape)
        show(result)
        if result.found and options.keep and options.seed is not None:
            failure = Failure(seed=options.seed, found=result.found, drawn=result.drawn, plan={})
            print("kept as", keep(failure))  # noqa: T201
        return int(bool(result.found))
    summary = run_many(options.first, options.seeds, options.jobs, quiet=options.json)
    failures = summary.pop("failures")
    for one in failures if options.keep else ():
        print("kept as", keep(one), file=sys.stderr)  # noqa: T201
    print(json.dumps(summary) if options.json else "\n".join(f"{k}: {v}" for k, v in summary.items()))  # noqa: T201
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
