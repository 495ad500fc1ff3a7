"""A receiver faster than anything measured: answers 200, keeps webhook-id and arrival time, writes them at SIGTERM."""

import asyncio
import json
import signal
import sys
import time

import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
seen: list[tuple[str, float]] = []


class Connection(asyncio.Protocol):
    """One connection; requests come one after the other, each with a content-length."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer every complete request."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            if len(self.buffer) < end + 4 + length:
                return
            marker = self.buffer[:end].find(b"webhook-id: ") + 12
            seen.append((self.buffer[marker : marker + 30].decode(), time.time()))
            self.buffer = self.buffer[end + 4 + length :]
            self.transport.write(ANSWER)  # type: ignore[attr-defined]  # a stream's transport


async def main(port: int, file: str) -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(Connection, "127.0.0.1", port)
    await stop.wait()
    server.close()
    with open(file, "w") as out:  # noqa: ASYNC230 - the measurement is over
        json.dump(seen, out)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
