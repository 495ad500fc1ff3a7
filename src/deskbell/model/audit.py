"""One row of the audit: who did what to which object, chained by hashes."""

from dataclasses import dataclass

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor

INSTALLATION = SiteId("")
"""The chain of what is done to the installation as a whole, beside one chain for each site."""


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


@dataclass(frozen=True, kw_only=True)
class AuditPlace:
    """A row of a chain by its number and hash: where a chain ends, or where retention has cut it."""

    seq: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which rows; every member that is set must hold."""

    actor: str = ""  # id or name
    operation: str = ""  # exact, or a group `webhook.*`
    object_id: str = ""
    since: Instant | None = None  # at or after
    until: Instant | None = None  # before

    def takes(self, entry: AuditEntry) -> bool:
        """Whether an entry is meant."""
        group = self.operation.endswith(".*") and entry.operation.startswith(self.operation[:-1])
        return (
            self.actor in ("", entry.actor.id, entry.actor.name)
            and (self.operation in ("", entry.operation) or group)
            and self.object_id in ("", entry.object_id)
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )


EVERY_ROW = AuditFilter()
