"""A parent that has loaded the program and forks a Deskbell whenever it is told: a restart costs no imports.

Run as a program it reads orders from its standard input, a JSON value per line, and answers each with a number:
`{"args": […], "environment": {…}, "log": path, "tricks": {…}}` starts one and tells its process id;
`{"wait": pid, "block": bool}` tells its exit code as `subprocess` does, or null while it runs.
What a trick does is said in `tricks.py`: one process of its own has another clock, or dies at a point.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Nursery:
    """The parent, as its test sees it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._child = subprocess.Popen(
            [sys.executable, __file__], env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def start(
        self, args: list[str], environment: Mapping[str, str], log: str, tricks: Mapping[str, Any] | None = None
    ) -> "Forked":
        """A new process."""
        order = {"args": args, "environment": dict(environment), "log": log, "tricks": dict(tricks or {})}
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
    """What differs in the child: its environment, its log, and its tricks."""
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.clear()
    os.environ.update(order["environment"])
    play(order["tricks"])


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # not this folder: it has modules of common names
    from faults.tricks import play

    serve_orders()
