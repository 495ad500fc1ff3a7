"""TLS servers with one fault each."""

import asyncio
import ssl
from datetime import UTC, datetime

import trustme

from outbound.loopback import Handler, answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_HALF_SERVER_HELLO = bytes.fromhex("160303007a0200007603030000")


def tls_server_context(fault: str, authority: trustme.CA, host: str) -> ssl.SSLContext | None:
    """The server's context with this fault; None: it speaks no TLS of its own."""
    if fault in ("plain_http_on_443", "half_server_hello_then_hang", "tls1.1_only"):
        return None
    issuer = trustme.CA() if fault == "unknown_ca" else authority
    name = "other.example.com" if fault == "wrong_host" else host
    ends = datetime(2026, 1, 1, tzinfo=UTC) if fault == "expired" else None
    made = issuer.issue_cert(name, not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=ends)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.configure_cert(context)
    if fault == "client_cert_required":
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    return context


def refusing_without_certificate(context: ssl.SSLContext) -> Handler:
    """A handshake that wants a client certificate, and sends its alert when there is none."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(65_536))
            except ssl.SSLError:
                writer.write(outgoing.read())
                await writer.drain()
                writer.close()
                return

    return handle


def tls_handler(fault: str) -> Handler:
    """What the server does once TCP is there."""

    async def raw(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        if fault == "tls1.1_only":
            writer.write(bytes.fromhex("15030200020246"))  # alert: protocol version
        elif fault == "plain_http_on_443":
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(_HALF_SERVER_HELLO)
        await writer.drain()
        await reader.read()
        await asyncio.Event().wait() if "hang" in fault else None

    return raw if fault in ("plain_http_on_443", "half_server_hello_then_hang", "tls1.1_only") else answering(OK)
