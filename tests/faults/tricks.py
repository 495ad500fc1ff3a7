"""What a process of a fault test does that the product does not: it dies at a point, or its surroundings lie.

They are played in the forked process alone, before the program starts; the test steers some of them meanwhile through
a number in a file that both have mapped.
"""

import itertools
import mmap
import os
import resource
import signal
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ENGINE_POINTS = (
    "before_commit", "after_commit", "before_freeze", "after_freeze", "before_send", "after_send", "before_settle",
    "after_settle", "before_replay_step", "after_replay_step",
)  # fmt: skip
STORE_POINTS = ("in_commit", "before_sync", "after_sync")
"""Inside the database's commit; between the commit and the disk; on the disk and nobody told."""


class Knob:
    """A number in a file, turned by a test while a process reads it."""

    def __init__(self, path: Path | str) -> None:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(file, 8)
        self._memory = mmap.mmap(file, 8)
        os.close(file)

    def turn(self, value: float) -> None:
        """From now on it is this."""
        self._memory[:] = struct.pack("d", value)

    def read(self) -> float:
        """What it is now; 0 when it was never turned."""
        return float(struct.unpack("d", self._memory[:])[0])


def play(tricks: Mapping[str, Any]) -> None:
    """Each by its name."""
    for name, value in tricks.items():
        _TRICKS[name](value)


def dies_at(value: tuple[str, int]) -> None:
    """Kills itself at a point of the engine or of the store, at the pass of that number."""
    point, passes = value
    count = itertools.count(1)

    def pass_by() -> None:
        if next(count) >= passes:
            os.kill(os.getpid(), signal.SIGKILL)

    if point in ENGINE_POINTS:
        _at_engine(point, pass_by)
    elif point == "in_commit":
        _in_commit(pass_by)
    else:
        _at_sync(*((pass_by, _nothing) if point == "before_sync" else (_nothing, pass_by)))


def wall_clock(path: str) -> None:
    """The wall clock is off by as many seconds as a knob says."""
    from deskbell.clock import SystemClock
    from deskbell.model.instant import TICKS_PER_SECOND, Instant

    knob, real = Knob(path), SystemClock.now
    SystemClock.now = lambda self: Instant(real(self) + int(knob.read() * TICKS_PER_SECOND))  # type: ignore[method-assign]


def slow_disk(path: str) -> None:
    """A commit takes as many more seconds to be durable as a knob says."""
    knob = Knob(path)
    _at_sync(lambda: time.sleep(knob.read()), _nothing)


def name_server(address: str) -> None:
    """Names are asked of this `host:port`."""
    from functools import partial

    from deskbell import assembly

    assembly.AresResolver = partial(assembly.AresResolver, nameservers=[address])  # type: ignore[misc]


def poison(mark: str) -> None:
    """The renderer raises for every event whose snapshot holds this text."""
    from deskbell.receivers.generic.kind import GenericKind

    real = GenericKind.render

    def render(self: GenericKind, frozen: Any, limits: Any) -> Any:
        if any(mark.encode() in one for one in frozen.snapshots):
            raise ZeroDivisionError("poison")
        return real(self, frozen, limits)

    GenericKind.render = render  # type: ignore[method-assign]


def descriptors(count: int) -> None:
    """No more open files than this."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def user(number: int) -> None:
    """Runs as another user, without root's rights."""
    os.setgroups([])
    os.setgid(number)
    os.setuid(number)


_TRICKS: Mapping[str, Callable[[Any], None]] = {
    "dies_at": dies_at,
    "wall_clock": wall_clock,
    "slow_disk": slow_disk,
    "name_server": name_server,
    "poison": poison,
    "descriptors": descriptors,
    "user": user,
}


def _nothing() -> None:
    pass


def _at_engine(point: str, pass_by: Callable[[], None]) -> None:
    from deskbell.engine.faultpoints import Faultpoints

    def crash_point(_: Faultpoints, name: str) -> None:
        if name == point:
            pass_by()

    Faultpoints.crash_point = crash_point  # type: ignore[method-assign]


def _in_commit(pass_by: Callable[[], None]) -> None:
    import apsw

    def on_commit() -> bool:
        pass_by()
        return False  # not rolled back

    apsw.connection_hooks.append(lambda connection: connection.set_commit_hook(on_commit))


def _at_sync(before: Callable[[], None], after: Callable[[], None]) -> None:
    from deskbell.storage.sqlite.syncing import LogFile

    real = LogFile.sync

    def sync(log: LogFile) -> None:
        before()
        real(log)
        after()

    LogFile.sync = sync  # type: ignore[method-assign]
