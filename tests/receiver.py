"""A receiver of our own: records every request, raw, and answers as told. Not part of the product."""

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Answer = tuple[int, dict[str, str]]
WAIT_S = 10.0


@dataclass
class Received:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]]  # names in lower case
    body: bytes
    at: float = field(default_factory=time.monotonic)  # when it was complete
    status: int = 0  # of the answer; 0: none was written

    def header(self, name: str) -> str:
        """The one header of this name."""
        found = [value for key, value in self.headers if key == name]
        assert len(found) == 1, (name, self.headers)
        return found[0]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The payload's list."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """Listens on loopback; `answers` are used up in order, then 200."""

    answers: list[Answer] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    port: int = 0
    tls: ssl.SSLContext | None = None
    _server: asyncio.Server | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> "Receiver":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def wait(self, count: int, where: Callable[[Received], bool] = lambda _: True) -> list[Received]:
        """The first `count` requests that satisfy `where`, as soon as they are there."""

        async def enough() -> list[Received]:
            while len(found := [one for one in self.received if where(one)]) < count:
                self._news.clear()
                await self._news.wait()
            return found[:count]

        try:
            return await asyncio.wait_for(enough(), WAIT_S)
        except TimeoutError:
            raise AssertionError(f"wanted {count} requests, got {self.received}") from None

    def answer_to(self, request: Received) -> tuple[int, bytes]:
        """Status and body for a request for which no answer was given."""
        return 200, b""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                request = await read_request(line, reader)
                (status, headers), body = (self.answers.pop(0), b"") if self.answers else ((0, {}), b"")
                if not status:
                    status, body = self.answer_to(request)
                self.received.append(request)
                lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
                writer.write(f"HTTP/1.1 {status} X\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
                request.status = status
                self._news.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def read_request(line: bytes, reader: asyncio.StreamReader) -> Received:
    """One request off the wire."""
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers = []
    while (text := (await reader.readline()).decode("latin-1").strip()) != "":
        name, _, value = text.partition(":")
        headers.append((name.lower(), value.strip()))
    length = next((int(value) for name, value in headers if name == "content-length"), 0)
    return Received(method=method, target=target, headers=headers, body=await reader.readexactly(length))
