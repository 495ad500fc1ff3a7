"""Receivers of a soak: each path has a character; what came is kept in little room, and held against what was told."""

import asyncio
import hashlib
import json
import random
from collections import Counter
from dataclasses import dataclass, field

from receiver import read_request

SLOW_S = 0.3
FLAWS = 0.2


@dataclass(kw_only=True)
class Seen:
    """What came to one path."""

    bodies: dict[str, bytes] = field(default_factory=dict)  # webhook-id: short hash
    events: dict[int, str] = field(default_factory=dict)  # number of the event: webhook-id
    altered: int = 0
    twice: int = 0  # an event in two deliveries
    taken: set[str] = field(default_factory=set)  # webhook-ids that were answered 2xx
    duplicates: int = 0
    newest: dict[str, int] = field(default_factory=dict)  # subject: number of its newest event
    disordered: int = 0
    requests: int = 0


class Receivers:
    """One listener for all paths: /ok, /flaky, /slow, /hang, /gone, /throttled …"""

    def __init__(self, seed: int) -> None:
        self.seen: dict[str, Seen] = {}
        self.healed = asyncio.Event()
        self.port = 0
        self._chance = random.Random(seed)
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "Receivers":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    def url(self, name: str) -> str:
        """Where this character listens."""
        return f"http://127.0.0.1:{self.port}/{name}"

    @property
    def statuses(self) -> Counter[str]:
        """Requests by path."""
        return Counter({name: one.requests for name, one in self.seen.items()})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while line := await reader.readline():
                request = await read_request(line, reader)
                name = request.target.strip("/")
                status, more = await self._answer(name)
                self._note(self.seen.setdefault(name, Seen()), request.header("webhook-id"), request.body, status)
                writer.write(f"HTTP/1.1 {status} X\r\n{more}content-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _answer(self, name: str) -> tuple[int, str]:
        """Status, and one header more; everybody is well once healed."""
        if self.healed.is_set():
            return 200, ""
        if name == "hang":
            await self.healed.wait()
        if name == "slow":
            await asyncio.sleep(SLOW_S)
        if name == "gone":
            return 410, ""
        if name in ("flaky", "throttled") and self._chance.random() < FLAWS:
            return (503, "retry-after: 1\r\n") if name == "throttled" else (500, "")
        return 200, ""

    def _note(self, seen: Seen, webhook_id: str, body: bytes, status: int) -> None:
        seen.requests += 1
        digest = hashlib.sha256(body).digest()[:12]
        seen.altered += seen.bodies.setdefault(webhook_id, digest) != digest
        seen.duplicates += webhook_id in seen.taken
        for event in json.loads(body):
            number = event.get("data", {}).get("n")
            if number is not None:
                self._note_event(seen, webhook_id, number, event["data"].get("subject"))
        if status < 300:
            seen.taken.add(webhook_id)

    def _note_event(self, seen: Seen, webhook_id: str, number: int, subject: str | None) -> None:
        is_new = number not in seen.events
        seen.twice += seen.events.setdefault(number, webhook_id) != webhook_id
        if is_new and subject is not None:
            seen.disordered += number < seen.newest.get(subject, -1)
            seen.newest[subject] = max(number, seen.newest.get(subject, -1))
