"""Requests that are answered from within the parser: no task, no ASGI messages, one write.

A request goes this way when everything about it is plain. Whatever is not, or turns out wrong, is handed to the ASGI
app as if nothing had happened: it alone explains refusals, so both ways give the same answers.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from deskbell.server.connections import BoundedProtocol

Headers = list[tuple[bytes, bytes]]
Answer = Callable[[bytes], None]
"""Takes the whole response, head and body."""

BODY_S = 1.0
"""A body that has not come by then is the app's affair, which has its own limits."""


class Direct(Protocol):
    """Who answers."""

    path: bytes  # of the POST requests that may be answered here

    def mark(self, headers: Headers, server: tuple[str, int | None] | None) -> Any | None: ...  # None: not this way
    def take(self, mark: Any, body: bytes, answer: Answer) -> bool: ...  # False: not this way, nothing was done


class _Open:
    """Stands where uvicorn keeps the request that it works on: the connection is busy until it is complete."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete")

    def __init__(self, message_event: asyncio.Event) -> None:
        self.response_complete = False
        self.disconnected = False
        self.keep_alive = True
        self.message_event = message_event


class DirectProtocol(BoundedProtocol):
    """The listener's protocol with the short way in front."""

    def __init__(self, *args: Any, direct: Direct, **named: Any) -> None:
        super().__init__(*args, **named)
        self._direct = direct
        self._mark: Any | None = None  # of the request whose body is coming
        self._body: list[bytes] = []
        self._late: asyncio.TimerHandle | None = None
        self._nobody = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Called by the loop with what came."""
        super().data_received(data)
        if self._mark is not None and self._late is None:
            self._late = self.loop.call_later(BODY_S, self._hand_on)

    def on_headers_complete(self) -> None:
        """Called by the parser: decide which way the request goes."""
        self._mark = self._mark_of() if self.url == self._direct.path else None
        if self._mark is None:
            super().on_headers_complete()
        else:
            self.head_is_whole()

    def on_body(self, body: bytes) -> None:
        """Called by the parser with a piece of the body."""
        if self._mark is None:
            super().on_body(body)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Called by the parser: the request is whole."""
        mark = self._mark
        if mark is None:
            super().on_message_complete()
            return
        self.request_is_whole()
        body = b"".join(self._body)
        previous, request = self.cycle, _Open(self._nobody)
        self.cycle = request  # type: ignore[assignment]  # what uvicorn asks of a cycle that is not its own
        if self._direct.take(mark, body, lambda answer: self._answer(request, answer)):
            self._forget()
            return
        self.cycle = previous
        self._hand_on()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop, once."""
        self._forget()
        super().connection_lost(exc)

    def _mark_of(self) -> Any | None:
        busy = self.cycle is not None and not self.cycle.response_complete
        plain = self.parser.get_method() == b"POST" and self.parser.get_http_version() == "1.1"
        if busy or not plain or self.flow.write_paused or self.expect_100_continue:
            return None
        if self.parser.should_upgrade() or not self.parser.should_keep_alive():
            return None
        return self._direct.mark(self.headers, self.server)

    def _hand_on(self) -> None:
        """The other way after all: tell uvicorn what it has not heard yet."""
        body = b"".join(self._body)
        self._forget()
        super().on_headers_complete()
        if body:
            super().on_body(body)

    def _forget(self) -> None:
        self._mark = None
        self._body = []
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _answer(self, request: _Open, answer: bytes) -> None:
        if request.disconnected or request.response_complete:
            return
        request.response_complete = True
        self.transport.write(answer)
        if not request.keep_alive:
            self.transport.close()
        self.on_response_complete()
