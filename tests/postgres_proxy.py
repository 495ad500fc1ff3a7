"""A proxy before PostgreSQL's Unix socket, that can lose a connection at the worst moment."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SOCKET = ".s.PGSQL.5432"
COMMIT = b"COMMIT"


class PostgresProxy:
    """Passes bytes on, until it is told what to do at the next COMMIT: `lose` it, or lose its `answer`.

    `frozen` passes nothing on and closes nothing: a network that swallows. `delay_s`: so long every answer of the
    server is on its way. `refusing` closes what comes.
    """

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder = folder
        self._server = server / SOCKET
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.at_commit = ""
        self.frozen = False
        self.refusing = False
        self.delay_s = 0.0
        self.lost = 0

    async def __aenter__(self) -> "PostgresProxy":
        self._listener = await asyncio.start_unix_server(self._accept, self.folder / SOCKET)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener is not None
        self._listener.close()
        self.cut()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Lose every connection."""
        for writer in tuple(self._writers):
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_unix_connection(self._server)
        self._writers |= {writer, there_writer}
        link = _Link(writer, there_writer, server=there_reader)
        for source, target, seen in (
            (reader, there_writer, lambda data: self._from_client(data, link)),
            (there_reader, writer, lambda data: self._from_server(data, link)),
        ):
            task = asyncio.create_task(self._pass(source, target, seen, link))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        is_passed: Callable[[bytes], bool],
        link: "_Link",
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                if self.frozen:
                    link.is_frozen = True
                if self.delay_s and source is link.server:
                    await asyncio.sleep(self.delay_s)
                if not link.is_frozen and is_passed(data):
                    target.write(data)
            if not link.is_frozen:
                link.abort()

    def _from_client(self, data: bytes, link: "_Link") -> bool:
        if COMMIT not in data or not self.at_commit:
            return True
        if self.at_commit == "answer":
            link.is_deaf = True
            self.at_commit = ""
            return True
        self.at_commit = ""
        self._lose(link)
        return False

    def _from_server(self, data: bytes, link: "_Link") -> bool:
        if link.is_deaf:
            self._lose(link)
            return False
        return True

    def _lose(self, link: "_Link") -> None:
        self.lost += 1
        link.abort()


class _Link:
    """Both ends of one connection."""

    def __init__(self, *ends: asyncio.StreamWriter, server: asyncio.StreamReader) -> None:
        self._ends = ends
        self.server = server
        self.is_deaf = False
        self.is_frozen = False

    def abort(self) -> None:
        """Lose it."""
        for end in self._ends:
            end.transport.abort()
