"""The corpus of bad inputs: rows by area, with texts made by rule spelled out."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "cases" / "badinputs.jsonl"


@cache
def all_rows() -> tuple[dict[str, Any], ...]:
    """Every row of the file."""
    return tuple(json.loads(line) for line in FILE.read_text().splitlines() if line.strip())


def rows(area: str) -> list[dict[str, Any]]:
    """The rows of one area."""
    return [row for row in all_rows() if row["area"] == area]


def row_id(row: dict[str, Any]) -> str:
    """The name of a row's test."""
    return f"{row['class']}-{row['id']}"


def spelled(value: Any) -> Any:
    """A text made by rule: prefix + text × n + suffix, or bytes in hex; everything else as it is."""
    if isinstance(value, dict) and "repeat" in value:
        text, times = value["repeat"]
        return value.get("prefix", "") + text * times + value.get("suffix", "")
    if isinstance(value, dict) and set(value) == {"hex"}:
        return bytes.fromhex(value["hex"])
    return value
