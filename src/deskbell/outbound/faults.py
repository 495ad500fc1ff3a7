"""What goes wrong before an answer: exceptions that stay inside this room, and the stable names of system errors."""

import errno
import ssl

from deskbell.model.errors import Fault
from deskbell.model.exchange import Stage

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENETDOWN})
_NO_FILE = frozenset({errno.EMFILE, errno.ENFILE})


class ResolveFault(Fault):
    """The name did not resolve; `name` is dns_nxdomain, dns_no_address, dns_error or dns_timeout."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(text)
        self.name = name
        self.text = text


class DialFault(Fault):
    """No connection came about; `name` and `text` go into the reply."""

    def __init__(self, name: str, text: str, stage: Stage) -> None:
        super().__init__(text)
        self.name = name
        self.text = text
        self.stage = stage


def connect_fault(error: OSError) -> DialFault:
    """Why TCP did not connect."""
    if isinstance(error, TimeoutError):
        return DialFault("connect_timeout", "no TCP connection came about in time", Stage.CONNECT)
    if isinstance(error, ConnectionResetError):
        return DialFault("connection_reset", "the receiver reset the connection at once", Stage.CONNECT)
    if error.errno in _NO_ROUTE:
        return DialFault("connection_refused", "there is no route to the address", Stage.CONNECT)
    if error.errno in _NO_FILE:
        return DialFault("connection_refused", "Deskbell may open no more files here: raise the limit", Stage.CONNECT)
    return DialFault("connection_refused", "nothing takes connections at this address and port", Stage.CONNECT)


def loss_of(error: Exception | None) -> tuple[str, str]:
    """Name and sentence for a connection that ended before its answer."""
    if error is None:
        return "connection_closed", "the receiver closed the connection before the response headers were complete"
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return "tls_error", f"TLS failed after the handshake: {reason_of(error)}"
    return "connection_reset", "the receiver reset the connection before the response headers were complete"


def reason_of(error: ssl.SSLError) -> str:
    """OpenSSL's own word for the error, readable."""
    return (error.reason or "unknown reason").lower().replace("_", " ")
