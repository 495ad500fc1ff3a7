"""Questions to the store: filters, cursors and the counts that come back."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from deskbell.model.ids import WebhookId
from deskbell.model.instant import Instant

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries; every member that is set must hold."""

    webhook_ids: tuple[WebhookId, ...] = ()
    states: tuple[str, ...] = ()  # states at rest
    held: bool | None = None  # True: only those of these `held_webhooks` that have not ended; False: only others
    held_webhooks: tuple[WebhookId, ...] = ()  # webhooks whose deliveries are held now
    event_type: str | None = None
    subject: tuple[str, str] | None = None  # type, id
    since: Instant | None = None  # created at or after
    until: Instant | None = None  # created before
    due_before: Instant | None = None
    words: tuple[str, ...] = ()  # all must occur (any case) in subject title or id, types, ids, outcome
    word_webhooks: tuple[tuple[WebhookId, ...], ...] = ()  # per word: webhooks whose description or host has it
    replay_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """Which events."""

    type: str | None = None  # exact, or a group `chat.*`
    subject: tuple[str, str] | None = None
    since: Instant | None = None  # received at or after
    until: Instant | None = None
    test: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ChatFilter:
    """Which chats."""

    statuses: tuple[str, ...] = ()
    creator_id: str | None = None  # userId
    reference_id: str | None = None  # ticket id


@dataclass(frozen=True, kw_only=True)
class TicketFilter:
    """Which tickets; deleted ones never."""

    contact_id: str | None = None  # userId
    closed: bool | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WaitingCount:
    """How much waits for one webhook."""

    webhook_id: WebhookId
    waiting: int
    oldest_at: Instant | None = None  # created
    next_at: Instant | None = None  # due


@dataclass(frozen=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list, newest first; `next` continues it, None at the end."""

    items: tuple[T, ...]
    next: str | None = None
