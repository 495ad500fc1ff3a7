"""Seeds: each is a small world with faults of its own, and no rule may be broken in any of them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from simulation.run import FOUND, chunks, keep, run_seeds
from simulation.tape import Tape
from simulation.world import simulate

SEEDS = int(os.environ.get("DESKBELL_TEST_SEEDS", "1000"))
TRIES = 200
"""Runs to shrink a failing tape: a test has to come to an end."""


@pytest.mark.parametrize(("first", "last"), list(chunks(1, SEEDS)))
def test_seeds(first: int, last: int, record_property: Callable[[str, object], None]) -> None:
    """Faults, then everything is healed, then all is quiet: nothing lost, nothing that nobody asked for."""
    sums, failures = run_seeds(first, last)
    record_property("simulated", (sums.seeds, sums.seconds))
    if failures:
        path = keep(failures[0], tries_max=TRIES)
        pytest.fail(f"seed {failures[0].seed}: {failures[0].found[0]}; the small tape is {path}")


@pytest.mark.parametrize("path", sorted(FOUND.glob("*.json")), ids=lambda path: path.stem)
def test_what_was_found_before_stays_mended(path: Path) -> None:
    """Each tape here once broke a rule."""
    assert simulate(Tape(values=json.loads(path.read_text())["tape"])).found == ()


def test_a_seed_is_the_same_everywhere() -> None:
    """In this process and in others, whatever the order of their sets; and its tape says all."""
    seeds = (3, 6, 22, 33)
    here = [simulate(Tape(seed)) for seed in seeds]
    code = (
        "from simulation.world import simulate; from simulation.tape import Tape; "
        f"print([simulate(Tape(seed)).trace for seed in {seeds}])"
    )
    for number in ("1", "2"):
        path = os.pathsep.join(one for one in sys.path if one)
        there = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": number, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        assert there.stdout.strip() == str([one.trace for one in here])
    assert [simulate(Tape(values=one.drawn)).trace for one in here] == [one.trace for one in here]
