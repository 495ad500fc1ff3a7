"""Runs one part as a process, shows how far it is, and reads what it came to."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proof.parts import Part
from proof.rows import ROOT

SAY_EVERY_S = 30.0
LINES_KEPT = 200
FAILING_SEED = re.compile(r"seed (\d+): ")
SUMS = ("acknowledged", "lost", "duplicates", "kills")
Result = dict[str, Any]
"""A part of the report: name, state (passed, failed, not run), seconds, command, figures, tests, told, notes."""


def run_part(part: Part, say: Callable[[str], None]) -> Result:
    """The result, whatever happens."""
    result: Result = {
        "name": part.name, "title": part.title, "invariant": part.invariant, "kind": part.kind, "quick": part.quick,
        "command": part.command, "figures": {}, "told": [], "notes": [], "seconds": 0.0,
    }  # fmt: skip
    if part.row is not None:
        result["row"] = vars(part.row)
    if part.missing:
        return {**result, "state": "not run", "notes": [part.missing]}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="deskbell-proof-") as name:
        folder = Path(name)
        code, output = _run(part, folder, say)
        try:
            found = READERS[part.kind](folder, output)
        except Exception as error:  # a part that printed nonsense has failed; the others go on
            found = {"notes": [f"its figures could not be read: {error!r}"], "state": "failed"}
    result |= found
    result["seconds"] = round(time.monotonic() - began, 1)
    if code != 0 and result.get("state") != "not run":
        result["state"] = "failed"
        result["notes"] = [
            *result["notes"],
            *([f"ended by its limit of {part.limit_s:,.0f} s"] if code is None else []),
        ]
        result["output"] = output[-LINES_KEPT:]
    result.setdefault("state", "passed")
    return result


def _run(part: Part, folder: Path, say: Callable[[str], None]) -> tuple[int | None, list[str]]:
    """Exit code (None: it took too long) and what it printed."""
    arguments = [sys.executable, *part.arguments]
    if part.kind == "tests":
        arguments += [f"--junitxml={folder / 'junit.xml'}", f"--basetemp={folder / 'tmp'}"]
    if part.kind == "soak":
        arguments += ["--json", str(folder / "soak.json")]
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    environment = {
        **os.environ, **part.environment, "PYTHONPATH": paths, "DESKBELL_TEST_REPORT": str(folder / "report.jsonl"),
    }  # fmt: skip
    file = folder / "output"
    with file.open("wb") as out:
        child = subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    began, said = time.monotonic(), time.monotonic()
    code: int | None = None
    while code is None:
        try:
            code = child.wait(1.0)
        except subprocess.TimeoutExpired:
            now = time.monotonic()
            if now - began > part.limit_s:
                child.terminate()
                child.wait(60)
                return None, _lines(file)
            if now - said >= SAY_EVERY_S:
                said = now
                say(f"{now - began:,.0f} s  {(_lines(file) or [''])[-1][:140]}")
    return code, _lines(file)


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text(errors="replace").splitlines() if line.strip()]


def _read_tests(folder: Path, output: list[str]) -> Result:
    """Counts and reasons of pytest; what the tests told of themselves, summed."""
    cases = list(ET.parse(folder / "junit.xml").getroot().iter("testcase"))
    bad = [one for one in cases if one.find("failure") is not None or one.find("error") is not None]
    skipped = [one for one in cases if one.find("skipped") is not None]
    notes = [f"skipped: {one.get('name')}: {one.find('skipped').get('message')}" for one in skipped]
    report = folder / "report.jsonl"
    told = [json.loads(line) for line in report.read_text().splitlines()] if report.exists() else []
    figures: dict[str, Any] = {name: sum(one[name] for one in told if name in one) for name in SUMS}
    figures = {name: value for name, value in figures.items() if any(name in one for one in told)}
    result: Result = {
        "tests": {"passed": len(cases) - len(bad) - len(skipped), "failed": len(bad), "skipped": len(skipped)},
        "figures": figures,
        "told": told,
        "notes": notes,
        "failed": [_place(one) for one in bad],
    }
    if cases and len(skipped) == len(cases):
        result["state"] = "not run"
    return result


def _place(case: Any) -> str:
    """A failed test as pytest takes it."""
    where = case.get("classname", "").split(".")
    for count in range(len(where), 0, -1):
        for start in ((), ("tests",)):
            path = Path(*start, *where[:count]).with_suffix(".py")
            if (ROOT / path).exists():
                return "::".join([str(path), *where[count:], case.get("name", "")])
    return str(case.get("name"))


def _read_simulation(folder: Path, output: list[str]) -> Result:
    """Its last line is a JSON object; each failing seed has a line of its own before."""
    found = json.loads(next(line for line in reversed(output) if line.startswith("{")))
    seeds = [told[1] for line in output if (told := FAILING_SEED.match(line))]
    figures = {name: value for name, value in found.items() if isinstance(value, int | float | str)}
    notes = [line for line in output if FAILING_SEED.match(line)]
    return {"figures": figures, "notes": notes, "failed": [f"tests/simulation/run.py --seed {one}" for one in seeds]}


def _read_soak(folder: Path, output: list[str]) -> Result:
    found = json.loads((folder / "soak.json").read_text())
    return {"figures": found["figures"], "samples": found["samples"], "notes": found["notes"], "failed": []}


READERS: dict[str, Callable[[Path, list[str]], Result]] = {
    "tests": _read_tests,
    "simulation": _read_simulation,
    "soak": _read_soak,
}
