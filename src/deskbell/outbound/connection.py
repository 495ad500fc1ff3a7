"""One connection to a vetted address: carries one exchange at a time, then waits for the next."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from typing import Protocol, cast

from deskbell.model.exchange import Stage
from deskbell.outbound.exchange import Exchange
from deskbell.outbound.faults import loss_of
from deskbell.outbound.head import HeadFault
from deskbell.outbound.route import Key

PIECE_BYTES = 65_536


class Owner(Protocol):
    """Who is told about the ends of exchanges and connections."""

    def settled(self, exchange: Exchange, fault: str | None = None, text: str = "", *, now: float) -> None: ...
    def redial(self, exchange: Exchange) -> None: ...
    def idle(self, connection: "Connection", now: float) -> None: ...
    def gone(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """Writes a request with back-pressure, feeds what comes back to the exchange."""

    def __init__(self, key: Key, owner: Owner, monotonic: Callable[[], float]) -> None:
        self.key = key
        self.born = monotonic()
        self.idle_since = self.born
        self.tls_version: str | None = None
        self._owner = owner
        self._monotonic = monotonic
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._unsent: memoryview | None = None
        self._paused = False
        self._spare: socket.socket | None = None  # second handle: reads an early answer after a failed write

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop once connected, and once TLS is done."""
        self._transport = cast(asyncio.Transport, transport)
        tls = transport.get_extra_info("ssl_object")
        self.tls_version = None if tls is None else tls.version()

    @property
    def usable(self) -> bool:
        """Whether another exchange may start here."""
        return self._transport is not None and not self._transport.is_closing() and self._exchange is None

    def start(self, exchange: Exchange) -> None:
        """Send the request."""
        assert self._transport is not None  # noqa: S101 - only connected ones are handed out
        self._exchange, exchange.connection = exchange, self
        exchange.address, exchange.tls_version = self.key[-1], self.tls_version
        head, body = exchange.request, exchange.sendable.body
        if len(body) <= PIECE_BYTES:
            self._transport.write(head + body if body else head)
            exchange.sent_at = self._monotonic()
            return
        if self.tls_version is None:
            with contextlib.suppress(OSError):  # no descriptor left: an early answer may be missed, no more
                self._spare = socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno()))
        self._unsent = memoryview(body)
        self._transport.write(head)
        self._write_on()

    def _write_on(self) -> None:
        while self._unsent is not None and not self._paused and self._transport is not None:
            piece, rest = self._unsent[:PIECE_BYTES], self._unsent[PIECE_BYTES:]
            self._unsent = rest if len(rest) else None
            self._transport.write(piece)
            if self._unsent is None and self._exchange is not None:
                self._exchange.sent_at = self._monotonic()

    def pause_writing(self) -> None:
        """Called by the loop when the peer reads too slowly."""
        self._paused = True

    def resume_writing(self) -> None:
        """Called by the loop when there is room again."""
        self._paused = False
        self._write_on()

    def data_received(self, data: bytes) -> None:
        """Called by the loop with what came."""
        exchange = self._exchange
        if exchange is None:
            self.abort()  # nobody asked
            return
        now = self._monotonic()
        over = exchange.feed(data, now)
        if exchange.head is not None:
            self._unsent = None  # an early answer counts, the rest is not sent
        if isinstance(over, HeadFault):
            self._end(exchange, now, "protocol_error", over.text)
        elif over:
            self._end(exchange, now)

    def eof_received(self) -> None:
        """Called by the loop when the peer has said its last word; the transport closes by itself."""
        self._lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop, once, whatever ended it."""
        if exc is not None and self._spare is not None and self._exchange is not None:
            self._read_spare(self._spare)
        self._lost(exc)
        self._drop_spare()
        self._transport = None
        self._owner.gone(self)

    def _lost(self, error: Exception | None) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        if exchange.reused and not exchange.answered:
            self._detach(exchange)
            self._owner.redial(exchange)
            return
        if exchange.body is not None and error is None:
            exchange.body.end()
            self._end(exchange, self._monotonic())
            return
        fault, text = loss_of(error)
        if fault == "tls_error" and exchange.head is None:
            exchange.stage = Stage.TLS  # TLS 1.3 tells of a refused client only now
        self._end(exchange, self._monotonic(), fault, text)

    def _read_spare(self, spare: socket.socket) -> None:
        """A failed write takes the transport down; an answer that already lies in the kernel still counts."""
        with contextlib.suppress(OSError):
            spare.setblocking(False)
            while self._exchange is not None and (data := spare.recv(PIECE_BYTES)):
                self.data_received(data)

    def _end(self, exchange: Exchange, now: float, fault: str | None = None, text: str = "") -> None:
        body, head = exchange.body, exchange.head
        keep = (
            fault is None and head is not None and body is not None and head.keep and body.complete
            and not body.surplus and not body.ends_with_connection and not (head.coded and head.length is not None)
            and exchange.sent_at is not None and not self._paused
        )  # fmt: skip
        self._detach(exchange)
        if keep and self.usable:
            self.idle_since = now
            self._owner.idle(self, now)
        else:
            self.abort()
        self._owner.settled(exchange, fault, text, now=now)

    def _detach(self, exchange: Exchange) -> None:
        self._exchange = self._unsent = exchange.connection = None
        self._drop_spare()

    def _drop_spare(self) -> None:
        if self._spare is not None:
            self._spare.close()
            self._spare = None

    def abort(self) -> None:
        """Close at once; an exchange that is still here is told nothing more."""
        self._exchange = self._unsent = None
        self._drop_spare()
        if self._transport is not None:
            self._transport.abort()
