"""Publishes over keep-alive connections, in a process of its own: at a constant rate, or as fast as answers come.

Usage: python publisher.py PLAN FILE. PLAN is a file with the JSON of a `Plan`; FILE gets the JSON of a `Load`.
"""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import uvloop

EVENT = {"type": "custom.load", "data": {"text": "x" * 1_400}}
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LINES_MAX = 256


@dataclass(frozen=True, kw_only=True)
class Request:
    """How a product is published to: the request, and where its answer names the events."""

    text: str
    ids: str  # pattern
    good: int  # status


@dataclass(kw_only=True)
class Plan:
    """What to publish."""

    port: int
    request: Request
    seconds: float
    connections: int = 64
    per_second: int | None = None  # None: as fast as answers come


@dataclass(kw_only=True)
class Load:
    """What was published: for each request when it was due, when its answer came, its status, the event ids."""

    started: float = 0.0
    ended: float = 0.0
    requests: list[tuple[float, float, int, list[str]]] = field(default_factory=list)


class Line(asyncio.Protocol):
    """One keep-alive connection: a request at a time."""

    def __init__(self, answered: Callable[["Line", float, float, bytes], None]) -> None:
        self.answered = answered
        self.buffer = b""
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def send(self, request: bytes, due: float) -> None:
        """Send one request that was due at this time."""
        self.due = due
        self.transport.write(request)  # type: ignore[attr-defined]  # a stream's transport

    def data_received(self, data: bytes) -> None:
        """Take the answer."""
        self.buffer = self.buffer + data if self.buffer else data
        end = self.buffer.find(b"\r\n\r\n")
        found = LENGTH.search(self.buffer, 0, end + 2) if end >= 0 else None
        if found is None or len(self.buffer) < end + 4 + int(found[1]):
            return
        answer, self.buffer = self.buffer, b""
        self.answered(self, self.due, time.time(), answer)


class Publisher:
    """Carries out a plan; the answers are read when it is over."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.request = plan.request.text.encode()
        self.ids = re.compile(plan.request.ids.encode())
        self.raw: list[tuple[float, float, bytes]] = []
        self.free: deque[Line] = deque()
        self.late: deque[float] = deque()  # due, and no line was free
        self.open = 0
        self.over = asyncio.Event()

    async def run(self) -> Load:
        """Publish, wait for the last answer."""
        count = self.plan.connections if self.plan.per_second is None else LINES_MAX
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, line = await loop.create_connection(lambda: Line(self.answered), "127.0.0.1", self.plan.port)
            self.free.append(line)
        started = time.time()
        self.end = started + self.plan.seconds
        if self.plan.per_second is None:
            while self.free:
                self.start(time.time())
        else:
            await self.pace(started, self.plan.per_second)
        await self.over.wait()
        return Load(started=started, ended=time.time(), requests=[self.told(*one) for one in self.raw])

    async def pace(self, started: float, per_second: int) -> None:
        """A constant arrival rate: a slow answer delays no other request, and counts from when it was due."""
        total = int(per_second * self.plan.seconds)
        sent = 0
        while sent < total:
            ready = min(total, int((time.time() - started) * per_second) + 1)
            for n in range(sent, ready):
                self.start(started + n / per_second)
            sent = ready
            await asyncio.sleep(max(0.0, started + sent / per_second - time.time()))
        self.end = 0.0
        self.look()

    def start(self, due: float) -> None:
        """Send one request, or as soon as a line is free."""
        self.open += 1
        if self.free:
            self.free.popleft().send(self.request, due)
        else:
            self.late.append(due)

    def answered(self, line: Line, due: float, at: float, answer: bytes) -> None:
        """Keep the answer and go on."""
        self.raw.append((due, at, answer))
        self.open -= 1
        if self.late:
            line.send(self.request, self.late.popleft())
        elif self.plan.per_second is None and at < self.end:
            self.open += 1
            line.send(self.request, at)
        else:
            self.free.append(line)
            self.look()

    def look(self) -> None:
        """Whether that was all."""
        if not self.open and time.time() >= self.end:
            self.over.set()

    def told(self, due: float, at: float, answer: bytes) -> tuple[float, float, int, list[str]]:
        """One request as the file has it."""
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        good = status == self.plan.request.good
        return due, at, status, [one.decode() for one in self.ids.findall(body)] if good else []


def wait_for_port(port: int) -> None:
    """Until somebody listens."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)


def cpu_s(processes: "Sequence[subprocess.Popen[bytes]]") -> float:
    """Processor time of processes so far."""
    total = 0
    for process in processes:
        found = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        total += int(found[11]) + int(found[12])
    return total / os.sysconf("SC_CLK_TCK")


async def main(plan: Plan, file: str) -> None:
    """Publish and write down what came of it."""
    load = await Publisher(plan).run()
    with open(file, "w") as out:  # noqa: ASYNC230 - the measurement is over
        json.dump(asdict(load), out)


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_text())
    uvloop.run(main(Plan(**{**told, "request": Request(**told["request"])}), sys.argv[2]))
