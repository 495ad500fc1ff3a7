"""The proof: its parts can be run, its page is made from a report, and the page of this checkout names every row."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proof import page
from proof.main import chosen, prove, read_options
from proof.parts import Part, parts
from proof.rows import ROOT, ROWS
from proof.running_parts import run_part
from proof.soak_judge import Sample, growth, losses
from proof.soak_receivers import Seen

SAMPLES = [
    {"at_s": 5.0 * n, "life": n // 10, "memory_mb": 80.0 + n % 3, "descriptors": 30, "queue": n, "database_mb": 1.0,
     "acknowledged": 10 * n}
    for n in range(40)
]  # fmt: skip


def part(name: str, state: str = "passed", **more: Any) -> dict[str, Any]:
    """A part of a report."""
    plain = {"title": name, "invariant": "holds", "kind": "tests", "command": f"run {name}", "figures": {}, "told": []}
    return {**plain, "name": name, "state": state, "notes": [], "seconds": 3.0, **more}


def sample_report() -> dict[str, Any]:
    """A small one with something of everything."""
    machine = {"cores": 2, "memory_gb": 24, "system": "Linux 6.1 x86_64", "python": "3.11.7", "files": "ext2/ext3"}
    told = [
        {"row": 1, "name": "part 1", "acknowledged": 5_000, "lost": 0, "duplicates": 7, "kills": 1_000, "seconds": 9}
    ]
    return {
        "commit": "0123456789ab", "changed": False, "date": "2026-01-02 03:04 UTC", "machine": machine,
        "parts": [
            part("row-1", figures={"acknowledged": 5_000, "lost": 0, "duplicates": 7, "kills": 1_000}, told=told,
                 tests={"passed": 2, "failed": 0, "skipped": 0}),
            part("row-6", "failed", notes=["it broke"], tests={"passed": 1, "failed": 1, "skipped": 0}),
            part("row-24", "not run", notes=["skipped: no rights"], tests={"passed": 0, "failed": 0, "skipped": 1}),
            part("simulation", quick=True, figures={"seeds": 10_000, "seeds_per_s": 21.5}),
            part("mutants", tests={"passed": 17, "failed": 0, "skipped": 0}),
            part("soak", samples=SAMPLES, figures={"minutes": 30.0, "memory": "flat", "lost": 0}),
        ],
    }  # fmt: skip


def test_the_page_is_made_from_a_report(tmp_path: Path) -> None:
    """Sums, every row, what was not run by name, the soak's picture, and how to run each part again."""
    page.write(sample_report(), tmp_path / "proof.md", tmp_path / "images" / "soak.svg")
    text = (tmp_path / "proof.md").read_text()
    for wanted in (
        "`0123456789ab`", "| kills | 1,000 |", "10,000, 21.5 a second", "17 of 17", "4 passed, 1 failed, 1 not run",
        "smaller than full: `simulation` |",
        "**failed**", "it broke", "skipped: no rights", "(images/soak.svg)", "`run row-1`",
    ):  # fmt: skip
        assert wanted in text, wanted
    assert [row.fault for row in ROWS if f"**{row.fault}**" not in text] == []
    assert (tmp_path / "images" / "soak.svg").read_text().count("<polyline") == 4


def test_the_page_of_this_checkout_names_every_row() -> None:
    """It was written by the program, and stands in the menu."""
    text = page.PAGE.read_text()
    assert text.startswith(page.HEAD)
    assert [row.number for row in ROWS if f"| {row.number} | **{row.fault}**" not in text] == []
    assert "proof.md" in (ROOT / "mkdocs.yml").read_text()


def test_each_part_runs_what_there_is() -> None:
    """Rows whose tests are here name files that exist; both sizes have the same parts."""
    full, quick = (parts(quick=one, minutes=None, seeds=None) for one in (False, True))
    assert [one.name for one in full] == [one.name for one in quick]
    assert [one.name for one in full if one.row is not None] == [f"row-{row.number}" for row in ROWS]
    for one in full:
        assert one.missing or all((ROOT / path).exists() for path in one.needs)


def test_a_part_that_fails_says_how_to_see_it_again(tmp_path: Path) -> None:
    """The others go on; a part that only skips counts as not run."""
    good, bad, idle = (tmp_path / f"test_{name}.py" for name in ("good", "bad", "idle"))
    good.write_text(
        "from faults.report import report\n\ndef test_it():\n    report(1, 'x', seconds=1.0, acknowledged=3)\n"
    )
    bad.write_text("def test_it():\n    assert 1 == 2\n")
    idle.write_text("import pytest\n\ndef test_it():\n    pytest.skip('no rights')\n")
    found = {}
    for file in (good, bad, idle):
        arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), str(file))
        one = Part(name=file.stem, title="", invariant="", kind="tests", arguments=arguments)
        found[file.stem] = run_part(one, print)
    assert {name: one["state"] for name, one in found.items()} == {
        "test_good": "passed", "test_bad": "failed", "test_idle": "not run",
    }  # fmt: skip
    assert found["test_good"]["figures"] == {"acknowledged": 3}
    assert "no rights" in found["test_idle"]["notes"][0]
    assert any("assert 1 == 2" in line for line in found["test_bad"]["output"])


def test_unknown_parts_are_named() -> None:
    """And the known ones with them."""
    with pytest.raises(SystemExit, match=r"no part nonsense; the parts are .*row-13"):
        chosen(read_options(["--only", "nonsense"]))


def test_what_cannot_run_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name and with the reason, in report and table; the exit code is 0; a later run keeps what it did not do."""
    nothing = Part(name="soak", title="a soak", invariant="", kind="soak", arguments=(), needs=("no/such.py",))
    monkeypatch.setattr("proof.main.parts", lambda **_: (nothing,))
    file = tmp_path / "report.json"
    assert prove(read_options(["--json", str(file), "--page", str(tmp_path / "proof.md")])) == 0
    (one,) = json.loads(file.read_text())["parts"]
    assert (one["state"], one["notes"]) == ("not run", ["no/such.py is not in this checkout"])
    assert "not run" in (tmp_path / "proof.md").read_text()


def sample(n: int, memory_mb: float, life: int = 0) -> Sample:
    """One look."""
    return Sample(at_s=n, life=life, memory_mb=memory_mb, descriptors=9, queue=0, database_mb=1.0, acknowledged=n)


def test_growth_is_that_of_the_last_life() -> None:
    """Between its second and last quarter; too few looks say nothing."""
    before = [sample(n, 500.0) for n in range(20)]
    last = [sample(n, 100.0 + n, life=1) for n in range(40)]
    assert growth([*before, *last], "memory_mb") == (114.5, 134.5)
    assert growth(last[:5], "memory_mb") is None


def test_losses_are_found() -> None:
    """Missing, unexpected, altered, twice, out of order; what ended in sight is not lost."""
    hooks = {"ok": (("custom.load",), {}), "ordered": (("custom.ordered",), {})}
    seen = {
        "ok": Seen(events={1: "a", 9: "b"}, altered=1, twice=2),
        "ordered": Seen(events={}, disordered=3),
    }
    told = {"custom.load": {1, 2, 3}}
    found = losses(told, hooks, seen, 1)
    assert found == {"lost": 1, "unexpected": 1, "altered": 1, "twice": 2, "disordered": 3}


def test_a_short_soak_loses_nothing(tmp_path: Path) -> None:
    """The real process under the mixed load for some seconds, killed once."""
    file = tmp_path / "soak.json"
    command = [sys.executable, str(ROOT / "tests" / "proof" / "soak.py"), "--minutes", "0.1", "--restarts", "1"]
    done = subprocess.run([*command, "--json", str(file)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(file.read_text())["figures"]
    assert (figures["lost"], figures["kills"]) == (0, 1)
    assert figures["acknowledged"] > 50
