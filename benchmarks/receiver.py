"""A receiver faster than anything measured: keeps what came, writes it to a file at SIGTERM.

How it answers stands in the path: `/ok/…` 200 at once, `/ms100/…` 200 after 100 ms, `/ms5000/…`, `/500/…`, `/429/…`,
`/hang/…` never, `/reset/…` a reset. Usage: python receiver.py PORT FILE PATTERN; the pattern finds event ids in a
body. The file is a JSON list of [path, webhook-id, arrival, body hash, event ids].
"""

import asyncio
import hashlib
import json
import re
import signal
import sys
import time

import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
WEBHOOK_ID = re.compile(rb"\r\nwebhook-id: *([^\r]+)", re.IGNORECASE)
Seen = list[tuple[bytes, float, bytes]]
"""Head, arrival and body of each request: read when the measurement is over."""


class Connection(asyncio.Protocol):
    """One connection; requests come one after the other, each with a content-length."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every complete request."""
        self.buffer = self.buffer + data if self.buffer else data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            found = LENGTH.search(head)
            whole = end + 4 + (int(found[1]) if found else 0)
            if len(self.buffer) < whole:
                return
            self.seen.append((head, time.time(), self.buffer[end + 4 : whole]))
            self.answer(head.split(b"/", 2)[1])
            self.buffer = self.buffer[whole:]

    def answer(self, how: bytes) -> None:
        """As the path says."""
        write = self.transport.write  # type: ignore[attr-defined]  # a stream's transport
        if how == b"ok":
            write(ANSWER)
        elif how.startswith(b"ms"):
            asyncio.get_running_loop().call_later(int(how[2:]) / 1000, write, ANSWER)
        elif how == b"reset":
            self.transport.abort()  # type: ignore[attr-defined]
        elif how != b"hang":
            write(b"HTTP/1.1 %b No\r\ncontent-length: 0\r\n\r\n" % how)


def told(ids: re.Pattern[bytes], head: bytes, at: float, body: bytes) -> tuple[str, str, float, str, list[str]]:
    """One request as the file has it."""
    found = WEBHOOK_ID.search(head)
    return (
        head.split(b" ", 2)[1].decode(),
        found[1].decode() if found else "",
        at,
        hashlib.sha256(body).hexdigest()[:16],
        [one.decode() for one in ids.findall(body)],
    )


async def main(port: int, file: str, ids: re.Pattern[bytes]) -> None:
    """Serve until SIGTERM."""
    seen: Seen = []
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(lambda: Connection(seen), "127.0.0.1", port)
    await stop.wait()
    server.close()
    with open(file, "w") as out:  # noqa: ASYNC230 - the measurement is over
        json.dump([told(ids, *one) for one in seen], out)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], re.compile(sys.argv[3].encode())))
