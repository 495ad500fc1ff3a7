"""`erasures.jsonl` beside the database: what was erased, ids only, so that no restored backup brings it back."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from deskbell.model.changes import EraseSubject
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant

FILE = "erasures.jsonl"


def note_erasure(path: Path, change: EraseSubject) -> None:
    """Append one line, durably. A line that was cut off by a crash is ended first."""
    kind, key = change.subject
    line = json.dumps({"site": change.site, "type": kind, "id": key, "at": int(change.at)}) + "\n"
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        cut_off = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, (("\n" if cut_off else "") + line).encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_erasures(path: Path) -> Iterator[EraseSubject]:
    """What was erased, oldest first; a line that was cut off is passed over."""
    if not path.exists():
        return
    for line in path.read_text("utf-8").splitlines():
        try:
            one = json.loads(line)
            subject = (str(one["type"]), str(one["id"]))
            yield EraseSubject(site=SiteId(one["site"]), subject=subject, at=Instant(int(one["at"])))
        except (ValueError, KeyError, TypeError):
            continue
