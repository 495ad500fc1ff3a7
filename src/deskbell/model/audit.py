"""One row of the audit: who did what to which object, chained by hashes."""

from dataclasses import dataclass

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a request came from."""

    address: str
    request_id: str


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """What is to be recorded; the store gives it its sequence and hash in the same transaction."""

    site: SiteId
    at: Instant
    actor: Actor
    operation: str  # noun.verb, e.g. webhook.create
    object_id: str
    address: str = ""
    request_id: str = ""
    before: str | None = None  # JSON text, secrets as •••• + fingerprint
    after: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """A recorded entry: hash = SHA-256(previous hash ‖ canonical entry)."""

    seq: int
    entry: AuditEntry
    previous_hash: str
    hash: str
