"""The writing session of this process: opened when needed, and anew when it was lost.

Before a new session writes, the server process of the lost one is ended: nothing of it can still be committed then.
"""

from contextlib import suppress

import asyncpg

from deskbell.storage.postgres.connection import hang_up, open_writer
from deskbell.storage.postgres.partitions import Purged
from deskbell.storage.postgres.session import LOCK_CLASS, Session


class Sessions:
    """At most one session at a time."""

    def __init__(self, url: str, purged: Purged) -> None:
        self._url = url
        self._purged = purged
        self._present: Session | None = None
        self._writers: list[int] = []

    @property
    def writers(self) -> tuple[int, ...]:
        """Every writer that this process was or is."""
        return tuple(self._writers)

    async def present(self) -> Session:
        """The session, opened when there is none."""
        if self._present is not None and self._present.connection.is_closed():
            await self.lose()
        if self._present is None:
            self._present = await self._open()
        return self._present

    async def lose(self) -> None:
        """Let go of a session that cannot go on."""
        session, self._present = self._present, None
        if session is not None:
            session.connection.terminate()

    async def was_committed(self, batch: int) -> bool:
        """Whether the lost session's transaction of this number was committed."""
        session = await self.present()
        return int(await session.value("writer_batch", {"writer": session.earlier[-1]})) >= batch

    async def close(self) -> None:
        """Hang up in order."""
        session, self._present = self._present, None
        if session is not None:
            await hang_up(session.connection)

    async def _open(self) -> Session:
        connection = await open_writer(self._url)
        try:
            session = Session(connection, earlier=self._writers, purged=self._purged)
            if self._writers:
                await self._end(session, self._writers[-1])
            await session.run("writer_forget", {"lock_class": LOCK_CLASS, "own": self._writers})
            session.writer = int(await session.value("writer_begin", {"lock_class": LOCK_CLASS}))
        except BaseException:
            connection.terminate()
            raise
        self._writers.append(session.writer)
        return session

    async def _end(self, session: Session, writer: int) -> None:
        """End the server process of a lost session, and wait until it is gone."""
        lock = {"lock_class": LOCK_CLASS, "writer": writer}
        with suppress(asyncpg.InsufficientPrivilegeError):
            await session.rows("writer_end", lock)
        await session.value("writer_wait", lock)
        await session.value("writer_let_go", lock)
