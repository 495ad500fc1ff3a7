"""A relay before PostgreSQL whose connections break when a test says so, whatever is on its way."""

import asyncio
from contextlib import suppress
from pathlib import Path

NAME = ".s.PGSQL.5432"


class Relay:
    """Listens on a Unix socket in a folder of its own and passes everything on."""

    def __init__(self, folder: Path, server: Path) -> None:
        self.folder = folder
        self._server = server / NAME
        self._lines: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.Server | None = None
        self.broken = 0  # connections

    async def __aenter__(self) -> "Relay":
        self._listener = await asyncio.start_unix_server(self._serve, str(self.folder / NAME))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener is not None
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection now; what was sent and not passed on is lost."""
        lines, self._lines = self._lines, set()
        self.broken += len(lines) // 2
        for line in lines:
            line.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(str(self._server))
        self._lines |= {writer, back}
        with suppress(OSError):
            await asyncio.gather(_pass(reader, back), _pass(there, writer))
        self._lines -= {writer, back}
        for line in (writer, back):
            line.transport.abort()


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        target.write(data)
        await target.drain()
    target.transport.abort()
