"""Publishes over keep-alive connections: at a constant rate, or as fast as answers come."""

import asyncio
import json
import time
from dataclasses import dataclass, field

BODY = {"type": "custom.load", "data": {"text": "x" * 1_400}}


@dataclass
class Load:
    """What was published: answer latencies in ms, and when each event was sent."""

    latencies_ms: list[float] = field(default_factory=list)
    sent_at: dict[str, float] = field(default_factory=dict)  # by event id
    refused: int = 0
    started: float = 0.0
    ended: float = 0.0


class Connection:
    """One keep-alive connection to the API."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._head = (
            f"POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\n"
        )

    async def open(self) -> "Connection":
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def publish(self, body: bytes, load: Load) -> None:
        """One request; its latency and ids are kept."""
        started = time.time()
        self._writer.write(f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        answer = json.loads(await self._reader.readexactly(length))
        load.latencies_ms.append((time.time() - started) * 1000)
        if b" 202 " not in head.split(b"\r\n", 1)[0]:
            load.refused += 1
            return
        for event_id in answer.get("ids") or [answer["id"]]:
            load.sent_at[event_id] = started

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def as_fast_as_possible(port: int, key: str, *, connections: int, seconds: float, batch: int = 1) -> Load:
    """Every connection publishes again as soon as it has its answer."""
    body = json.dumps(BODY if batch == 1 else [BODY] * batch).encode()
    load = Load(started=time.time())
    lines = [await Connection(port, key).open() for _ in range(connections)]

    async def run(line: Connection) -> None:
        while time.time() < load.started + seconds:
            await line.publish(body, load)
        line.close()

    await asyncio.gather(*(run(line) for line in lines))
    load.ended = time.time()
    return load


async def at_rate(port: int, key: str, *, per_second: int, seconds: float) -> Load:
    """A constant arrival rate: a slow answer does not slow the next request down."""
    body = json.dumps(BODY).encode()
    load = Load(started=time.time())
    free = [await Connection(port, key).open() for _ in range(64)]
    running: set[asyncio.Task[None]] = set()

    async def one(line: Connection) -> None:
        await line.publish(body, load)
        free.append(line)

    for n in range(int(per_second * seconds)):
        await asyncio.sleep(max(0.0, load.started + n / per_second - time.time()))
        line = free.pop() if free else await Connection(port, key).open()
        task = asyncio.create_task(one(line))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    for line in free:
        line.close()
    load.ended = time.time()
    return load
