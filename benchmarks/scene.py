"""Programs side by side: Deskbell or the ceiling, a receiver, a publisher, each a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any

import publisher

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "DESKBELL_ALLOW": "127.0.0.0/8:*"}
DESKBELL = [sys.executable, "-m", "deskbell.cli.main"]
Arrival = tuple[str, str, float, str, list[str]]
"""Path, webhook-id, arrival, body hash, event ids."""


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Until somebody listens."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)


class Scene:
    """A receiver and a program that sends to it; `product` is what differs between Deskbell and the ceiling."""

    key = "none"
    server: "subprocess.Popen[bytes]"

    def __init__(self, folder: Path, webhooks: int = 1) -> None:
        self.folder = folder
        self.port, self.receiver_port = free_port(), free_port()
        self.webhooks = webhooks
        self.ready_s = 0.0

    def __enter__(self) -> "Scene":
        command = [sys.executable, str(HERE / "receiver.py"), str(self.receiver_port), str(self.folder / "seen.json")]
        self.receiver = subprocess.Popen(command)
        wait_for_port(self.receiver_port)
        try:
            self.start()
        except BaseException:
            self.receiver.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self.server, self.receiver):
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    def start(self) -> None:
        """Start the program and make it ready."""
        raise NotImplementedError

    def quiet(self) -> None:
        """Wait until nothing waits."""
        raise NotImplementedError

    def publish(self, **plan: Any) -> publisher.Load:
        """Carry out a plan in a process of its own."""
        file = self.folder / "load.json"
        told = json.dumps(asdict(publisher.Plan(port=self.port, key=self.key, **plan)))
        subprocess.run([sys.executable, str(HERE / "publisher.py"), told, str(file)], check=True)
        return publisher.Load(**json.loads(file.read_text()))

    def arrivals(self) -> list[Arrival]:
        """What the receiver saw, once the scene has ended."""
        return [(path, one, at, digest, ids) for path, one, at, digest, ids in self._seen()]

    def _seen(self) -> Any:
        return json.loads((self.folder / "seen.json").read_text())

    def cpu_s(self) -> float:
        """Processor time of the program so far."""
        found = Path(f"/proc/{self.server.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(found[11]) + int(found[12])) / os.sysconf("SC_CLK_TCK")

    def memory_peak_mb(self) -> int:
        """The most memory that the program had."""
        return int(Path(f"/proc/{self.server.pid}/status").read_text().split("VmHWM:")[1].split()[0]) // 1024


class Deskbell(Scene):
    """The product with the embedded default, and its webhooks."""

    def start(self) -> None:
        """Set up, serve, publish until it is accepted (budget 9), then create the webhooks."""
        data = str(self.folder / "data")
        made = subprocess.run(
            [*DESKBELL, "init", "--data", data, "--json"], check=True, capture_output=True, env=ENVIRONMENT
        )
        self.key = json.loads(made.stdout)["apiKey"]
        began = time.time()
        self.server = subprocess.Popen(
            [*DESKBELL, "serve", "--data", data, "--port", str(self.port)],
            env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.first_event()
        self.ready_s = time.time() - began
        for n in range(self.webhooks):
            url = f"http://127.0.0.1:{self.receiver_port}/hook/{n}"
            self.call("POST", "/webhooks", {"description": f"w{n}", "receiverUrl": url, "eventTypes": ["custom.*"]})

    def first_event(self) -> None:
        """Publish one event, again and again until it is accepted."""
        while True:
            try:
                self.call("POST", "/events", publisher.EVENT)
                return
            except OSError:
                if self.server.poll() is not None:
                    raise
                time.sleep(0.005)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the API."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def quiet(self) -> None:
        """Wait until no delivery waits."""
        while self.call("GET", "/deliveries?state=waiting&limit=1")["items"]:
            time.sleep(0.02)


class Ceiling(Scene):
    """The same server and exchange with no store and no engine."""

    def start(self) -> None:
        """Start it."""
        command = [sys.executable, str(HERE / "ceiling.py"), str(self.port), str(self.receiver_port)]
        self.server = subprocess.Popen(command, env=ENVIRONMENT)
        wait_for_port(self.port)

    def quiet(self) -> None:
        """Wait until it does nothing any more."""
        before = -1.0
        while (now := self.cpu_s()) > before:
            before = now
            time.sleep(0.3)
