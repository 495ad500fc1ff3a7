"""The page of defences names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CITED = re.compile(r"`((?:tests|scripts|requirements)/[\w/.-]+)(?:::(\w+))?`")


def test_every_cited_test_is_there() -> None:
    """A defence without its test would only be a sentence."""
    cited = CITED.findall((ROOT / "docs" / "security.md").read_text())
    assert len(cited) > 40
    for path, name in cited:
        assert (ROOT / path).exists(), path
        assert not name or re.search(rf"def {name}\b", (ROOT / path).read_text()), f"{path}::{name}"


def test_every_line_is_shown() -> None:
    """Each row of a table names at least one."""
    rows = [line for line in (ROOT / "docs" / "security.md").read_text().splitlines() if line.startswith("| ")]
    bare = [line for line in rows if not CITED.search(line.rpartition(" | ")[2]) and "shown by" not in line]
    assert bare == []
