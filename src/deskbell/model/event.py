"""An event: an immutable record that something happened, and why each webhook was or was not called."""

from dataclasses import dataclass

from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What an event is about."""

    type: str  # chat, ticket, or a caller's own word
    id: str
    title: str | None = None


@dataclass(frozen=True, kw_only=True)
class TraceEntry:
    """One webhook that was considered for an event."""

    webhook_id: WebhookId
    reason: str  # matched, paused, types, filter: …, fields, disabled, off, loop
    delivery_id: DeliveryId | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """What happened. `snapshot` is the JSON object of wire.md 2, made once, `meta` included."""

    site: SiteId
    id: EventId
    type: str
    snapshot: bytes
    occurred_at: Instant
    received_at: Instant
    by: Actor
    external_id: str | None = None  # the caller's own id, unique per site
    subject: Subject | None = None
    sequence: int | None = None  # per chat or ticket: 1, 2, 3 …
    hop: int = 0  # loop guard
    test: bool = False
    trace: tuple[TraceEntry, ...] = ()

    @property
    def is_erased(self) -> bool:
        """Whether its content was erased on request: id, type and times are all that is left."""
        return not self.snapshot


@dataclass(frozen=True, kw_only=True)
class Idempotency:
    """An `Idempotency-Key` that was used: same key and body get the same answer for 24 h."""

    site: SiteId
    maker: str  # key_… or usr_…
    key: str
    body_hash: str  # SHA-256 hex of method, path and body
    answer: bytes  # status, then the body that was answered, as JSON {"status": …, "body": …}
    at: Instant


@dataclass(frozen=True, kw_only=True)
class CustomType:
    """A declared `custom.*` event type."""

    site: SiteId
    name: str
    description: str
    schema: str | None = None  # JSON schema text
    sample: str | None = None  # JSON text of `data`
    validation: str = "off"  # off, warn, reject
    created_at: Instant
    version: int = 1
