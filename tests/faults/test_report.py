"""The lines that fault tests tell their figures in."""

import json
from pathlib import Path

import pytest

from faults.report import SETTING, report, reported


def test_one_line_per_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told is appended; a test that fails tells nothing."""
    file = tmp_path / "report.jsonl"
    monkeypatch.setenv(SETTING, str(file))
    report(1, "kill -9", seconds=1.234, acknowledged=9, lost=0, duplicates=2, kills=3)
    with reported(23, "wrong key") as figures:
        figures["stops"] = 4
    with pytest.raises(ZeroDivisionError), reported(7, "lock held"):
        raise ZeroDivisionError
    first, second = [json.loads(line) for line in file.read_text().splitlines()]
    told = {"row": 1, "name": "kill -9", "acknowledged": 9, "lost": 0, "duplicates": 2, "kills": 3, "seconds": 1.23}
    assert first == told
    assert (second["row"], second["name"], second["stops"]) == (23, "wrong key", 4)


def test_nothing_is_told_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the setting no file is made."""
    monkeypatch.delenv(SETTING, raising=False)
    monkeypatch.chdir(tmp_path)
    report(1, "kill -9", seconds=1.0)
    assert list(tmp_path.iterdir()) == []
