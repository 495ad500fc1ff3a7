"""What the guarded dialler promises: pinned addresses, names kept, connections reused with care, one answer."""

import asyncio
import ssl
from typing import Any

import pytest

from deskbell.model.exchange import Reply, SendPolicy, Stage
from deskbell.rules.addresses import AddressRefused
from outbound.loopback import HOST, FakeResolver, answering, read_request, reset, send, sendable, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: a\r\n\r\nok"


async def test_request_has_the_bytes_it_was_given(receive: Any, make_sender: Any) -> None:
    """The target, the host and each header arrive once, in order, and nothing else does."""
    heads: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        heads.append(head)
        writer.write(OK)

    receiver = await receive(handle)
    reply = await send(
        make_sender(), f"http://{HOST}:{receiver.port}/a%2Fb/../c?x=1&y=%20", b"[1]", headers=(("x-k", "v"),)
    )
    assert heads == [
        b"POST /a%2Fb/../c?x=1&y=%20 HTTP/1.1\r\nhost: h.example.com:" + str(receiver.port).encode()
        + b"\r\ncontent-type: application/json\r\ncontent-length: 3\r\nx-k: v\r\n\r\n"
    ]  # fmt: skip
    assert (reply.status, reply.body, reply.address, reply.stage) == (200, b"ok", "127.0.0.1", Stage.READ)
    assert ("x-one", "a") in reply.headers


async def test_kept_connection_is_used_again_without_its_phases(receive: Any, make_sender: Any) -> None:
    """The second exchange needs no look-up and no connect, and says so."""
    receiver, resolver = await receive(answering(OK)), FakeResolver({HOST: ["127.0.0.1"]})
    sender = make_sender(resolver=resolver)
    url = f"http://{HOST}:{receiver.port}/"
    first, second = await send(sender, url), await send(sender, url)
    assert (receiver.connections, len(resolver.asked)) == (1, 1)
    assert first.timing.connect_ms is not None
    assert first.timing.resolve_ms is not None
    assert (second.timing.connect_ms, second.timing.resolve_ms, second.timing.tls_ms) == (None, None, None)
    assert second.timing.first_byte_ms is not None


@pytest.mark.parametrize(
    "raw",
    [
        OK + b"surplus",
        OK.replace(b"X-One: a", b"Connection: close"),
        OK.replace(b"HTTP/1.1", b"HTTP/1.0"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nmore",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
)
async def test_doubtful_connection_is_not_kept(raw: bytes, receive: Any, make_sender: Any) -> None:
    """After surplus bytes, or a wish to close, the next exchange has a connection of its own."""
    receiver, sender = await receive(answering(raw)), make_sender()
    url = f"http://127.0.0.1:{receiver.port}/"
    replies = [await send(sender, url) for _ in range(2)]
    assert [(one.status, one.body) for one in replies] == [(200, b"ok")] * 2
    assert receiver.connections == 2


async def test_chunked_answer_keeps_the_connection(receive: Any, make_sender: Any) -> None:
    """A complete chunked body without surplus is as good as one with a length."""
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\nTrail: 1\r\n\r\n"
    receiver, sender = await receive(answering(raw)), make_sender()
    replies = [await send(sender, f"http://127.0.0.1:{receiver.port}/") for _ in range(3)]
    assert [one.body for one in replies] == [b"ok"] * 3
    assert receiver.connections == 1


@pytest.mark.parametrize("by_reset", [False, True])
async def test_dead_kept_connection_is_replaced_once(by_reset: bool, receive: Any, make_sender: Any) -> None:
    """A kept connection that dies before the first byte costs one fresh one, within the same exchange."""
    served = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await read_request(reader)
        served += 1
        writer.write(OK)
        await read_request(reader)  # the second request on this connection dies with it
        if by_reset:
            reset(writer)

    receiver, sender = await receive(handle), make_sender()
    url = f"http://127.0.0.1:{receiver.port}/"
    replies = [await send(sender, url) for _ in range(3)]
    assert [one.status for one in replies] == [200] * 3
    assert (served, receiver.connections) == (3, 3)


async def test_fresh_connection_that_dies_is_not_tried_again(receive: Any, make_sender: Any) -> None:
    """Only a reused connection earns a second one."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    receiver = await receive(handle)
    reply = await send(make_sender(), f"http://127.0.0.1:{receiver.port}/")
    assert (reply.fault, receiver.connections) == ("connection_closed", 1)


async def test_reused_connection_that_dies_after_a_byte_is_a_fault(receive: Any, make_sender: Any) -> None:
    """Once a byte of the answer came, the request may have been acted on: no second connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await read_request(reader)
        writer.write(b"HTTP/1.1 2")
        await writer.drain()

    receiver, sender = await receive(handle), make_sender()
    url = f"http://127.0.0.1:{receiver.port}/"
    assert (await send(sender, url)).status == 200
    assert (await send(sender, url)).fault == "connection_closed"
    assert receiver.connections == 1


async def test_next_address_is_dialled_when_one_refuses(receive: Any, make_sender: Any) -> None:
    """At most three addresses are tried, in order."""
    receiver = await receive(answering(OK))
    resolver = FakeResolver({HOST: ["127.0.0.3", "127.0.0.2", "127.0.0.1", "127.0.0.4"]})
    reply = await send(make_sender(resolver=resolver), f"http://{HOST}:{receiver.port}/")
    assert (reply.status, reply.address) == (200, "127.0.0.1")
    assert reply.addresses == ("127.0.0.3", "127.0.0.2", "127.0.0.1", "127.0.0.4")


async def test_tls_shows_the_name_and_times_the_handshake(receive: Any, make_sender: Any, authority: Any) -> None:
    """SNI carries the name, the certificate is verified against it, the version is told."""
    names: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    receiver, sender = await receive(answering(OK), context), make_sender()
    replies = [await send(sender, f"https://{HOST}:{receiver.port}/") for _ in range(2)]
    assert ([one.status for one in replies], names) == ([200, 200], [HOST])
    assert replies[0].timing.tls_ms is not None
    assert replies[1].timing.tls_ms is None
    assert [one.tls_version for one in replies] == ["TLSv1.3"] * 2


async def test_own_inspector_is_dialled_at_our_own_listener(receive: Any, make_sender: Any) -> None:
    """Our /bin is reached in plain HTTP at the listening address, with the public name in Host and no look-up."""
    hosts: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        hosts.append(next(line for line in head.split(b"\r\n") if line.startswith(b"host:")))
        writer.write(OK)

    receiver, resolver = await receive(handle), FakeResolver({})
    policy = {"base_url": "https://hooks.our-own-portal.example", "listen": (("0.0.0.0", receiver.port),)}
    sender = make_sender(resolver=resolver, allow="", policy=policy)
    reply = await send(sender, "https://hooks.our-own-portal.example/bin/bin_0123")
    assert (reply.status, reply.address, resolver.asked) == (200, "127.0.0.1", [])
    assert hosts == [b"host: hooks.our-own-portal.example"]


async def test_vetting_is_repeated_for_a_new_answer(receive: Any, make_sender: Any) -> None:
    """A name that moves to a refused address is blocked, though its kept connection is still good."""
    receiver, resolver = await receive(answering(OK)), FakeResolver({HOST: ["127.0.0.1"]})
    seen: list[tuple[str, ...]] = []

    def vetting(addresses: Any, _url: Any, _site: str) -> Any:
        seen.append(tuple(addresses))
        refused = AddressRefused(rule="address_not_public", address=addresses[0], detail="not public")
        return refused if addresses[0] != "127.0.0.1" else type("Vetted", (), {"addresses": tuple(addresses)})()

    sender = make_sender(resolver=resolver, vetting=vetting, dns_cache_s=0.0)
    url = f"http://{HOST}:{receiver.port}/"
    assert (await send(sender, url)).status == 200
    resolver.answers = {HOST: ["169.254.169.254"]}
    reply = await send(sender, url)
    assert (reply.fault, reply.rule, reply.address) == ("blocked", "address_not_public", None)
    assert seen == [("127.0.0.1",), ("169.254.169.254",)]


async def test_refused_url_is_blocked_without_a_look_up(make_sender: Any) -> None:
    """A URL that the rules refuse today is not resolved."""
    resolver = FakeResolver({})
    reply = await send(make_sender(resolver=resolver, allow=""), "https://10.0.0.5/hook")
    assert (reply.fault, reply.stage, resolver.asked) == ("blocked", Stage.VET, [])
    assert reply.rule


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\nb", "a\0b", "a\rb", "\u2603"])
async def test_header_that_leaves_its_line_is_not_sent(value: str, make_sender: Any) -> None:
    """No request is built from a header with a line break, NUL or a letter that HTTP cannot carry."""
    reply = await send(make_sender(), "http://127.0.0.1:9/", headers=(("x-a", value),))
    assert (reply.fault, reply.stage) == ("unbuildable", Stage.SEND)


async def test_large_body_waits_for_a_slow_reader(receive: Any, make_sender: Any) -> None:
    """A body beyond every buffer arrives whole, sent piece by piece as the receiver reads."""
    body, got = bytes(range(256)) * 32_768, bytearray()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while len(got) < len(body):
            got.extend(await reader.read(100_000))
        writer.write(OK)
        await reader.read()

    receiver = await receive(handle)
    reply = await send(make_sender(), f"http://127.0.0.1:{receiver.port}/", body)
    assert (reply.status, bytes(got) == body) == (200, True)


async def test_status_stands_when_the_body_breaks_off(receive: Any, make_sender: Any) -> None:
    """A reset after the blank line is a note on a delivered reply."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel")
        await writer.drain()
        await asyncio.sleep(0)
        reset(writer)

    receiver = await receive(handle)
    reply = await send(make_sender(), f"http://127.0.0.1:{receiver.port}/")
    assert (reply.status, reply.fault, reply.body, reply.truncated) == (200, None, b"hel", True)
    assert len(reply.notes) == 1


async def test_close_answers_what_is_pending(receive: Any, make_sender: Any) -> None:
    """Closing answers each pending exchange with a fault, and later ones too."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.Event().wait()

    receiver, sender, replies = await receive(hang), make_sender(), list[Reply]()
    for _ in range(5):
        sender.submit(sendable(f"http://127.0.0.1:{receiver.port}/"), SendPolicy(), replies.append)
    await until(lambda: bool(receiver.connections == 5))
    await sender.close()
    assert [one.fault for one in replies] == ["connection_closed"] * 5
    assert (await send(sender, f"http://127.0.0.1:{receiver.port}/")).fault == "connection_closed"


async def test_done_that_raises_harms_nobody(receive: Any, make_sender: Any) -> None:
    """A fault of the caller is logged; the next exchange goes on."""
    receiver, sender = await receive(answering(OK)), make_sender()
    url = f"http://127.0.0.1:{receiver.port}/"
    called = asyncio.Event()

    def raises(_: Reply) -> None:
        called.set()
        raise RuntimeError("the caller's own fault")

    sender.submit(sendable(url), SendPolicy(), raises)
    await called.wait()
    assert (await send(sender, url)).status == 200


async def test_proxy_variables_are_not_read(receive: Any, make_sender: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment cannot lead a request elsewhere."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    receiver = await receive(answering(OK))
    assert (await send(make_sender(), f"http://127.0.0.1:{receiver.port}/")).status == 200


async def test_idle_connections_are_capped_and_grow_old(receive: Any, make_sender: Any) -> None:
    """Over the cap the least recently used one goes, and age zero keeps none."""
    receiver = await receive(answering(OK))
    url = f"http://127.0.0.1:{receiver.port}/"
    none_kept = make_sender(connections_idle_max=0)
    assert [(await send(none_kept, url)).status for _ in range(3)] == [200] * 3
    assert receiver.connections == 3
    one_kept = make_sender(connections_idle_max=1)
    await asyncio.gather(*(send(one_kept, url) for _ in range(4)))
    before = receiver.connections
    assert (await send(one_kept, url)).status == 200
    assert (receiver.connections, len(one_kept._pool)) == (before, 1)
