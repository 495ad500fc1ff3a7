"""The doorbell across processes: LISTEN and NOTIFY on a connection of its own, which is made anew when it breaks."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from deskbell.doorbell.local import LocalDoorbell
from deskbell.doorbell.wire import NEWS, ROWS, WORK, NotOurs, Ring, detail_of, outgoing, payloads, read_payload
from deskbell.model.ids import SiteId

Read = Callable[[SiteId, str], Awaitable[Any]]
"""Reads the row that a ring was about."""

CHANNEL = "deskbell"
NEWS_S = 0.25
"""Open pages on other nodes hear at most four times a second …"""
NEWS_MAX = 100
"""… of at most so many things; who wants all reads the database."""
WORK_MAX = 5_000
"""More rings than this wait only while the connection is broken: then everybody is told to look everywhere."""
QUEUE_MAX = 500
CONNECT_S = 5.0
CHECK_S = 10.0
"""A connection that nothing comes through is asked so often whether it lives."""
CLOSE_S = 1.0
AGAIN_S = (0.05, 0.2, 0.5, 1.0, 2.0)
BROKEN = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_log = structlog.get_logger()
_LOOK: Ring = ("look", None)


class PostgresDoorbell:
    """Implements ports.Doorbell. Whoever listens in this process hears a ring at once, other processes soon after.

    After a connection was lost, `look` rings: something may have been missed. A ring that cannot be sent waits.
    """

    def __init__(self, url: str, *, node: str, read: Mapping[str, Read]) -> None:
        self._url = url
        self._node = node
        self._read = read
        self._local = LocalDoorbell()
        self._work: dict[Ring, None] = {}
        self._news: dict[Ring, None] = {}
        self._heard_news: deque[Ring] = deque(maxlen=QUEUE_MAX)
        self._wake = asyncio.Event()
        self._all_told = asyncio.Event()
        self._news_wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._broken = False

    def ring(self, bell: str, detail: Any = None) -> None:
        """Call who listens here, and tell the other processes. Never raises."""
        self._local.ring(bell, detail)
        ring = outgoing(bell, detail)
        if ring is None:
            return
        if bell in WORK:
            self._note_work(ring)
        else:
            self._note_news(ring)

    def listen(self, bell: str, heard: Callable[[Any], None]) -> Callable[[], None]:
        """Hear this bell, wherever it is rung; call the answer to stop."""
        return self._local.listen(bell, heard)

    def open(self) -> None:
        """Connect, and stay connected until `close`."""
        self._tasks = [asyncio.create_task(self._stay_connected()), asyncio.create_task(self._read_news())]

    async def close(self) -> None:
        """Send what waits, if it can be sent, and hang up."""
        if self._work and not self._broken:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_told.wait(), CLOSE_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # sending

    def _note_work(self, ring: Ring) -> None:
        self._work[ring] = None
        if len(self._work) > WORK_MAX:
            self._work.clear()
            self._work[_LOOK] = None
        self._all_told.clear()
        self._wake.set()

    def _note_news(self, ring: Ring) -> None:
        if not self._news:
            self._wake.set()
        self._news[ring] = None
        if len(self._news) > NEWS_MAX:
            del self._news[next(iter(self._news))]

    async def _stay_connected(self) -> None:
        failures = 0
        while True:
            try:
                connection = await self._connect()
            except BROKEN as error:
                self._say_broken(error)
            else:
                failures = 0
                try:
                    await self._talk(connection)
                except BROKEN as error:
                    self._say_broken(error)
                finally:
                    connection.terminate()
            await asyncio.sleep(AGAIN_S[min(failures, len(AGAIN_S) - 1)])
            failures += 1

    async def _connect(self) -> "asyncpg.Connection[Any]":
        name = {"application_name": f"deskbell doorbell {self._node}"[:63]}
        return await asyncpg.connect(self._url, timeout=CONNECT_S, command_timeout=CONNECT_S, server_settings=name)

    async def _talk(self, connection: "asyncpg.Connection[Any]") -> None:
        """Listen, and send what is rung, until the connection breaks."""
        await connection.add_listener(CHANNEL, self._heard)
        connection.add_termination_listener(lambda _: self._wake.set())
        self._broken = False
        self._local.ring("look")
        told_at = checked_at = 0.0
        now = asyncio.get_running_loop().time
        while True:
            await self._tell(connection, self._work)
            if not self._work:
                self._all_told.set()
            if self._news and now() - told_at >= NEWS_S:
                told_at = now()
                await self._tell(connection, self._news)
            if now() - checked_at >= CHECK_S:
                checked_at = now()
                await connection.execute("SELECT 1")
            try:
                await asyncio.wait_for(self._wake.wait(), NEWS_S if self._news else CHECK_S)
            except TimeoutError:
                continue
            self._wake.clear()
            if connection.is_closed():
                raise asyncpg.InterfaceError("the connection was closed")

    async def _tell(self, connection: "asyncpg.Connection[Any]", rings: dict[Ring, None]) -> None:
        """Send these rings; those that could not be sent wait on."""
        taken = tuple(rings)
        rings.clear()
        try:
            for payload in payloads(self._node, taken):
                await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)
        except BaseException:
            rings.update(dict.fromkeys(taken))
            raise

    def _say_broken(self, error: Exception) -> None:
        if not self._broken:
            self._broken = True
            _log.warning("doorbell.broken", error=type(error).__name__)

    # hearing

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        try:
            node, rings = read_payload(str(payload))
        except NotOurs as error:
            _log.warning("doorbell.unreadable", error=str(error))
            return
        if node == self._node:
            return
        for ring in rings:
            if ring[0] in ROWS:
                self._heard_news.append(ring)
                self._news_wake.set()
            elif ring[0] in WORK or ring[0] in NEWS:
                self._local.ring(ring[0], detail_of(ring))

    async def _read_news(self) -> None:
        """Read the rows that others tell of, when somebody here listens; the oldest go when there are too many."""
        while True:
            await self._news_wake.wait()
            self._news_wake.clear()
            while self._heard_news:
                bell, site, row_id = self._heard_news.popleft()[:3]
                if not self._local.is_heard(bell):
                    continue
                try:
                    row = await self._read[bell](SiteId(site), row_id)
                except Exception as error:  # whatever reading raises: news may be lost, work may not
                    _log.warning("doorbell.unread", bell=bell, error=type(error).__name__)
                    continue
                if row is not None:
                    self._local.ring(bell, row)
