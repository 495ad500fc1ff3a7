"""Every connection of the listener: how many there may be, and how long one may take to say what it wants."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from deskbell.rules.proxies import Network, is_exempt

HEAD_S = 10.0
"""From the first byte of a request until its head is whole."""
SILENT_S = 60.0
"""A connection that never says a word is kept as long as one that falls silent."""
LINGER_S = 5.0
"""What is still to come of a request that has its answer already may take so long."""
HEAD_BYTES_MAX = 24_576
"""Target and headers of a head that is not whole yet; a whole one is judged by the shield."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_PROBLEM = b'{"type":"/docs/problems/busy","title":"Too many connections","status":503,"detail":"Try again in 5 s."}'
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-type: application/problem+json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (len(_PROBLEM), _PROBLEM)
)


class Turnstile:
    """Counts connections. Loopback and trusted proxies carry many people and are not counted by address."""

    def __init__(self, *, total_max: int, per_address_max: int, trusted: Sequence[Network] = ()) -> None:
        self._total_max = total_max
        self._per_address_max = per_address_max
        self._trusted = tuple(trusted)
        self._by_address: Counter[str] = Counter()
        self.inside = 0  # connections that are served
        self.outside = 0  # connections that are only told to come again

    def enter(self, address: str) -> bool:
        """Whether one more connection from this address is served; each must `leave` in the end."""
        if self.inside >= self._total_max:
            return False
        if self._by_address[address] >= self._per_address_max and not is_exempt(address, self._trusted):
            return False
        self.inside += 1
        self._by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        """A connection that was served is gone."""
        self.inside -= 1
        self._by_address[address] -= 1
        if self._by_address[address] <= 0:
            del self._by_address[address]

    def is_crowded(self) -> bool:
        """Whether even refusing politely would cost too many descriptors."""
        return self.outside >= self._total_max


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol behind a turnstile, with limits for the head of a request."""

    def __init__(self, *args: Any, turnstile: Turnstile, **named: Any) -> None:
        super().__init__(*args, **named)
        self._turnstile = turnstile
        self._address = ""
        self._is_inside = False
        self._is_refused = False
        self._is_head_open = False
        self._is_request_open = False
        self._head_bytes = 0
        self._clock: asyncio.TimerHandle | None = None  # runs while the other side is awaited

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop, once."""
        super().connection_made(transport)  # type: ignore[arg-type]  # what uvicorn declares is narrower
        self._address = self.client[0] if self.client else ""
        self._is_inside = self._turnstile.enter(self._address)
        if self._is_inside:
            self._await(SILENT_S, b"")
            return
        self._is_refused = True
        if self._turnstile.is_crowded():
            self.transport.abort()
        self._turnstile.outside += 1
        self._await(HEAD_S, _FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop, once."""
        self._unwind()
        if self._is_inside:
            self._turnstile.leave(self._address)
        elif self._is_refused:
            self._turnstile.outside -= 1
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called by the loop with what came."""
        if self._is_refused:
            self._end(_FULL)
            return
        if self._clock is not None and not self._is_head_open and not self._is_lingering():
            self._unwind()
        super().data_received(data)
        if self._is_head_open and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._end(_TOO_LARGE)
            elif self._clock is None:
                self._await(HEAD_S, _TOO_SLOW)

    def on_message_begin(self) -> None:
        """Called by the parser."""
        super().on_message_begin()
        self._is_head_open = self._is_request_open = True
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser; what comes behind a body is not listened to."""
        if self._is_head_open:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self.head_is_whole()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Called by the parser: the request is whole."""
        self.request_is_whole()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called when an answer is written."""
        super().on_response_complete()
        if self._is_lingering() and self._clock is None:
            self._await(LINGER_S, b"")

    def head_is_whole(self) -> None:
        """The head has come in time."""
        self._is_head_open = False
        self._unwind()

    def request_is_whole(self) -> None:
        """Nothing more is to come of this request."""
        self._is_request_open = False
        self._unwind()

    def _is_lingering(self) -> bool:
        """The answer is given, and the request goes on."""
        cycle = self.cycle
        return self._is_request_open and not self._is_head_open and cycle is not None and cycle.response_complete

    def _await(self, seconds: float, last_words: bytes) -> None:
        self._unwind()
        self._clock = self.loop.call_later(seconds, self._end, last_words)

    def _unwind(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _end(self, last_words: bytes) -> None:
        self._unwind()
        if self.transport.is_closing():
            return
        busy = self.cycle is not None and not self.cycle.response_complete
        if last_words and not busy:
            self.transport.write(last_words)
        self.transport.close()
