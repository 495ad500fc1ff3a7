"""A full disk: a reserve beside the database is given back, so that what goes on can be recorded until there is room.

While room is short only what grows is refused: attempts are settled, what is past its time is purged, people may
change webhooks and sites. The reserve is made again as soon as that is possible, and all is taken as before.
"""

import errno
import os
from pathlib import Path
from time import monotonic

import apsw
import structlog

from deskbell.model.account import Login
from deskbell.model.changes import Insert, Replace, Settle, Unit
from deskbell.model.delivery import Asked, Attempt
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook

_log = structlog.get_logger()
AGAIN_S = 1.0
AGAIN_S_MAX = 60.0
"""Between two tries to make the reserve again: longer when there was room for a moment only."""
RESERVE_NAME = "reserve"
_EFFECT = "what grows is refused until there is room"

_SMALL = (Asked, Attempt, Login)
"""Rows that may be added when room is short: what a person asks for, what was sent already, who it is."""
_SETTINGS = (Webhook, Site)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def grows(unit: Unit) -> bool:
    """Whether a unit adds what can be added later as well."""
    is_urgent = any(
        type(one) is Settle or (type(one) is Replace and type(one.row) in _SETTINGS) for one in unit.changes
    )
    return not is_urgent and any(type(one) is Insert and type(one.row) not in _SMALL for one in unit.changes)


def is_full(connection: apsw.Connection, error: Exception) -> bool:
    """Whether a write failed because there is no more room: on the disk, in a quota, or for one file."""
    if isinstance(error, apsw.FullError):
        return True
    return isinstance(error, apsw.IOError) and connection.system_errno in _FULL


class Reserve:
    """A file that only takes up room."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        self._path = path
        self.size_bytes = size_bytes

    def make(self) -> bool:
        """Take up the room; False when there is not enough."""
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(1, self.size_bytes))
        except OSError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Give the room back."""
        self._path.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """What the file system has left."""
        found = os.statvfs(self._path.parent)
        return found.f_bavail * found.f_frsize


class Room:
    """Whether there is room, as far as it is known."""

    def __init__(self, connection: apsw.Connection, reserve: Reserve | None) -> None:
        self._connection = connection
        self._reserve = reserve
        self._wait_s = AGAIN_S
        self._turned = monotonic()  # when there last was room, or was none
        self._looked = self._turned
        self._is_out = False  # even what does not grow was refused
        self.is_short = reserve is not None and not reserve.make()
        if self.is_short:
            _log.error("disk.full", effect=_EFFECT)

    def look(self) -> None:
        """See whether there is room again."""
        now = monotonic()
        if not self.is_short or now - self._looked < self._wait_s:
            return
        self._looked = now
        if self._reserve is None or (
            self._reserve.free_bytes() > 2 * self._reserve.size_bytes and self._reserve.make()
        ):
            self.is_short, self._is_out, self._turned = False, False, now
            _log.warning("disk.room_again")

    def give_up(self) -> None:
        """There is no room: give the reserve back, and let the log begin anew in the place that it has."""
        now = monotonic()
        self._wait_s = min(AGAIN_S_MAX, 2 * self._wait_s) if now - self._turned < AGAIN_S_MAX else AGAIN_S
        self.is_short, self._looked, self._turned = True, now, now
        _log.error("disk.full", effect=_EFFECT)
        if self._reserve is not None:
            self._reserve.release()
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error:
            _log.warning("disk.log_kept")

    def wrote(self, *, is_out: bool) -> None:
        """Something that does not grow was written, or there was no room even for that."""
        self._is_out = is_out

    def is_spent(self) -> bool:
        """Whether so little is left that nothing should be begun that has to be recorded."""
        self.look()
        if not self.is_short or self._is_out or self._reserve is None:
            return self.is_short
        return self._reserve.free_bytes() < self._reserve.size_bytes // 2
