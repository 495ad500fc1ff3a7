"""An answer that came before a write failed."""

import socket

from deskbell.model.exchange import Reply, SendPolicy
from deskbell.outbound.connection import Connection
from deskbell.outbound.exchange import Exchange
from deskbell.outbound.head import HeadReader
from deskbell.rules.limits import Limits
from outbound.loopback import sendable


class Transport:
    """Over one end of a socket pair; its buffer is full at once."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sent = 0

    def write(self, data: bytes) -> None:
        """Swallow."""
        self.sent += len(data)

    def is_closing(self) -> bool:
        """As of asyncio."""
        return True

    def abort(self) -> None:
        """As of asyncio."""

    def get_extra_info(self, name: str) -> socket.socket | None:
        """The socket, no TLS."""
        return self.sock if name == "socket" else None


class Owner:
    """Answers the exchange."""

    def settled(self, exchange: Exchange, fault: str | None = None, text: str = "", *, now: float) -> None:
        """As of GuardedSender."""
        exchange.finish(now, fault, text)

    def redial(self, exchange: Exchange) -> None:
        """As of GuardedSender."""

    def idle(self, connection: Connection, now: float) -> None:
        """As of GuardedSender."""

    def gone(self, connection: Connection) -> None:
        """As of GuardedSender."""


def test_answer_in_the_kernel_counts_though_the_write_failed() -> None:
    """The transport falls with the failed write, the answer that already lies there is read all the same."""
    ours, theirs = socket.socketpair()
    replies: list[Reply] = []
    with ours, theirs:
        theirs.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        exchange = Exchange(
            sendable("http://h.example/", b"x" * 1_000_000), SendPolicy(), replies.append, now=1.0,
            heads=HeadReader(Limits()),
        )  # fmt: skip
        connection = Connection(("dd", "http", "h", 80, "127.0.0.1"), Owner(), lambda: 2.0)
        transport = Transport(ours)
        connection.connection_made(transport)  # type: ignore[arg-type]  # as much of a transport as is used
        connection.start(exchange)
        connection.connection_lost(BrokenPipeError())
    assert [(one.status, one.body, one.fault) for one in replies] == [(413, b"no", None)]
