"""One process per database: an exclusive lock on a file beside it, held for the life of the process."""

import fcntl
import os
from pathlib import Path

from deskbell.model.errors import StoreBroken


class FileLock:
    """The lock; the kernel drops it when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises StoreBroken with the holder's process id when another process has it."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._file, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise StoreBroken(
                f"process {holder} already uses this database ({path.name} is locked): "
                "stop it first, or choose another data directory"
            ) from None
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode("ascii"))

    def release(self) -> None:
        """Give the lock back; the file stays."""
        os.ftruncate(self._file, 0)
        os.close(self._file)
