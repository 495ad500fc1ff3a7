"""Hostile receivers as a process of their own: one port per way of being hostile, told as JSON on the first line."""

import asyncio
import json
import ssl
import struct
import sys
import zlib
from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import cache
from itertools import count
from typing import Any

Lines = asyncio.StreamWriter
_OK = b"HTTP/1.1 200 OK\r\n"
_PIECE = b"a" * 65_536
_NEVER = 3_600


def forever(piece: bytes) -> Iterator[bytes]:
    """The same piece without end."""
    while True:
        yield piece


def numbered() -> Iterator[bytes]:
    """Header lines without end, none twice."""
    return (b"X-%d: %s\r\n" % (number, b"y" * 40) for number in count())


@cache
def bomb(level: int) -> bytes:
    """64 MiB of zeros, packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, level)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()


WRITES: dict[str, Callable[[], Iterator[bytes]]] = {
    "endless_body": lambda: iter_of(_OK + b"\r\n", forever(_PIECE)),
    "endless_length_body": lambda: iter_of(_OK + b"Content-Length: 99999999999\r\n\r\n", forever(_PIECE)),
    "endless_chunks": lambda: iter_of(_chunked(), forever(b"10000\r\n" + _PIECE + b"\r\n")),
    "one_endless_chunk": lambda: iter_of(_chunked() + b"FFFFFFFFFFF\r\n", forever(_PIECE)),
    "endless_chunk_extension": lambda: iter_of(_chunked() + b"1;", forever(_PIECE)),
    "endless_tiny_chunks": lambda: iter_of(_chunked(), forever(b"1\r\na\r\n" * 1000)),
    "endless_trailers": lambda: iter_of(_chunked() + b"0\r\n", numbered()),
    "endless_headers": lambda: iter_of(_OK, numbered()),
    "endless_header_line": lambda: iter_of(_OK + b"X: ", forever(_PIECE)),
    "endless_header_name": lambda: iter_of(_OK, forever(_PIECE)),
    "endless_folded_header": lambda: iter_of(_OK + b"X: a\r\n", forever(b" b\r\n" * 1000)),
    "endless_status_line": lambda: iter_of(_OK[:-2], forever(_PIECE)),
    "endless_interim": lambda: forever(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 100),
    "endless_line_ends": lambda: forever(b"\r\n" * 1000),
    "gzip_bomb": lambda: iter_of(_coded(b"gzip", bomb(31))),
    "deflate_bomb": lambda: iter_of(_coded(b"deflate", bomb(15))),
    "transfer_coded_bomb": lambda: iter_of(_OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + bomb(31)),
}
"""Written as fast as the dialler takes it."""

STALLS: dict[str, bytes] = {
    "hang_after_request": b"",
    "hang_in_status_line": b"HTTP/1.1 2",
    "hang_in_headers": _OK + b"X: y\r\nZ",
    "hang_before_body": _OK + b"Content-Length: 5\r\n\r\n",
    "hang_in_body": _OK + b"Content-Length: 5\r\n\r\nhe",
    "hang_in_chunk": _OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
    "hang_after_interim": b"HTTP/1.1 100 Continue\r\n\r\n",
}
DRIPS: dict[str, tuple[bytes, bytes]] = {
    "drip_head": (b"", _OK + b"X: y\r\n" * 5_000),
    "drip_body": (_OK + b"Content-Length: 100000\r\n\r\n", b"a" * 100_000),
    "drip_interim": (b"", b"HTTP/1.1 102 Wait\r\n\r\n" * 1_000),
}
"""What comes at once, and what comes byte by byte."""

OTHERS = ("hang_before_reading", "reset_after_request", "reset_in_body", "close_at_once", "tls_hang", "tls_half_hello")


def _chunked() -> bytes:
    return _OK + b"Transfer-Encoding: chunked\r\n\r\n"


def _coded(name: bytes, body: bytes) -> bytes:
    return _OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (name, len(body)) + body


def iter_of(first: bytes, rest: Iterable[bytes] = ()) -> Iterator[bytes]:
    """A first piece, then the rest."""
    yield first
    yield from rest


async def serve(name: str, reader: asyncio.StreamReader, writer: Lines) -> None:
    """Be hostile in this way until the dialler has had enough."""
    if name in ("hang_before_reading", "tls_hang"):
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of a socket has it
        await asyncio.sleep(_NEVER)
    if name == "close_at_once":
        return
    if name == "tls_half_hello":
        writer.write(bytes.fromhex("160303007a0200007603030000"))
        await asyncio.sleep(_NEVER)
    await reader.readuntil(b"\r\n\r\n")
    if name in WRITES:
        for piece in WRITES[name]():
            writer.write(piece)
            await writer.drain()
    at_once, dripped = DRIPS.get(name, (b"", b""))
    writer.write(at_once)
    for byte in dripped:
        writer.write(bytes((byte,)))
        await writer.drain()
        await asyncio.sleep(0.05)
    writer.write(STALLS.get(name, b""))
    if name == "reset_in_body":
        writer.write(STALLS["hang_in_body"])
        await writer.drain()
    if name.startswith("reset"):
        line = writer.get_extra_info("socket")
        line.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SOL_SOCKET, SO_LINGER: RST
        writer.transport.abort()
        return
    await reader.read()  # until the dialler closes


async def main() -> None:
    """Listen, tell the ports, stay until standard input ends."""
    ports, tasks = {}, set()

    def handler(name: str) -> Callable[[asyncio.StreamReader, Lines], Coroutine[Any, Any, None]]:
        async def handle(reader: asyncio.StreamReader, writer: Lines) -> None:
            tasks.add(asyncio.current_task())
            try:
                await serve(name, reader, writer)
            except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ssl.SSLError):
                pass
            finally:
                tasks.discard(asyncio.current_task())
                writer.close()

        return handle

    for level in (15, 31):
        bomb(level)
    for name in (*WRITES, *STALLS, *DRIPS, *OTHERS):
        server = await asyncio.start_server(handler(name), "127.0.0.1", 0, backlog=1024, limit=1 << 16)
        ports[name] = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
