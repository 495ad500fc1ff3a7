"""Fault row 17: TLS servers with one fault each: a name for it, and never a byte of the request in plain text."""

import asyncio
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from faults.report import reported
from outbound.loopback import HOST, Handler, send

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
SECRET = b'{"secret":"hunter2"}'
RAW = {
    "plain_http": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "noise": bytes(range(256)),
    "alert": bytes.fromhex("15030300020228"),  # handshake failure
    "silent": b"",
}
WANTED = {
    "good": "http_200", "expired": "tls_expired", "not_yet": "tls_error", "wrong_host": "tls_wrong_host",
    "other_authority": "tls_untrusted", "self_signed": "tls_untrusted", "tls1.1": "tls_error",
    "client_certificate": "tls_error", "plain_http": "tls_error", "ssh": "tls_error", "noise": "tls_error",
    "alert": "tls_error", "silent": "timeout", "close": "connection_reset",
}  # fmt: skip


def self_signed() -> tuple[bytes, bytes]:
    """A certificate that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, datetime(2020, 1, 1), datetime(2040, 1, 1))  # noqa: DTZ001 - it wants naive UTC
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return made.public_bytes(pem), key.private_bytes(pem, form, plain)


def server_context(fault: str, authority: trustme.CA, folder: Any) -> ssl.SSLContext:
    """A server's context with this fault."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if fault == "self_signed":
        certificate, key = self_signed()
        (folder / "own.pem").write_bytes(certificate + key)
        context.load_cert_chain(folder / "own.pem")
        return context
    issuer = trustme.CA() if fault == "other_authority" else authority
    begins = datetime(2038, 1, 1, tzinfo=UTC) if fault == "not_yet" else datetime(2020, 1, 1, tzinfo=UTC)
    ends = datetime(2026, 1, 1, tzinfo=UTC) if fault == "expired" else datetime(2040, 1, 1, tzinfo=UTC)
    name = "other.example.com" if fault == "wrong_host" else HOST
    issuer.issue_cert(name, not_before=begins, not_after=ends).configure_cert(context)
    if fault == "tls1.1":
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    if fault == "client_certificate":
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    return context


def speaking(fault: str, context: ssl.SSLContext | None, seen: bytearray) -> Handler:
    """A server that keeps every byte it is sent, and shakes hands by hand."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if context is None:
            seen.extend(await reader.read(65_536))
            if fault == "close":
                return
            writer.write(RAW[fault])
            while piece := await reader.read(65_536):
                seen.extend(piece)
            return
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        step: Any = tls.do_handshake
        while True:
            try:
                step()
                if step == tls.do_handshake:
                    step = tls.read
                    continue
                tls.write(OK)
                step = tls.read
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                writer.write(outgoing.read())
                return
            writer.write(outgoing.read())
            piece = await reader.read(65_536)
            if not piece:
                return
            seen.extend(piece)
            incoming.write(piece)

    return handle


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning", "ignore:ssl.OP_NO:DeprecationWarning")
@pytest.mark.parametrize("fault", WANTED)
async def test_fault_has_its_name_and_nothing_is_readable(
    fault: str, receive: Any, make_sender: Any, authority: trustme.CA, tmp_path: Any
) -> None:
    """The outcome is named; what went over the wire begins as a handshake and holds no word of the request."""
    with reported(17, fault) as figures:
        seen = bytearray()
        context = None if fault in RAW or fault == "close" else server_context(fault, authority, tmp_path)
        receiver = await receive(speaking(fault, context, seen))
        sender = make_sender(tls_timeout_s=0.3 if fault == "silent" else 5.0)
        reply = await send(sender, f"https://{HOST}:{receiver.port}/hook?sig=hunter2", SECRET)
        outcome = figures["outcome"] = f"http_{reply.status}" if reply.status else str(reply.fault)
        assert outcome == WANTED[fault]
        assert receiver.connections == 1
        assert seen[:1] == b"\x16"
        assert not any(word in seen for word in (b"POST", b"hunter2", b"/hook", b"content-type"))
