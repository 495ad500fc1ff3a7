"""How many connections there may be, and how long one may take; on real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from deskbell.server import connections
from deskbell.server.connections import Turnstile
from deskbell.server.listener import make_server, open_socket
from server.small import Small, small_app

WAIT_S = 10
GET = b"GET /open HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n"
Connect = Callable[[], Coroutine[Any, Any, tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Strict(Turnstile):
    """Counts connections from this machine like any others'."""

    def enter(self, address: str) -> bool:
        return super().enter("203.0.113.1" if address == "127.0.0.1" else address)

    def leave(self, address: str) -> None:
        super().leave("203.0.113.1" if address == "127.0.0.1" else address)


@pytest.fixture
def turnstile() -> Turnstile:
    """Three connections, two from one address."""
    return Strict(total_max=3, per_address_max=2)


@pytest.fixture
async def port(small: Small, turnstile: Turnstile) -> AsyncIterator[int]:
    """The small app on a port of this machine."""
    opened = open_socket("127.0.0.1", 0)
    number = int(opened.getsockname()[1])
    app = small_app(small.desk, base_url=f"http://127.0.0.1:{number}")
    server = make_server(app, turnstile=turnstile, drain_s=1)
    serving = asyncio.create_task(server.serve(sockets=[opened]))
    yield number
    server.should_exit = True
    await serving


@pytest.fixture
async def connect(port: int) -> AsyncIterator[Connect]:
    """Opens connections, and closes what a test leaves."""
    writers = []

    async def opened() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        return reader, writer

    yield opened
    for writer in writers:
        writer.close()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Everything until the other side closes."""
    async with asyncio.timeout(WAIT_S):
        return await reader.read()


async def asked(connect: Connect, port: int) -> tuple[bytes, asyncio.StreamWriter]:
    """The status line of one request on a connection of its own, which stays open."""
    reader, writer = await connect()
    writer.write(GET % port)
    async with asyncio.timeout(WAIT_S):
        return await reader.readline(), writer


async def test_too_many_from_one_address(connect: Connect, port: int, turnstile: Turnstile) -> None:
    """The third is told when to come again; when one leaves there is room."""
    first, writer = await asked(connect, port)
    second, _ = await asked(connect, port)
    reader, late = await connect()
    late.write(GET % port)
    refused = await rest(reader)
    assert first == second == b"HTTP/1.1 200 OK\r\n"
    assert refused.startswith(b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\n")
    writer.close()
    async with asyncio.timeout(WAIT_S):
        while turnstile.inside > 1 or turnstile.outside:  # noqa: ASYNC110  a count has no event
            await asyncio.sleep(0.01)
    assert (await asked(connect, port))[0] == b"HTTP/1.1 200 OK\r\n"


def test_total_and_exemption() -> None:
    """Loopback is not counted by address, but in all; who leaves is forgotten."""
    turnstile = Turnstile(total_max=3, per_address_max=1)
    assert [turnstile.enter("127.0.0.1") for _ in range(2)] == [True, True]
    assert [turnstile.enter("203.0.113.1") for _ in range(2)] == [True, False]
    assert not turnstile.enter("127.0.0.1")
    turnstile.leave("203.0.113.1")
    assert turnstile.enter("203.0.113.1")
    assert not turnstile.is_crowded()


async def test_head_that_does_not_end(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time a head that drips is answered 408 and closed, whatever still comes."""
    monkeypatch.setattr(connections, "HEAD_S", 0.2)
    reader, writer = await connect()
    writer.write(b"GET /open HTTP/1.1\r\n")
    answer = asyncio.create_task(rest(reader))
    while not answer.done():
        writer.write(b"X: y\r\n")
        await asyncio.wait([answer], timeout=0.02)
    assert (await answer).startswith(b"HTTP/1.1 408 ")


async def test_second_head_that_does_not_end(connect: Connect, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds for each request of a connection."""
    monkeypatch.setattr(connections, "HEAD_S", 0.2)
    reader, writer = await connect()
    writer.write(GET % port)
    async with asyncio.timeout(WAIT_S):
        await reader.readuntil(b"\r\n\r\n")
    writer.write(b"GET /open HTTP/1.1\r\n")
    assert b"HTTP/1.1 408 " in await rest(reader)


async def test_silent_connection(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who says nothing is let go without a word."""
    monkeypatch.setattr(connections, "SILENT_S", 0.1)
    reader, _ = await connect()
    assert await rest(reader) == b""


async def test_endless_head(connect: Connect) -> None:
    """A head that grows is cut off long before its time is over."""
    reader, writer = await connect()
    writer.write(b"GET /open HTTP/1.1\r\n" + b"X: yyyyyyyyyyyyyy\r\n" * 2_000)
    assert (await rest(reader)).startswith(b"HTTP/1.1 431 ")


async def test_body_after_the_answer(connect: Connect, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that has its answer cannot hold the connection with a body that never ends."""
    monkeypatch.setattr(connections, "LINGER_S", 0.2)
    reader, writer = await connect()
    writer.write(b"GET /open HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 1000000\r\n\r\n" % port)
    answer = asyncio.create_task(rest(reader))
    while not answer.done():
        writer.write(b"x")
        await asyncio.wait([answer], timeout=0.02)
    assert (await answer).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_trailers_are_not_kept(connect: Connect, port: int) -> None:
    """Headers behind a body are no headers of the request."""
    reader, writer = await connect()
    head = (
        b"POST /open HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" % port
    )
    writer.write(head + b"0\r\nAuthorization: Bearer stolen\r\n\r\n")
    assert (await rest(reader)).startswith(b"HTTP/1.1 405 ")
