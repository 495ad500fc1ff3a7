"""The resolver against a real name server on loopback."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import pytest

from deskbell.outbound import AresResolver, ResolveFault

A, CNAME, AAAA = 1, 5, 28
OK, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5


def encoded(name: str) -> bytes:
    """A name as labels."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(name: str, kind: int, data: bytes) -> bytes:
    """One answer that may be kept for five minutes."""
    return encoded(name) + struct.pack(">HHIH", kind, 1, 300, len(data)) + data


class NameServer(asyncio.DatagramProtocol):
    """Answers each question by a function of name and kind: (code, records), or None for silence."""

    def __init__(self, answer: Callable[[str, int], tuple[int, list[bytes]] | None]) -> None:
        self.answer = answer
        self.asked: list[tuple[str, int]] = []

    def connection_made(self, transport: Any) -> None:
        """Called by the loop."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Called by the loop."""
        end = data.index(b"\0", 12) + 5
        kind = struct.unpack(">H", data[end - 4 : end - 2])[0]
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        self.asked.append((".".join(labels), kind))
        answer = self.answer(*self.asked[-1])
        if answer is not None:
            code, records = answer
            head = data[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
            self.transport.sendto(head + data[12:end] + b"".join(records), addr)


@pytest.fixture
async def serve() -> AsyncIterator[Any]:
    """Makes a name server and the resolver that asks it."""
    transports: list[asyncio.BaseTransport] = []

    async def make(answer: Any) -> tuple[NameServer, AresResolver]:
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(lambda: NameServer(answer), local_addr=("127.0.0.1", 0))
        transports.append(transport)
        port = transport.get_extra_info("sockname")[1]
        return server, AresResolver(nameservers=[f"127.0.0.1:{port}"])

    yield make
    for transport in transports:
        transport.close()


async def test_both_families_are_taken_in_turns(serve: Any) -> None:
    """A and AAAA answers alternate; nothing is remembered by the resolver itself."""

    def answer(name: str, kind: int) -> tuple[int, list[bytes]]:
        if kind == A:
            return OK, [record(name, A, bytes([1, 2, 3, n])) for n in (1, 2)]
        return OK, [record(name, AAAA, socket.inet_pton(socket.AF_INET6, "2606:4700::1111"))]

    server, resolver = await serve(answer)
    for _ in range(2):
        assert await resolver.resolve("h.example.com", 3.0) == ("1.2.3.1", "2606:4700::1111", "1.2.3.2")
    assert sorted(server.asked) == [("h.example.com", A)] * 2 + [("h.example.com", AAAA)] * 2


@pytest.mark.parametrize(
    ("code", "name"),
    [(NXDOMAIN, "dns_nxdomain"), (OK, "dns_no_address"), (SERVFAIL, "dns_error"), (REFUSED, "dns_error")],
)
async def test_faults_have_their_names(code: int, name: str, serve: Any) -> None:
    """What the name server says decides the fault's name."""
    _, resolver = await serve(lambda _name, _kind: (code, []))
    with pytest.raises(ResolveFault) as caught:
        await resolver.resolve("h.example.com", 3.0)
    assert caught.value.name == name


async def test_silence_is_a_timeout(serve: Any) -> None:
    """No answer within the time given."""
    _, resolver = await serve(lambda _name, _kind: None)
    with pytest.raises(ResolveFault) as caught:
        await resolver.resolve("h.example.com", 0.2)
    assert caught.value.name == "dns_timeout"


async def test_one_family_is_enough(serve: Any) -> None:
    """A name server that fails for AAAA does not hide the A answer."""
    _, resolver = await serve(
        lambda name, kind: (OK, [record(name, A, bytes([1, 2, 3, 4]))]) if kind == A else (SERVFAIL, [])
    )
    assert await resolver.resolve("h.example.com", 3.0) == ("1.2.3.4",)


async def test_long_chain_of_aliases_is_an_error(serve: Any) -> None:
    """Forty aliases in a row are no answer, whether an address follows or not."""

    def chain(name: str, _kind: int) -> tuple[int, list[bytes]]:
        names = [name, *(f"{n}.x" for n in range(40))]
        return OK, [record(one, CNAME, encoded(two)) for one, two in pairwise(names)]

    _, resolver = await serve(chain)
    with pytest.raises(ResolveFault) as caught:
        await resolver.resolve("h.example.com", 3.0)
    assert caught.value.name == "dns_error"


async def test_hosts_file_counts_for_named_exceptions_only(serve: Any) -> None:
    """A name of the Operator's list is read from the hosts file; any other asks the name server."""
    server, _ = await serve(lambda _name, _kind: (NXDOMAIN, []))
    port = server.transport.get_extra_info("sockname")[1]
    assert "127.0.0.1" in await AresResolver(nameservers=[f"127.0.0.1:{port}"], hosts_file_names=["localhost"]).resolve(
        "localhost", 3.0
    )
    with pytest.raises(ResolveFault):
        await AresResolver(nameservers=[f"127.0.0.1:{port}"]).resolve("localhost", 3.0)
