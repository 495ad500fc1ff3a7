"""The real listener: what its parser refuses before anything of ours is asked."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deskbell.server.connections import Turnstile
from deskbell.server.listener import make_server, open_socket
from server.small import Small, small_app

WAIT_S = 10


@pytest.fixture
async def port(small: Small) -> AsyncIterator[int]:
    """The small app on a port of this machine."""
    opened = open_socket("127.0.0.1", 0)
    number = int(opened.getsockname()[1])
    server = make_server(
        small_app(small.desk, base_url=f"http://127.0.0.1:{number}"),
        turnstile=Turnstile(total_max=50, per_address_max=50),
        drain_s=1,
    )
    serving = asyncio.create_task(server.serve(sockets=[opened]))
    yield number
    server.should_exit = True
    await serving


async def raw(port: int, request: bytes) -> bytes:
    """Bytes out, all bytes back."""
    async with asyncio.timeout(WAIT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.replace(b"HOST", f"127.0.0.1:{port}".encode()))
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /open HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 200),
        (b"GET /open HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (b"GET /open HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\nConnection: close\r\n\r\n", 400),
        (b"GET /open HTTP/1.1\r\nHost: HOST\r\nX: a\x01b\r\nConnection: close\r\n\r\n", 400),
        (b"GET /open HTTP/1.1\r\nHost: HOST\r\nX: a\x00b\r\nConnection: close\r\n\r\n", 400),
        (b"GET /open HTTP/1.1\r\nHost: HOST\r\nX : a\r\nConnection: close\r\n\r\n", 400),
        (b"GET /op\x01en HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 400),
        (b"POST /open HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
        (b"POST /open HTTP/1.1\r\nHost: HOST\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /open HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"CONNECT evil.example:80 HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 400),
        (b"GET http://evil.example/open HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400),
        (b"TRACE /open HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n", 405),
        (b"nonsense\r\n\r\n", 400),
    ],
)
async def test_malformed_requests(port: int, request_bytes: bytes, status: int) -> None:
    """400 for whatever can be read in two ways; and nothing names the server."""
    answer = await raw(port, request_bytes)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert b"\r\nserver:" not in answer.lower()
