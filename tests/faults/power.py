"""A disk whose power can be cut: what was written and not synced is kept or lost by chance, sector by sector."""

import os
import random
from pathlib import Path

import apsw

SECTOR = 512
Write = tuple[str, int, bytes]
"""`write` at a place, or `cut` to a size."""


def _do(content: bytearray, write: Write) -> None:
    kind, place, data = write
    if kind == "cut":
        del content[place:]
        return
    content.extend(b"\0" * (place - len(content)))
    content[place : place + len(data)] = data


class Disk:
    """Every file as it is surely stored, and what was written to it since its last sync."""

    def __init__(self) -> None:
        self.durable: dict[str, bytearray] = {}
        self.pending: dict[str, list[Write]] = {}

    def opened(self, name: str) -> None:
        """A file is used from now on."""
        self.pending.setdefault(name, [])
        if name not in self.durable:
            self.durable[name] = bytearray(Path(name).read_bytes()) if os.path.exists(name) else bytearray()

    def sync(self, name: str) -> None:
        """Everything written to the file is surely stored."""
        writes, self.pending[name] = self.pending[name], []  # others may come meanwhile
        for write in writes:
            _do(self.durable[name], write)

    def cut(self, chance: random.Random, folder: Path) -> None:
        """The power fails: write into `folder` what a machine would find at its next start."""
        folder.mkdir(parents=True)
        for name, content in self.durable.items():
            left = bytearray(content)
            for kind, place, data in self.pending.get(name, []):
                if kind == "cut":
                    if chance.random() < 0.5:
                        _do(left, (kind, place, data))
                    continue
                for start in range(0, len(data), SECTOR):
                    if chance.random() < 0.5:
                        _do(left, (kind, place + start, data[start : start + SECTOR]))
            if not name.endswith("-shm"):
                (folder / Path(name).name).write_bytes(left)


class PowerVfs(apsw.VFS):
    """SQLite's files on such a disk."""

    def __init__(self, name: str, disk: Disk) -> None:
        self.name, self.disk = name, disk
        super().__init__(name, "unix")

    def xOpen(self, name: "str | apsw.URIFilename | None", flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - apsw's
        """Open a file."""
        return _File(self.disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - apsw's
        """Delete a file."""
        super().xDelete(filename, syncdir)
        self.disk.durable.pop(filename, None)
        self.disk.pending.pop(filename, None)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: "str | apsw.URIFilename | None", flags: list[int]) -> None:
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__("unix", name, flags)
        disk.opened(self._name)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw's
        super().xWrite(data, offset)
        self._disk.pending[self._name].append(("write", offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - apsw's
        super().xTruncate(newsize)
        self._disk.pending[self._name].append(("cut", newsize, b""))

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's
        super().xSync(flags)
        self._disk.sync(self._name)
