"""`erasures.jsonl`: one line per erasure, durable, private, and readable after a crash."""

from pathlib import Path

from deskbell.erasures import FILE, note_erasure, read_erasures
from deskbell.model.changes import EraseSubject
from deskbell.model.ids import SiteId
from deskbell.model.instant import from_seconds


def erasure(number: int, key: str = "22282") -> EraseSubject:
    """One of several."""
    return EraseSubject(site=SiteId("desk"), subject=("ticket", key), at=from_seconds(number))


def test_what_was_noted_is_read(tmp_path: Path) -> None:
    """In order, odd ids too; nobody else may read it."""
    path = tmp_path / FILE
    noted = [erasure(1), erasure(2, 'a "b"\n~ü'), erasure(3)]
    for one in noted:
        note_erasure(path, one)
    assert list(read_erasures(path)) == noted
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(read_erasures(tmp_path / "none")) == []


def test_a_line_that_was_cut_off(tmp_path: Path) -> None:
    """It is passed over, and takes the next one not along."""
    path = tmp_path / FILE
    note_erasure(path, erasure(1))
    path.write_bytes(path.read_bytes() + b'{"site":"desk","ty')
    note_erasure(path, erasure(2))
    assert list(read_erasures(path)) == [erasure(1), erasure(2)]
