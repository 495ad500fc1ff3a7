"""Scripted receivers on loopback, names by a table, and one exchange as a coroutine."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from deskbell.model.exchange import Reply, Sendable, SendPolicy
from deskbell.model.ids import SiteId
from deskbell.outbound import GuardedSender, ResolveFault

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HOST = "h.example.com"


class FakeResolver:
    """Names to addresses by a table; counts what it was asked."""

    def __init__(self, answers: dict[str, Sequence[str] | ResolveFault]) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.gate: asyncio.Event | None = None

    async def resolve(self, host: str, timeout_s: float) -> tuple[str, ...]:
        """The table's answer."""
        self.asked.append(host)
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answers.get(host, ResolveFault("dns_nxdomain"))
        if isinstance(answer, ResolveFault):
            raise answer
        return tuple(answer)


class Receiver:
    """A raw TCP or TLS server that does to each connection what its handler says."""

    def __init__(self, handler: Handler, context: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._context = context
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.port = 0

    async def open(self) -> "Receiver":
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._run, "127.0.0.1", self.port, ssl=self._context, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def close(self) -> None:
        """Stop listening, and end what hangs."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        await asyncio.sleep(0)  # what was accepted last has its task now
        await self.end_connections()

    async def end_connections(self) -> None:
        """End what hangs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of one request."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return head, await reader.readexactly(length)


def answering(raw: bytes, *, close: bool = False) -> Handler:
    """A handler that reads requests and answers each with these bytes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(raw)
            await writer.drain()
            if close:
                writer.close()
                return

    return handle


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def sendable(
    url: str, body: bytes = b"[]", headers: tuple[tuple[str, str], ...] = (), method: str = "POST"
) -> Sendable:
    """A small request."""
    own = (("content-type", "application/json"), ("content-length", str(len(body))), *headers)
    return Sendable(site=SiteId("dd"), url=url, headers=own, body=body, method=method)


async def send(
    sender: GuardedSender, url: str, body: bytes = b"[]", *, total_s: float = 5.0, cap: int = 65_536, **more: Any
) -> Reply:
    """Send and wait for the reply; a second call of `done` fails the test."""
    got: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    policy = SendPolicy(total_s=total_s, response_bytes_max=cap)
    sender.submit(sendable(url, body, **more), policy, got.set_result)
    assert not got.done(), "answered inside submit"
    return await asyncio.wait_for(got, 20)


async def until(condition: Callable[[], bool], limit_s: float = 10.0) -> None:
    """Wait for a condition."""
    for _ in range(int(limit_s / 0.005)):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("the condition did not come about in time")
