"""TLS towards receivers: one strict context, and the names of what can go wrong in a handshake."""

import os
import ssl
from collections.abc import Callable
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Any

from cryptography import x509

from deskbell.model.credential import ClientIdentity
from deskbell.model.exchange import Stage
from deskbell.outbound.faults import DialFault, reason_of

_CONTEXTS_MAX = 256
_EXPIRED = 10
_NOT_YET = 9
_WRONG_NAME = frozenset({62, 64})
_UNTRUSTED = {18: "the certificate is self-signed", 19: "the certificate's authority is not known here"}
_TEXTS = {
    "WRONG_VERSION_NUMBER": "the receiver does not speak TLS at this port",
    "UNSUPPORTED_PROTOCOL": "the receiver offers no TLS version from 1.2 on",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the receiver offers no TLS version from 1.2 on",
    "HTTP_REQUEST": "the receiver does not speak TLS at this port",
}


class _TellingHandshake(ssl.SSLObject):
    """Adds the certificate's dates and names to the error of a failed verification."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            detail = _certificate(self)
            if detail is not None:
                error.args = (*error.args, detail)
            raise


def _certificate(handshake: ssl.SSLObject) -> x509.Certificate | None:
    # public as SSLObject.get_unverified_chain from Python 3.13 on; before, the same call one level below
    source: Any = handshake if hasattr(handshake, "get_unverified_chain") else getattr(handshake, "_sslobj", None)
    chain = source.get_unverified_chain() if hasattr(source, "get_unverified_chain") else None
    if not chain:
        return None
    first = chain[0]
    try:
        return x509.load_der_x509_certificate(
            first if isinstance(first, bytes) else ssl.PEM_cert_to_DER_cert(first.public_bytes())
        )
    except ValueError:
        return None


def client_context(ca_file: str | None = None) -> ssl.SSLContext:
    """TLS 1.2 or later, peer and host verified, the system's authorities and those in `ca_file` (PEM)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # ssl.create_default_context would obey SSLKEYLOGFILE
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.sslobject_class = _TellingHandshake
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


class Contexts:
    """One shared context, and one per client certificate in use."""

    def __init__(self, make: Callable[[], ssl.SSLContext]) -> None:
        self._make = make
        self._shared = make()
        self._own: dict[str, ssl.SSLContext] = {}

    def of(self, identity: ClientIdentity | None) -> ssl.SSLContext:
        """The context for this certificate. Raises ssl.SSLError when it cannot be used."""
        if identity is None:
            return self._shared
        found = self._own.get(identity.mark)
        if found is None:
            if len(self._own) >= _CONTEXTS_MAX:
                self._own.clear()
            found = self._make()
            load_identity(found, identity)
            self._own[identity.mark] = found
        return found


def load_identity(context: ssl.SSLContext, identity: ClientIdentity) -> None:
    """Show this certificate in handshakes. OpenSSL reads it from a file: one that has no name on any disk."""
    with _nameless_file() as file:
        file.write(f"{identity.key.strip()}\n{identity.chain.strip()}\n".encode())
        file.flush()
        file.seek(0)
        context.load_cert_chain(f"/dev/fd/{file.fileno()}")


def _nameless_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("identity", os.MFD_CLOEXEC), "w+b")
    return TemporaryFile()


def tls_fault(error: Exception) -> DialFault:
    """Why the handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _unverified(error)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        text = _TEXTS.get(error.reason or "", f"the TLS handshake failed: {reason_of(error)}")
        return DialFault("tls_error", text, Stage.TLS)
    return DialFault("connection_reset", "the receiver ended the connection during the TLS handshake", Stage.TLS)


def _unverified(error: ssl.SSLCertVerificationError) -> DialFault:
    shown = next((one for one in error.args if isinstance(one, x509.Certificate)), None)
    code = error.verify_code
    if code == _EXPIRED:
        on = "" if shown is None else f" on {_day(shown.not_valid_after_utc)}"
        return DialFault("tls_expired", f"the certificate expired{on}", Stage.TLS)
    if code == _NOT_YET:
        day = "later" if shown is None else _day(shown.not_valid_before_utc)
        return DialFault("tls_error", f"the certificate is valid only from {day} on", Stage.TLS)
    if code in _WRONG_NAME:
        return DialFault("tls_wrong_host", f"the certificate is for {_names(shown)}", Stage.TLS)
    text = _UNTRUSTED.get(code, f"the certificate is not trusted: {error.verify_message}")
    return DialFault("tls_untrusted", text, Stage.TLS)


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _names(certificate: x509.Certificate | None) -> str:
    """The first names that a certificate is for; only plain characters, the receiver made them."""
    if certificate is None:
        return "another name"
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = found.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        names = []
    plain = [
        name for name in names if name.isascii() and name.replace("*", "").replace("-", "").replace(".", "").isalnum()
    ]
    return ", ".join(name[:100] for name in plain[:3]) or "another name"
