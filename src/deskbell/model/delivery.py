"""A delivery: the duty to bring one or more events to one webhook in one payload. States are a table."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from deskbell.model.event import Subject
from deskbell.model.exchange import Outcome, Timing
from deskbell.model.ids import AttemptId, DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.instant import Instant


class DeliveryState(StrEnum):
    """States at rest. `sending` lives in the owner's memory only; the row says `waiting` until a settle."""

    GATHERING = "gathering"
    WAITING = "waiting"
    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"


ENDED = frozenset({DeliveryState.DELIVERED, DeliveryState.ACCEPTED, DeliveryState.EXHAUSTED, DeliveryState.CANCELLED})

MOVES = MappingProxyType(
    {
        DeliveryState.GATHERING: frozenset({DeliveryState.WAITING, DeliveryState.CANCELLED}),
        DeliveryState.WAITING: frozenset({DeliveryState.WAITING}) | ENDED,
        # an ended delivery can be redelivered (a success makes it delivered) or replayed (waits anew)
        DeliveryState.DELIVERED: frozenset({DeliveryState.DELIVERED, DeliveryState.ACCEPTED, DeliveryState.WAITING}),
        DeliveryState.ACCEPTED: frozenset({DeliveryState.DELIVERED, DeliveryState.ACCEPTED, DeliveryState.WAITING}),
        DeliveryState.EXHAUSTED: ENDED | {DeliveryState.WAITING},
        DeliveryState.CANCELLED: ENDED | {DeliveryState.WAITING},
    }
)
"""From state to the states a settle may write."""


class Trigger(StrEnum):
    """What started an attempt."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"
    REPLAY = "replay"
    TEST = "test"


class DecisionKind(StrEnum):
    """What follows from an outcome."""

    DELIVERED = "delivered"
    ACCEPTED = "accepted"
    RETRY = "retry"
    EXHAUSTED = "exhausted"
    DISABLE = "disable"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What follows from an outcome; `at` is the next attempt for RETRY."""

    kind: DecisionKind
    at: Instant | None = None


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The row of a delivery."""

    site: SiteId
    id: DeliveryId
    webhook_id: WebhookId
    webhook_version: int
    shard: int
    event_ids: tuple[EventId, ...]
    event_types: tuple[str, ...]  # in the payload, each once
    created_at: Instant
    due_at: Instant  # the next attempt, wall time
    state: DeliveryState = DeliveryState.WAITING
    subject: Subject | None = None
    hop: int = 0  # the highest among its events
    attempts: int = 0  # all attempts so far
    step: int = 0  # automatic attempts so far: position in the retry schedule
    internal_faults: int = 0  # errors of ours so far; 3 quarantine it
    last_outcome: str | None = None
    last_status: int | None = None
    ended_at: Instant | None = None
    payload_bytes: int | None = None
    payload: bytes | None = None  # stored when it cannot be joined from snapshots
    replay_id: str | None = None
    copy_of: DeliveryId | None = None  # the same events were sent by that delivery, with the settings of its time
    test: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Somebody asked for one attempt of a delivery, now. The row goes with the attempt's settle, not before.

    It is how a request reaches the owner of the shard, from whatever process it was made in: a ring may be lost and a
    process may end, the row stays. That one delivery has at most one such row, and that only the owner acts on it,
    keeps it from being in flight twice.
    """

    site: SiteId
    delivery_id: DeliveryId
    webhook_id: WebhookId
    shard: int
    at: Instant
    by: str | None = None  # who; None: it is a test


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One request for a delivery and what came of it; append-only."""

    site: SiteId
    id: AttemptId
    delivery_id: DeliveryId
    webhook_id: WebhookId
    number: int
    trigger: Trigger
    started_at: Instant
    outcome: Outcome
    decision: Decision
    timing: Timing
    by: str | None = None  # who asked, for manual
    address: str | None = None  # the address dialled
    url_masked: str = ""
    request_headers: tuple[tuple[str, str], ...] = ()  # credentials masked
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: bytes = b""  # first 8 KiB, redacted
    response_truncated: bool = False
    secret_fingerprint: str | None = None
