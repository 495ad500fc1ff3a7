"""Deskbell as a process of its own, so that it can be killed."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.nursery import Forked, Nursery
from running import Running, until

PASSED_ON = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
ENVIRONMENT = {"DESKBELL_ALLOW": "127.0.0.0/8:*", **PASSED_ON}
START_S = 60.0
"""On a machine that does much else a start takes its time."""
COMMAND = [sys.executable, "-m", "deskbell.cli.main"]


@dataclass
class Process:
    """`deskbell serve` on one data directory and port."""

    data: Path
    port: int
    key: str = ""
    child: subprocess.Popen[bytes] | Forked | None = None
    environment: dict[str, str] = field(default_factory=dict)
    command: str = "serve"  # or worker, which is ready at its metrics' address
    nursery: Nursery | None = None  # starts it faster, and knows tricks
    tricks: dict[str, Any] = field(default_factory=dict)  # of `tricks.py`
    log_file: Path | None = None  # instead of one beside the data directory

    def init(self) -> None:
        """Set up the data directory and keep the key."""
        arguments = ["init", "--data", str(self.data), "--json"]
        environment = {**ENVIRONMENT, **self.environment}
        if self.nursery is not None:
            answer_file = self.data.parent / f"{self.data.name}-init.json"
            assert self.nursery.start(arguments, environment, str(answer_file)).wait(30) == 0
            self.key = json.loads(answer_file.read_text())["apiKey"]
            return
        command = [*COMMAND, *arguments]
        answer = subprocess.run(command, check=True, capture_output=True, env=environment)
        self.key = json.loads(answer.stdout)["apiKey"]

    async def start(self) -> None:
        """Start and wait until it is ready."""
        self.spawn()
        await until(self.is_ready, START_S)

    def spawn(self) -> None:
        """Start and do not wait."""
        arguments = [self.command, "--data", str(self.data)]
        environment = {**ENVIRONMENT, "DESKBELL_METRICS": "off", **self.environment}
        if self.command == "serve":
            arguments += ["--port", str(self.port)]
        else:
            environment["DESKBELL_METRICS"] = f"127.0.0.1:{self.port}"
        if self.nursery is not None:
            self.child = self.nursery.start(arguments, environment, str(self.log), self.tricks)
            return
        with self.log.open("ab") as log:
            self.child = subprocess.Popen([*COMMAND, *arguments], env=environment, stdout=log, stderr=log)

    @property
    def log(self) -> Path:
        """What it says; to be read after a failure."""
        return self.log_file or self.data.parent / f"{self.command}-{self.port}.log"

    async def is_ready(self) -> bool:
        """Whether it accepts and stores; fails when it has ended."""
        assert self.child is not None
        assert self.child.poll() is None, f"deskbell serve ended by itself: {self.log.read_text()[-2_000:]}"
        try:
            return (await self.client.call("GET", "/readyz")).status == 200
        except OSError:
            return False

    @property
    def client(self) -> Running:
        """A client of its API."""
        return Running(house=None, port=self.port, key=self.key, setup_url="")  # type: ignore[arg-type]  # no house in this process

    def kill(self) -> None:
        """kill -9."""
        assert self.child is not None
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def stop(self, timeout_s: float = 30) -> int:
        """SIGTERM; answers the exit code."""
        assert self.child is not None
        self.child.terminate()
        return self.child.wait(timeout_s)

    def signal(self, number: int) -> None:
        """Any signal."""
        assert self.child is not None
        self.child.send_signal(number)


def ports() -> Any:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
