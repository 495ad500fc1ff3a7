"""Migrates copies of a SQLite file, each in a process of its own that kills itself before the n-th statement.

Usage: python upgrading.py FILE FOLDER. Copies are left in FOLDER as `1.db`, `2.db` … with their logs, the last one
whole; how many there are is printed.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

import apsw

from deskbell.storage.sqlite.connection import open_writer
from deskbell.storage.sqlite.migrate import migrate


def killed_at(path: Path, n: int) -> None:
    """Migrate, and die before the n-th statement if there are so many."""
    connection = open_writer(path)
    left = n

    def trace(_cursor: apsw.Cursor, _statement: str, _bindings: object) -> bool:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    connection.exec_trace = trace
    migrate(connection)


def main() -> None:
    """One copy after the other, until one is migrated to its end."""
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    n, status = 0, signal.SIGKILL.value
    while status == signal.SIGKILL:
        n += 1
        path = folder / f"{n}.db"
        shutil.copy(source, path)
        child = os.fork()
        if not child:
            killed_at(path, n)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
    assert status == 0
    print(n)  # noqa: T201  it is a program


if __name__ == "__main__":
    main()
