"""Whatever comes back, in whatever pieces: exactly one valid reply."""

from itertools import pairwise
from typing import Any, cast

from hypothesis import example, given, settings
from hypothesis import strategies as st

from deskbell.model.exchange import Reply, SendPolicy
from deskbell.outbound.connection import Connection
from deskbell.outbound.exchange import Exchange
from deskbell.outbound.head import HeadReader
from deskbell.rules.limits import Limits
from outbound.loopback import sendable

SEEDS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
    b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: x\r\n\r\n",
    b"HTTP/1.0 404 No\r\n\r\nuntil the end",
    b"HTTP/1.1 302 F\nLocation: http://10.0.0.5/\n\n",
    b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5, 5\r\n\r\nhello",
]
FAULTS = {"protocol_error", "connection_closed", "connection_reset", "timeout"}


class Transport:
    """Swallows what is written."""

    def __init__(self) -> None:
        self.closing = False

    def write(self, data: bytes) -> None:
        """Take bytes."""

    def is_closing(self) -> bool:
        """As of asyncio."""
        return self.closing

    def abort(self) -> None:
        """As of asyncio."""
        self.closing = True

    def get_extra_info(self, name: str) -> None:
        """Nothing is known."""


class Owner:
    """Answers exchanges, and counts what becomes of the connection."""

    def __init__(self) -> None:
        self.kept = 0

    def settled(self, exchange: Exchange, fault: str | None = None, text: str = "", *, now: float = 2.0) -> None:
        """As of GuardedSender."""
        exchange.finish(now, fault, text)

    def redial(self, exchange: Exchange) -> None:
        """Never: the exchange is on a fresh connection."""
        raise AssertionError("a fresh connection is not replaced")

    def idle(self, connection: Connection, now: float) -> None:
        """As of GuardedSender."""
        self.kept += 1

    def gone(self, connection: Connection) -> None:
        """As of GuardedSender."""


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good response with some bytes replaced, removed, doubled or inserted."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 8)))
        data[at:end] = draw(st.binary(max_size=6) | st.sampled_from([b"\r\n", b"\n", b"\0", b": ", b"9" * 20, b""]))
    return bytes(data)


def carry(pieces: list[bytes], end: str) -> tuple[list[Reply], Owner, Transport]:
    """Run one exchange over a connection that gets these pieces and then ends so."""
    replies: list[Reply] = []
    owner, transport = Owner(), Transport()
    heads = HeadReader(Limits())
    exchange = Exchange(
        sendable("http://h.example/"), SendPolicy(response_bytes_max=64), replies.append, now=1.0, heads=heads
    )
    connection = Connection(("dd", "http", "h", 80, "127.0.0.1"), owner, lambda: 2.0)
    connection.connection_made(cast(Any, transport))
    connection.start(exchange)
    for piece in pieces:
        if not transport.closing:
            connection.data_received(piece)
    if end == "timeout" and not replies:
        connection.abort()
        owner.settled(exchange, "timeout", "too late")
    elif end == "eof" and not transport.closing:
        connection.eof_received()
    connection.connection_lost(ConnectionResetError() if end == "reset" else None)
    return replies, owner, transport


@settings(max_examples=400, deadline=None)
@example(data=SEEDS[2], cuts=[3], end="eof")
@given(
    data=mutated() | st.binary(max_size=200),
    cuts=st.lists(st.integers(0, 200), max_size=6),
    end=st.sampled_from(["eof", "reset", "timeout"]),
)
def test_done_is_called_once_with_a_valid_reply(data: bytes, cuts: list[int], end: str) -> None:
    """Status or fault, never both, never neither; and the pieces in which it came make no difference."""
    marks = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in pairwise(marks)]
    replies, owner, _ = carry(pieces, end)
    assert len(replies) == 1
    reply = replies[0]
    assert (reply.status is None) == (reply.fault is not None)
    assert reply.fault is None or reply.fault in FAULTS
    assert reply.status is None or 200 <= reply.status <= 599
    assert len(reply.body) <= 64
    assert all(not set("\r\n\0") & set(name + value) for name, value in reply.headers)
    assert owner.kept == 0 or reply.status is not None
    whole = carry([data], end)[0][0]
    assert (whole.status, whole.fault, whole.headers) == (reply.status, reply.fault, reply.headers)


@given(cut=st.integers(0, 100), seed=st.sampled_from(SEEDS[:4]))
def test_good_answers_survive_any_cut(cut: int, seed: bytes) -> None:
    """A good response is read the same wherever it is cut."""
    replies, _, _ = carry([seed[:cut], seed[cut:]] if 0 < cut < len(seed) else [seed], "eof")
    assert replies[0].status in (200, 204, 404)
    assert replies[0].notes == ()
    assert replies[0].body in (b"hello", b"", b"until the end")
