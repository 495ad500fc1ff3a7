"""The Operator's egress proxy: a tunnel to the vetted address, and nothing else that goes anywhere."""

import asyncio
import ssl
from typing import Any

import pytest
import trustme

from deskbell.outbound import ResolveFault
from deskbell.outbound.tcp import connect_tcp
from deskbell.rules.egress import EgressProxy, parse_egress_proxy
from outbound.loopback import HOST, FakeResolver, Handler, answering, read_request, send, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Proxy:
    """Takes CONNECT, notes its target, and passes bytes on; or answers as told."""

    def __init__(self, answer: bytes | None = None, *, hangs: bool = False) -> None:
        self.heads: list[bytes] = []
        self._answer = answer
        self._hangs = hangs

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.heads.append(head := await reader.readuntil(b"\r\n\r\n"))
        if self._hangs:
            await asyncio.Event().wait()
        if self._answer is not None:
            writer.write(self._answer)
            await writer.drain()
            await reader.read()
            return
        address, _, port = head.split(b" ")[1].decode().rpartition(":")
        there, onward = await asyncio.open_connection(address.strip("[]"), int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n")
        try:
            await asyncio.gather(_pass(reader, onward), _pass(there, writer))
        finally:
            onward.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65_536):
        writer.write(piece)
        await writer.drain()
    writer.write_eof()


def at(port: int, host: str = "127.0.0.1") -> EgressProxy:
    """The setting."""
    return parse_egress_proxy(f"http://{host}:{port}")


class Recorder:
    """Connects, and notes where to."""

    def __init__(self) -> None:
        self.dialled: list[tuple[str, int]] = []

    async def __call__(self, address: str, port: int) -> Any:
        """As the dialler's own."""
        self.dialled.append((address, port))
        return await connect_tcp(address, port)


async def test_request_goes_through_the_tunnel_to_the_vetted_address(receive: Any, make_sender: Any) -> None:
    """The proxy sees an address, never a name; only the proxy is dialled; the connection is kept and used again."""
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append((await read_request(reader))[0])
            writer.write(OK)

    receiver, proxy, recorder = await receive(handle), Proxy(), Recorder()
    proxy_port = (await receive(proxy)).port
    sender = make_sender(proxy=at(proxy_port), connect=recorder)
    for _ in range(2):
        reply = await send(sender, f"http://{HOST}:{receiver.port}/hook?x=1")
        assert (reply.status, reply.body, reply.address) == (200, b"ok", "127.0.0.1")
    target = f"127.0.0.1:{receiver.port}".encode()
    assert proxy.heads == [b"CONNECT " + target + b" HTTP/1.1\r\nhost: " + target + b"\r\n\r\n"]
    assert recorder.dialled == [("127.0.0.1", proxy_port)]
    assert all(head.startswith(b"POST /hook?x=1 HTTP/1.1\r\nhost: h.example.com") for head in seen)


async def test_tls_is_spoken_with_the_receiver(receive: Any, make_sender: Any, authority: trustme.CA) -> None:
    """The proxy passes a handshake on; the receiver's certificate is verified by its name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    receiver, proxy = await receive(answering(OK), context), await receive(Proxy())
    sender = make_sender(proxy=at(proxy.port))
    assert (await send(sender, f"https://{HOST}:{receiver.port}/hook")).status == 200
    wrong = make_sender(proxy=at(proxy.port), resolver=FakeResolver({"x.example.com": ["127.0.0.1"]}))
    assert (await send(wrong, f"https://x.example.com:{receiver.port}/hook")).fault == "tls_wrong_host"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "answered 403"),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "answered 407"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.5/\r\n\r\n", "answered 302"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "does not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "bytes of its own"),
        (b"HTTP/1.1 200 OK\r\n\r\nx", "bytes of its own"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 4_000, "too long"),
    ],
)
async def test_proxy_that_refuses_or_cheats(answer: bytes, words: str, receive: Any, make_sender: Any) -> None:
    """No tunnel, no request; the reason names the proxy."""
    proxy = await receive(Proxy(answer))
    reply = await send(make_sender(proxy=at(proxy.port)), f"http://{HOST}/hook")
    assert (reply.fault, words in reply.text, "egress proxy" in reply.text) == ("connection_refused", True, True)


async def test_proxy_that_hangs_or_is_not_there(receive: Any, make_sender: Any) -> None:
    """The time for connecting covers the tunnel; a name that is not there is told as the proxy's."""
    proxy = await receive(Proxy(hangs=True))
    sender = make_sender(proxy=at(proxy.port), connect_timeout_s=0.2)
    assert (await send(sender, f"http://{HOST}/hook")).fault == "connect_timeout"
    gone = make_sender(
        proxy=at(3128, "proxy.internal"),
        resolver=FakeResolver({HOST: ["127.0.0.1"], "proxy.internal": ResolveFault("dns_nxdomain", "there is none")}),
    )
    reply = await send(gone, f"http://{HOST}/hook")
    assert (reply.fault, "egress proxy could not be looked up" in reply.text) == ("connection_refused", True)


async def test_forbidden_addresses_never_reach_the_proxy(receive: Any, make_sender: Any) -> None:
    """Names are vetted here: the proxy is not asked, not even connected to."""
    proxy = await receive(Proxy())
    resolver = FakeResolver({HOST: ["93.184.216.34", "10.0.0.5"]})
    sender = make_sender(proxy=at(proxy.port), resolver=resolver, allow="")
    assert (await send(sender, f"https://{HOST}/hook")).fault == "blocked"
    assert proxy.connections == 0


async def test_our_own_inspector_is_dialled_directly(receive: Any, make_sender: Any) -> None:
    """What this process receives itself does not leave it."""
    receiver, proxy = await receive(answering(OK)), await receive(Proxy())
    policy = {"base_url": f"http://127.0.0.1:{receiver.port}", "listen": (("127.0.0.1", receiver.port),)}
    sender = make_sender(proxy=at(proxy.port), policy=policy)
    assert (await send(sender, f"http://127.0.0.1:{receiver.port}/bin/abc")).status == 200
    assert proxy.connections == 0


async def test_no_socket_is_left_when_the_tunnel_fails(receive: Any, make_sender: Any) -> None:
    """The proxy sees its connection end."""
    ended = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 Busy\r\n\r\n")
        await reader.read()
        ended.set()

    proxy: Handler = handle
    await send(make_sender(proxy=at((await receive(proxy)).port)), f"http://{HOST}/hook")
    await until(ended.is_set)


@pytest.mark.parametrize(
    "text",
    [
        "", "10.0.0.9:3128", "https://10.0.0.9:3128", "http://10.0.0.9", "http://user:pass@10.0.0.9:3128", "http://a:0",
        "http://a:99999", "http://a:1/x", "http://[::1:1", "http://[zz]:1", "http://1.2.3:1", "socks5://a:1",
    ],
)  # fmt: skip
def test_setting_that_is_no_proxy_stops_the_start(text: str) -> None:
    """The form is named, the text is not: it may hold a password."""
    with pytest.raises(ValueError, match="DESKBELL_EGRESS_PROXY") as caught:
        parse_egress_proxy(text)
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown", "is_literal"),
    [
        ("http://Proxy.internal:3128/", "http://proxy.internal:3128", False),
        ("http://10.0.0.9:3128", "http://10.0.0.9:3128", True),
        ("http://[FD00::9]:3128", "http://[fd00::9]:3128", True),
    ],
)
def test_setting_in_its_forms(text: str, shown: str, is_literal: bool) -> None:
    """Names and addresses of both families."""
    found = parse_egress_proxy(text)
    assert (found.shown, found.is_literal) == (shown, is_literal)
