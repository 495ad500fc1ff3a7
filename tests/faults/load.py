"""Publishers that go on through every fault and log what they were told."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

ANSWER_S = 40.0
BUSY_S = 0.01


class Door(Protocol):
    """Where to publish: it may be another process a moment later."""

    port: int
    key: str


@dataclass(kw_only=True)
class Told:
    """One event that somebody wanted to publish: what is known of it."""

    own: str  # the publisher's own id, which the payload holds
    n: int
    type: str
    subject: str | None = None
    verdict: str = "invoked"  # then ok, failed: nothing was stored; unknown: no answer came
    status: int = 0
    event_id: str = ""  # when ok


class Line:
    """One connection to the API, kept open while it can be."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        """Connect when it is not; raises OSError."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._door.port)

    def close(self) -> None:
        """Whatever was on its way is given up."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def post(self, path: str, body: object) -> tuple[int, bytes]:
        """Status and body of the answer; raises OSError or IncompleteReadError when none comes."""
        assert self._streams is not None
        reader, writer = self._streams
        data = json.dumps(body).encode()
        writer.write(
            f"POST /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1:{self._door.port}\r\n"
            f"Authorization: Bearer {self._door.key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        async with asyncio.timeout(ANSWER_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = next(int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:"))
            answer = await reader.readexactly(length)
        if "connection: close" in head:
            self.close()
        return int(head.split(" ", 2)[1]), answer


class Publisher:
    """Publishes as fast as answers come, on several lines at once, each event once."""

    def __init__(self, door: Door, *, event_type: str = "custom.load", pause_s: float = 0.0) -> None:
        self._door = door
        self._type = event_type
        self._pause_s = pause_s
        self.log: dict[str, Told] = {}
        self.statuses: Counter[int] = Counter()

    def count(self, verdict: str) -> int:
        """How many events are known to be so."""
        return sum(one.verdict == verdict for one in self.log.values())

    async def run(self, stop: asyncio.Event, *, subject: str | None = None) -> None:
        """One line, until told to stop; the events of a subject follow one another."""
        line = Line(self._door)
        while not stop.is_set():
            with suppress(OSError):
                await line.open()
                await self.publish(line, subject)
                await asyncio.sleep(self._pause_s)
                continue
            await asyncio.sleep(BUSY_S)
        line.close()

    async def publish(self, line: Line, subject: str | None = None) -> Told:
        """One event on an open line."""
        n = len(self.log)
        told = self.log[f"own-{n}"] = Told(own=f"own-{n}", n=n, type=self._type, subject=subject)
        body = {"type": told.type, "data": {"own": told.own}, "id": told.own}
        if subject is not None:
            body["subject"] = {"type": "ticket", "id": subject, "title": subject}
        try:
            told.status, answer = await line.post("/events", body)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            told.verdict = "unknown"
            line.close()
            return told
        self.statuses[told.status] += 1
        told.verdict = "ok" if told.status == 202 else "failed"
        if told.verdict == "ok":
            told.event_id = json.loads(answer)["id"]
        else:
            await asyncio.sleep(BUSY_S)
        return told


@asynccontextmanager
async def load(publisher: Publisher, *, lines: int = 4, subjects: int = 0) -> AsyncIterator[Publisher]:
    """The publisher at work until the block ends: so many lines, and one for each subject."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(publisher.run(stop)) for _ in range(lines)]
    tasks += [asyncio.create_task(publisher.run(stop, subject=f"s{n}")) for n in range(subjects)]
    try:
        yield publisher
    finally:
        stop.set()
        await asyncio.gather(*tasks)
