"""A parent that has loaded the program and forks a Deskbell whenever it is told: a restart costs no imports.

Run as a program it reads orders from its standard input, a JSON value per line, and answers each with a number:
`{"args": […], "environment": {…}, "log": path, "dies_at": null | [point, pass]}` starts one and tells its process id;
`{"wait": pid, "block": bool}` tells its exit code as `subprocess` does, or null while it runs.
A process that `dies_at` a point kills itself there, at the pass of that number, as kill -9 would.
"""

import itertools
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

ENGINE_POINTS = (
    "before_commit", "after_commit", "before_freeze", "after_freeze", "before_send", "after_send", "before_settle",
    "after_settle", "before_replay_step", "after_replay_step",
)  # fmt: skip
STORE_POINTS = ("in_commit", "before_sync", "after_sync")
"""Inside the database's commit; between the commit and the disk; on the disk and nobody told."""


class Nursery:
    """The parent, as its test sees it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._child = subprocess.Popen(
            [sys.executable, __file__], env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def start(
        self, args: list[str], environment: Mapping[str, str], log: str, dies_at: tuple[str, int] | None = None
    ) -> "Forked":
        """A new process."""
        order = {"args": args, "environment": dict(environment), "log": log, "dies_at": dies_at}
        return Forked(self, self.ask(order))

    def ask(self, order: object) -> Any:
        """One order, one answer."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(order).encode() + b"\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())

    def close(self) -> None:
        """The parent ends; what it started must have ended before."""
        self._child.communicate()
        assert self._child.returncode == 0


@dataclass
class Forked:
    """What a test uses of `subprocess.Popen`."""

    nursery: Nursery
    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._ask(block=False)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises TimeoutError."""
        if self.returncode is not None:
            return self.returncode
        handle = os.pidfd_open(self.pid)
        try:
            if not select.select([handle], [], [], timeout)[0]:
                raise TimeoutError(f"process {self.pid} has not ended within {timeout} s")
        finally:
            os.close(handle)
        code = self._ask(block=True)
        assert code is not None
        return code

    def _ask(self, *, block: bool) -> int | None:
        if self.returncode is None:
            self.returncode = self.nursery.ask({"wait": self.pid, "block": block})
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)


def serve_orders() -> None:
    """The parent's loop."""
    from deskbell.cli.main import main

    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = ended(order["wait"], 0 if order["block"] else os.WNOHANG)
        else:
            answer = os.fork()
            if answer == 0:
                become(order)
                main(args=order["args"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def ended(pid: int, options: int) -> int | None:
    """The exit code; negative for a signal."""
    found, status = os.waitpid(pid, options)
    return os.waitstatus_to_exitcode(status) if found else None


def become(order: Mapping[str, Any]) -> None:
    """What differs in the child: its environment, its log, and where it dies."""
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.clear()
    os.environ.update(order["environment"])
    if order["dies_at"] is not None:
        point, passes = order["dies_at"]
        arm(point, death_at(passes))


def death_at(passes: int) -> Callable[[], None]:
    """Kills this process when it is called for the time of that number."""
    count = itertools.count(1)

    def pass_by() -> None:
        if next(count) >= passes:
            os.kill(os.getpid(), signal.SIGKILL)

    return pass_by


def arm(point: str, pass_by: Callable[[], None]) -> None:
    """Put it at a point of the engine or of the store."""
    import apsw

    from deskbell.engine.faultpoints import Faultpoints
    from deskbell.storage.sqlite.syncing import LogFile

    def crash_point(_: Faultpoints, name: str) -> None:
        if name == point:
            pass_by()

    def on_commit() -> bool:
        pass_by()
        return False  # not rolled back

    def sync(log: LogFile) -> None:
        if point == "before_sync":
            pass_by()
        real_sync(log)
        if point == "after_sync":
            pass_by()

    real_sync = LogFile.sync
    if point in ENGINE_POINTS:
        Faultpoints.crash_point = crash_point  # type: ignore[method-assign]  # in this process alone
    elif point == "in_commit":
        apsw.connection_hooks.append(lambda connection: connection.set_commit_hook(on_commit))
    else:
        LogFile.sync = sync  # type: ignore[method-assign]  # in this process alone


if __name__ == "__main__":
    serve_orders()
