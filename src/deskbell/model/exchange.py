"""What passes between the engine and the guarded dialler: a Sendable out, a Reply back, an Outcome judged."""

from dataclasses import dataclass
from enum import StrEnum

from deskbell.model.credential import ClientIdentity
from deskbell.model.ids import SiteId


@dataclass(frozen=True, kw_only=True)
class Sendable:
    """One request, complete: nothing is added to it but Host and framing that it already names."""

    site: SiteId
    url: str  # canonical
    headers: tuple[tuple[str, str], ...]  # in order, content-length included, host excluded
    body: bytes
    method: str = "POST"
    identity: ClientIdentity | None = None  # shown in the TLS handshake


@dataclass(frozen=True, kw_only=True)
class SendPolicy:
    """Limits of one exchange, and the site's own narrowing of receivers."""

    total_s: float = 15.0
    response_bytes_max: int = 65_536
    allowed_receivers: tuple[str, ...] = ()


class Stage(StrEnum):
    """How far an exchange came."""

    RESOLVE = "resolve"
    VET = "vet"
    CONNECT = "connect"
    TLS = "tls"
    SEND = "send"
    WAIT = "wait"
    READ = "read"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Where the time went, milliseconds; None: that phase was not reached or not needed."""

    queued_ms: float | None = None
    resolve_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None  # from the last byte sent to the first byte received
    total_ms: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back, unjudged. Either `status` is set, or `fault` names what went wrong."""

    stage: Stage
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()  # names in lower case
    body: bytes = b""  # at most the policy's limit
    truncated: bool = False  # the body was longer or broke off
    fault: str | None = None  # a name of security.md 5.3, e.g. `tls_expired`, `blocked`
    rule: str | None = None  # for `blocked`: which rule
    text: str = ""  # one sentence of detail, e.g. "expired on 2026-01-01"
    notes: tuple[str, ...] = ()  # what went wrong after the status was known
    address: str | None = None  # dialled
    addresses: tuple[str, ...] = ()  # all that the name resolved to
    tls_version: str | None = None
    timing: Timing = Timing()


class OutcomeClass(StrEnum):
    """receivers.md 2.5."""

    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    THROTTLED = "throttled"
    FAILED = "failed"
    BLOCKED = "blocked"
    REFUSED = "refused"
    GONE = "gone"
    MISCONFIGURED = "misconfigured"
    INTERNAL = "internal"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A judged reply: class for the decision, stable name for people and counts."""

    kind: OutcomeClass
    name: str  # http_503, tls_expired, redirect …
    status: int | None = None
    text: str = ""  # one sentence of detail
    wait_s: float | None = None  # throttled: how long the receiver asked for
