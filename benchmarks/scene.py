"""A scene: a product, a receiver and publishers side by side, each a process of its own."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import publisher
from products import HERE, Product

Arrival = tuple[str, str, float, str, list[str]]
"""Path, webhook-id, arrival, body hash, event ids."""


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Scene:
    """Starts the receiver and the product; what arrived is known when the scene has ended."""

    def __init__(self, product: Product, receiver_port: int | None = None) -> None:
        """A product that was in a scene before finds its receiver at the port of that time."""
        self.product = product
        self.receiver_port = receiver_port or free_port()
        self.seen_file = product.folder / "seen.json"
        self.expected: dict[str, str] = {}  # path of each webhook: its id

    def __enter__(self) -> "Scene":
        self.seen_file.parent.mkdir(parents=True, exist_ok=True)
        arguments = [str(self.receiver_port), str(self.seen_file), self.product.delivered]
        self.receiver = subprocess.Popen([sys.executable, str(HERE / "receiver.py"), *arguments])
        publisher.wait_for_port(self.receiver_port)
        try:
            self.product.start()
        except BaseException:
            self.receiver.kill()
            self.product.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.product.stop()
        self.receiver.send_signal(signal.SIGTERM)
        self.receiver.wait(60)

    def webhooks(self, count: int, how: str = "ok", **settings: Any) -> None:
        """So many more webhooks whose receivers answer in this way."""
        for _ in range(count):
            path = f"/{how}/{len(self.expected)}"
            self.expected[path] = self.product.create_webhook(
                f"http://127.0.0.1:{self.receiver_port}{path}", **settings
            )

    def publish(self, *, batch: int = 1, **plan: Any) -> publisher.Load:
        """Carry out a plan in a process of its own."""
        file, told = self.product.folder / "load.json", self.product.folder / "plan.json"
        made = publisher.Plan(port=self.product.port, request=self.product.publishing(batch), **plan)
        told.write_text(json.dumps(asdict(made)))
        subprocess.run([sys.executable, str(HERE / "publisher.py"), str(told), str(file)], check=True)
        return publisher.Load(**json.loads(file.read_text()))

    def cpu_s(self) -> float:
        """Processor time of the product so far."""
        return publisher.cpu_s(self.product.processes())

    def memory_mb(self, *, peak: bool = False) -> int:
        """The memory of the product's largest process, now or at its most."""
        return memory_mb(self.product.processes(), peak=peak)

    def arrivals(self) -> list[Arrival]:
        """What the receiver saw, once the scene has ended."""
        return [(path, one, at, digest, ids) for path, one, at, digest, ids in json.loads(self.seen_file.read_text())]


def memory_mb(processes: "Sequence[subprocess.Popen[bytes]]", *, peak: bool = False) -> int:
    """The memory of the largest of these processes."""
    field = "VmHWM:" if peak else "VmRSS:"
    texts = [Path(f"/proc/{one.pid}/status").read_text() for one in processes]
    return max(int(text.split(field)[1].split()[0]) // 1024 for text in texts)
