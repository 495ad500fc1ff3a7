"""The readers of foreign text under a fuzzer that follows coverage: a short run here, long ones by hand (`run.py`)."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz.targets import SEEDS, TARGETS

TESTS = Path(__file__).parents[1]
RUNS = 40_000


@pytest.mark.parametrize("target", TARGETS, ids=lambda one: one.__name__)
def test_seeds_are_read(target) -> None:  # type: ignore[no-untyped-def]  # a function of the list
    """What the fuzzer starts from breaks nothing, and every reader has some."""
    for seed in SEEDS[target.__name__]:
        target(seed)
        target(seed[: len(seed) // 2])


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="fuzzing was not run: atheris is not made for here"
)
def test_no_input_breaks_a_reader(tmp_path: Path) -> None:
    """A short run finds no input over which a reader raises what is not its own fault."""
    paths = (str(TESTS), str(TESTS.parent / "src"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "fuzz.run", str(tmp_path / "inputs"), f"-runs={RUNS}", "-seed=1", "-max_len=300"]
    command.append(f"-artifact_prefix={tmp_path}/")
    done = subprocess.run(command, capture_output=True, timeout=240, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:].decode("latin-1") + done.stderr[-2000:].decode("latin-1")
