"""What the fault tests found, for whoever draws a table of it: one JSON line per test, in the file that is named.

`DESKBELL_TEST_REPORT` names the file; without it nothing is written. Each line holds `row` (of the table of faults, see
`README.md` beside this file), `name`, `seconds`, and where a history was checked `acknowledged`, `lost`, `duplicates`
and `kills`; a test may tell more figures of its own.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

SETTING = "DESKBELL_TEST_REPORT"
Figure = int | float | str


def report(row: int, name: str, *, seconds: float, **figures: Figure) -> None:
    """Append one line; many test processes may share the file."""
    path = os.environ.get(SETTING)
    if not path:
        return
    line = json.dumps({"row": row, "name": name, **figures, "seconds": round(seconds, 2)}) + "\n"
    target = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(target, line.encode())
    finally:
        os.close(target)


@contextmanager
def reported(row: int, name: str) -> Iterator[dict[str, Figure]]:
    """Measures a test that passes; the figures that it puts into the dictionary are told with the time it took."""
    figures: dict[str, Figure] = {}
    began = time.monotonic()
    yield figures
    report(row, name, seconds=time.monotonic() - began, **figures)
