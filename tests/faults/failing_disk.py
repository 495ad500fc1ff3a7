"""A disk on which the n-th write, cut or sync fails, once or from then on, under every connection of this process.

Run as a program it is `deskbell serve` on such a disk: python failing_disk.py KIND N ARGUMENTS….
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import apsw

from deskbell.storage.sqlite.syncing import LogFile

KINDS = {"broken": apsw.IOError, "full": apsw.FullError}


@dataclass
class FailingDisk:
    """Counts operations on files whose names hold `deskbell.db`; those from `first` to before `last` fail."""

    kind: str
    first: int
    last: int
    count: int = 0
    failed: int = 0

    def operation(self) -> None:
        """One more. Raises what SQLite makes of a failed one."""
        self.count += 1
        if self.first <= self.count < self.last:
            self.failed += 1
            raise KINDS[self.kind](f"operation {self.count} failed")

    def sync(self) -> None:
        """The log's own sync, off the loop; a full disk syncs what it has. Raises OSError."""
        if self.kind == "full":
            return
        try:
            self.operation()
        except apsw.Error as error:
            raise OSError(5, "Input/output error") from error


class _File(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: "str | apsw.URIFilename | None", flags: list[int]) -> None:
        self._disk = disk
        filename = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._counts = "deskbell.db" in filename and not filename.endswith("-shm")
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw's
        if self._counts:
            self._disk.operation()
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - apsw's
        if self._counts:
            self._disk.operation()
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's
        if self._counts and self._disk.kind != "full":
            self._disk.operation()
        super().xSync(flags)


class _Vfs(apsw.VFS):
    def __init__(self, disk: FailingDisk) -> None:
        self._disk = disk
        self.name = f"failing-{id(disk)}"
        super().__init__(self.name, "unix")

    def xOpen(self, name: "str | apsw.URIFilename | None", flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - apsw's
        return _File(self._disk, name, flags)


@contextmanager
def failing(kind: str, first: int, last: int = sys.maxsize) -> Iterator[FailingDisk]:
    """Whatever is opened meanwhile lies on such a disk."""
    disk = FailingDisk(kind=kind, first=first, last=last)
    vfs, synced = _Vfs(disk), LogFile.sync

    def sync(log: LogFile) -> None:
        disk.sync()
        synced(log)

    apsw.set_default_vfs(vfs.name)
    LogFile.sync = sync  # type: ignore[method-assign]  # the log is synced beside SQLite
    try:
        yield disk
    finally:
        LogFile.sync = synced  # type: ignore[method-assign]  # as it was
        apsw.set_default_vfs("unix")
        vfs.unregister()


if __name__ == "__main__":
    from deskbell.cli.main import main

    with failing(sys.argv[1], int(sys.argv[2])):
        main(args=sys.argv[3:])
