"""What a proof consists of: parts as data. Each is one command that can be run alone."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from proof.rows import ROOT, ROWS, Row, tests_of_rows

FULL = {
    "DESKBELL_TEST_KILLS": "1000",
    "DESKBELL_TEST_POWER_CUTS": "2000",
    "DESKBELL_TEST_DATABASE_STOPS": "20",
    "DESKBELL_TEST_COMMIT_RESETS": "300",
    "DESKBELL_TEST_DELAYS_MS": "50,200,500,1000,2000",
    "DESKBELL_TEST_LOCK_HELD_S": "30",
    "DESKBELL_TEST_NOISY_EVENTS": "100000",
    "DESKBELL_TEST_HERD": "200",
    "DESKBELL_TEST_TIMERS": "2000",
    "DESKBELL_TEST_BACKLOG": "1000000",
}
"""Sizes of the long form; a test that is not told one has a smaller one for the suite."""
QUICK = {"DESKBELL_TEST_KILLS": "60", "DESKBELL_TEST_POWER_CUTS": "100", "DESKBELL_TEST_BACKLOG": "20000"}
EXAMPLES_FULL, EXAMPLES_QUICK = 1_000, 30
SEEDS_FULL, SEEDS_QUICK = 10_000, 200
MINUTES_FULL, MINUTES_QUICK = 30.0, 2.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing to prove."""

    name: str
    title: str
    invariant: str
    kind: str  # how its figures are read: tests, simulation, soak
    arguments: tuple[str, ...]  # of the environment's Python
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()  # paths without which it cannot run
    limit_s: float = 1_800.0
    about_s: float = 30.0  # on two cores, to tell how long it will take
    row: Row | None = None
    quick: bool = False  # a small size

    @property
    def command(self) -> str:
        """As a person types it, in the checkout."""
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        return " ".join([*settings, ".venv/bin/python", *self.arguments])

    @property
    def missing(self) -> str:
        """Why it cannot run here; empty when it can."""
        if self.row is not None and not self.needs:
            return "no test of this row in this checkout"
        gone = [one for one in self.needs if not (ROOT / one).exists()]
        return f"{', '.join(gone)} is not in this checkout" if gone else ""


def parts(*, quick: bool, minutes: float | None, seeds: int | None) -> tuple[Part, ...]:
    """Everything, the short things first."""
    return (
        *(_row(row, quick=quick) for row in ROWS),
        _machine(quick=quick),
        _simulation(seeds or (SEEDS_QUICK if quick else SEEDS_FULL)),
        _mutants(),
        _soak(minutes or (MINUTES_QUICK if quick else MINUTES_FULL)),
    )


def _pytest(*paths: str) -> tuple[str, ...]:
    options = ("-q", "-p", "no:cacheprovider", "--tb=short", "--show-capture=no", "-n", "2", "--dist", "loadgroup")
    return ("-m", "pytest", *options, *paths)


def _row(row: Row, *, quick: bool) -> Part:
    files = tests_of_rows()[row.number]
    text = "".join((ROOT / one).read_text() for one in files)
    sizes = {name: value for name, value in (QUICK if quick else FULL).items() if name in text}
    return Part(
        name=f"row-{row.number}",
        title=row.fault,
        invariant=row.invariant,
        kind="tests",
        arguments=_pytest(*files),
        environment=sizes,
        needs=files,
        limit_s=600 if quick else 3_600,
        about_s=20 if quick else 120,
        row=row,
        quick=quick,
    )


def _machine(*, quick: bool) -> Part:
    files = tuple(
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests" / "contract").glob("test_*.py"))
        if "DESKBELL_TEST_EXAMPLES" in path.read_text() or "RuleBasedStateMachine" in path.read_text()
    )
    return Part(
        name="stores",
        title="three stores against a model",
        invariant="memory, SQLite and PostgreSQL do the same as a dictionary, whatever is done to them",
        kind="tests",
        arguments=_pytest(*files),
        environment={"DESKBELL_TEST_EXAMPLES": str(EXAMPLES_QUICK if quick else EXAMPLES_FULL)},
        needs=files or ("tests/contract/test_model.py",),
        limit_s=600 if quick else 3_600,
        about_s=60 if quick else 600,
        quick=quick,
    )


def _simulation(seeds: int) -> Part:
    return Part(
        name="simulation",
        title=f"{seeds:,} simulated worlds",
        invariant="safety at each step; after healing everything answered is delivered or has ended in sight",
        kind="simulation",
        arguments=("tests/simulation/run.py", "--seeds", str(seeds), "--jobs", str(os.cpu_count() or 1), "--json"),
        needs=("tests/simulation/run.py",),
        limit_s=max(600.0, seeds * 2.0),
        about_s=seeds / 10,
        quick=seeds < SEEDS_FULL,
    )


def _mutants() -> Part:
    files = [path for path in sorted((ROOT / "tests" / "simulation").glob("*mutant*.py")) if path.name.startswith("te")]
    names = tuple(str(Path(path).relative_to(ROOT)) for path in files)
    return Part(
        name="mutants",
        title="bugs put in on purpose",
        invariant="the simulation finds each of them",
        kind="tests",
        arguments=_pytest(*names),
        needs=names or ("tests/simulation/test_mutants.py",),
        limit_s=3_600,
        about_s=120,
    )


def _soak(minutes: float) -> Part:
    return Part(
        name="soak",
        title=f"a mixed load for {minutes:g} min",
        invariant="nothing lost, nothing altered, order kept; memory, descriptors and queue stay flat",
        kind="soak",
        arguments=("tests/proof/soak.py", "--minutes", f"{minutes:g}", "--restarts", "4"),
        limit_s=minutes * 60 + 900,
        about_s=minutes * 60 + 60,
        quick=minutes < MINUTES_FULL,
    )
