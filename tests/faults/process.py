"""Deskbell as a process of its own, so that it can be killed."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from running import Running, until

PASSED_ON = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
ENVIRONMENT = {"DESKBELL_ALLOW": "127.0.0.0/8:*", **PASSED_ON}
COMMAND = [sys.executable, "-m", "deskbell.cli.main"]


@dataclass
class Process:
    """`deskbell serve` on one data directory and port."""

    data: Path
    port: int
    key: str = ""
    child: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    command: str = "serve"  # or worker, which is ready at its metrics' address

    def init(self) -> None:
        """Set up the data directory and keep the key."""
        command = [*COMMAND, "init", "--data", str(self.data), "--json"]
        environment = {**ENVIRONMENT, **self.environment}
        answer = subprocess.run(command, check=True, capture_output=True, env=environment)
        self.key = json.loads(answer.stdout)["apiKey"]

    async def start(self) -> None:
        """Start and wait until it is ready."""
        self.child = self._spawn()
        await until(self._ready)

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [*COMMAND, self.command, "--data", str(self.data)]
        environment = {**ENVIRONMENT, "DESKBELL_METRICS": "off", **self.environment}
        if self.command == "serve":
            command += ["--port", str(self.port)]
        else:
            environment["DESKBELL_METRICS"] = f"127.0.0.1:{self.port}"
        with (self.data.parent / f"{self.command}-{self.port}.log").open("ab") as log:  # to be read after a failure
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    async def _ready(self) -> bool:
        assert self.child is not None
        assert self.child.poll() is None, "deskbell serve ended by itself"
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


@dataclass
class Publisher:
    """Publishes as fast as answers come and keeps the history: what was answered, and what is unknown."""

    process: Process
    acknowledged: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    sent: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; a request without an answer may or may not have been stored."""
        while not stop.is_set():
            self.sent += 1
            own = f"own-{self.sent}"
            body = {"type": "custom.load", "data": {"n": self.sent}, "id": own}
            try:
                answer = await self.process.client.call("POST", "/events", body)
            except (OSError, Exception) as error:
                self.unknown.add(own)
                await asyncio.sleep(0.01 if isinstance(error, OSError) else 0)
                continue
            if answer.status == 202:
                self.acknowledged.add(own)


def ports() -> Any:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
