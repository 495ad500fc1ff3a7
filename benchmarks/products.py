"""Products that can stand in a scene, each behind the same small adapter.

To measure another product, write a class with these methods and add it to PRODUCTS: nothing else changes. A product
gets a folder and two ports of its own, is told where the receiver is, and says how an event is published to it and how
the ids of accepted and delivered events are read.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import publisher

HERE = Path(__file__).parent
DESKBELL = [sys.executable, "-m", "deskbell.cli.main"]
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
Process = "subprocess.Popen[bytes]"


class Product(Protocol):
    """What the harness asks of a product."""

    name: str
    delivered: str  # pattern of an event's id in a delivered body
    folder: Path
    port: int
    ready_s: float  # from the start of its process to the first accepted event

    def start(self) -> None: ...  # until an event was accepted
    def stop(self) -> None: ...
    def create_webhook(self, url: str, **settings: Any) -> str: ...  # its id
    def publishing(self, batch: int) -> publisher.Request: ...  # how a publisher sends `batch` events
    def quiet(self) -> None: ...  # until nothing waits
    def processes(self) -> "list[subprocess.Popen[bytes]]": ...  # whose memory and processor time count


class Deskbell:
    """The product with its embedded default."""

    name = "deskbell"
    delivered = r'\{"msp":"[^"]*","id":"(evt_[0-9A-Z]{26})"'

    def __init__(self, folder: Path, port: int, side_port: int, environment: Mapping[str, str] | None = None) -> None:
        self.folder, self.port, self.side_port = folder, port, side_port
        self.environment = {
            **os.environ,
            "DESKBELL_ALLOW": "127.0.0.0/8:*",
            "DESKBELL_METRICS": f"127.0.0.1:{side_port}",
            **(environment or {}),
        }
        self.key, self.ready_s = "", 0.0
        self.server: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def start(self) -> None:
        """Set up when new, serve, publish until it is accepted."""
        made = subprocess.run(
            [*DESKBELL, "init", "--data", str(self.data), "--json"], check=True, capture_output=True,
            env=self.environment,
        )  # fmt: skip
        self.key = json.loads(made.stdout).get("apiKey", self.key)
        began = time.time()
        self.server = self.spawn("serve", "--data", str(self.data), "--port", str(self.port))
        self.first_event()
        self.ready_s = time.time() - began

    def spawn(self, *arguments: str, **environment: str) -> "subprocess.Popen[bytes]":
        """One of its processes."""
        log = (self.folder / "log").open("ab")
        with log:
            return subprocess.Popen(
                [*DESKBELL, *arguments], env={**self.environment, **environment}, stdout=log, stderr=log
            )

    def add_worker(self) -> None:
        """A further node that delivers (PostgreSQL)."""
        self.workers.append(self.spawn("worker", "--data", str(self.data), DESKBELL_METRICS="off"))

    def first_event(self) -> None:
        """Publish one event, again and again until it is accepted."""
        while True:
            try:
                self.call("POST", "/events", publisher.EVENT)
                return
            except OSError:
                if self.server is None or self.server.poll() is not None:
                    raise
                time.sleep(0.005)

    def stop(self) -> None:
        """In order."""
        for process in self.processes():
            process.terminate()
        for process in self.processes():
            process.wait(60)

    def processes(self) -> "list[subprocess.Popen[bytes]]":
        """Those that run."""
        return [*self.workers, *([self.server] if self.server else [])]

    def create_webhook(self, url: str, **settings: Any) -> str:
        """A webhook for everything that is published."""
        body = {"description": url[-20:], "receiverUrl": url, "eventTypes": ["custom.*"], **settings}
        return str(self.call("POST", "/webhooks", body)["id"])

    def publishing(self, batch: int) -> publisher.Request:
        """`POST /events`, one event or an array."""
        body = json.dumps(publisher.EVENT if batch == 1 else [publisher.EVENT] * batch).encode()
        head = (
            f"POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return publisher.Request(text=head + body.decode(), ids=r"evt_[0-9A-Z]{26}", good=202)

    def quiet(self) -> None:
        """Until no delivery waits."""
        while self.call("GET", "/deliveries?state=waiting&limit=1")["items"] or self.gathering():
            time.sleep(0.02)

    def gathering(self) -> bool:
        """Whether a delivery still gathers events."""
        return bool(self.call("GET", "/deliveries?state=gathering&limit=1")["items"])

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the API."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def metrics(self) -> dict[str, float]:
        """The unlabelled values of /metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.side_port}/metrics", timeout=60) as answer:
            lines = [line.split(" ") for line in answer.read().decode().splitlines() if line[:1] != "#"]
        return {name: float(value) for name, value in lines if "{" not in name}


class Ceiling:
    """The same server and exchange with no store and no engine behind them."""

    name = "ceiling"
    delivered = Deskbell.delivered

    def __init__(self, folder: Path, port: int, side_port: int) -> None:
        self.folder, self.port, self.ready_s = folder, port, 0.0
        self.url = ""
        self.server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """It starts with its one webhook."""

    def create_webhook(self, url: str, **settings: Any) -> str:
        """Where everything goes."""
        environment = {**os.environ, "DESKBELL_ALLOW": "127.0.0.0/8:*"}
        command = [sys.executable, str(HERE / "ceiling.py"), str(self.port), url]
        self.server = subprocess.Popen(command, env=environment)
        publisher.wait_for_port(self.port)
        return url

    def stop(self) -> None:
        """At once."""
        for process in self.processes():
            process.terminate()
            process.wait(60)

    def processes(self) -> "list[subprocess.Popen[bytes]]":
        """The one."""
        return [self.server] if self.server else []

    def publishing(self, batch: int) -> publisher.Request:
        """As Deskbell's."""
        body = json.dumps(publisher.EVENT).encode()
        head = f"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        return publisher.Request(text=head + body.decode(), ids=r"evt_[0-9A-Z]{26}", good=202)

    def quiet(self) -> None:
        """Until it does nothing any more."""
        before = -1.0
        while (now := publisher.cpu_s(self.processes())) > before:
            before = now
            time.sleep(0.3)


PRODUCTS = {"deskbell": Deskbell, "ceiling": Ceiling}
