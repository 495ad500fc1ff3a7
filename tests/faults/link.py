"""A link to a receiver that can be slowed, cut, or left hanging, whatever is on its way."""

import asyncio
import socket
import struct
from contextlib import suppress

CHUNK = 65_536
RESET = struct.pack("ii", 1, 0)  # linger for no time: closing sends RST
MODES = ("ok", "latency", "bandwidth", "slicer", "down", "reset", "half_open")


class Link:
    """Listens on loopback and passes on to a receiver as its mode says."""

    def __init__(self, target: int, *, latency_s: float = 0.05) -> None:
        self._target = target
        self._latency_s = latency_s
        self._listener: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.mode = "ok"
        self.port = 0
        self.open = 0
        self.open_max = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "Link":
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.turn("down")

    async def turn(self, mode: str) -> None:
        """From now on; connections that are open break, so that the next attempt meets the new mode."""
        assert mode in MODES
        self.mode = mode
        if mode == "down" and self._listener is not None:
            self._listener.close()
            self._listener = None
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if mode != "down" and self._listener is None:
            await self._listen()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.open_max = max(self.open_max, self.open)
        try:
            with suppress(OSError):
                await self._pass(reader, writer)
        finally:
            self.open -= 1
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "reset":
            await reader.read(CHUNK)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            return
        if self.mode == "half_open":
            while await reader.read(CHUNK):
                pass
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        finally:
            back.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """One direction: 50 ms late, 20 KB a second, or byte by byte."""
        while data := await source.read(CHUNK):
            if self.mode == "latency":
                await asyncio.sleep(self._latency_s)
            step = {"bandwidth": 200, "slicer": 1}.get(self.mode, len(data))
            for start in range(0, len(data), step):
                target.write(data[start : start + step])
                await target.drain()
                if step < len(data):
                    await asyncio.sleep(0.01 if self.mode == "bandwidth" else 0)
        target.transport.abort()
