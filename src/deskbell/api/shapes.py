"""What the API takes and gives: the core shapes of the contract as msgspec types, camelCase on the wire."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

Headers = list[tuple[str, str]]


class Shape(Struct, rename="camel", kw_only=True, omit_defaults=False):
    """Something the API answers."""


class Input(Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """Something the API takes; unknown members are refused."""


class By(Shape):
    """Who did it."""

    kind: str
    name: str


class SubjectShape(Shape):
    """What an event is about."""

    type: str
    id: str
    title: str | None = None


class HealthShape(Shape):
    """How a webhook fares."""

    state: Literal["new", "healthy", "failing"]
    last_outcome: str | None = None
    last_attempt_at: str | None = None
    success_rate24h: float | None = None
    failures_in_row: int = 0
    first_failure_at: str | None = None
    paused_until: str | None = None
    breaker_until: str | None = None
    throttled_until: str | None = None


class SignatureShape(Shape):
    """Which signatures are sent besides Standard Webhooks."""

    dd_encoding: str = "hex"
    also: str = "none"
    ed25519: bool = False


class BatchShape(Shape):
    """How many events one delivery may gather."""

    events_max: int = 1
    wait_ms: int = 0


class WarningShape(Shape):
    """What is odd in settings that were taken all the same."""

    pointer: str
    code: str
    detail: str


class HeldShape(Shape):
    """What becomes of the deliveries that a webhook held."""

    kept: int
    cancelled: int


class WebhookShape(Shape):
    """A webhook. `receiverUrl` is masked except in the answers to create and update, which have `warnings` too; those
    to resume and enable have `held`."""

    id: str
    version: int
    description: str
    receiver_url: str
    kind: str
    preset: str | None
    settings: dict[str, Any]
    event_types: list[str]
    state: str
    state_reason: str | None
    format: str
    template: Any
    filter: str | None
    changed_fields: list[str]
    headers: dict[str, dict[str, bool]]
    auth: dict[str, Any] | None
    client_certificate: dict[str, Any] | None
    signature: SignatureShape
    loop_protection: bool
    batch: BatchShape
    ordered_by: str
    on_exhausted: str
    rate_per_second: float | None
    retry_schedule: list[int]
    timeout_seconds: float
    payload_bytes_max: int
    created_at: str
    created_by: By
    health: HealthShape
    deleted_at: str | UnsetType = UNSET
    deleted_by: By | UnsetType = UNSET
    deleted_reason: str | UnsetType | None = UNSET
    secret: str | UnsetType = UNSET
    warnings: list[WarningShape] | UnsetType = UNSET
    held: HeldShape | UnsetType = UNSET


class WebhookInput(Input):
    """Settings of a webhook; description, receiverUrl and eventTypes are enough."""

    description: str
    receiver_url: str
    event_types: list[str]
    kind: str = "generic"
    preset: str | None = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    format: str = "desk"
    template: Any = None
    filter: str | None = None
    changed_fields: list[str] = msgspec.field(default_factory=list)
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    auth: dict[str, Any] | None = None
    client_certificate: dict[str, Any] | None = None
    signature: dict[str, Any] = msgspec.field(default_factory=dict)
    loop_protection: bool = False
    batch: dict[str, int] = msgspec.field(default_factory=dict)
    ordered_by: str = "none"
    on_exhausted: str = "continue"
    rate_per_second: float | None = None
    retry_schedule: list[int] | None = None
    timeout_seconds: float | None = None
    payload_bytes_max: int | None = None
    secret: str | None = None
    send_test: bool = False


class EventShape(Shape):
    """An event; `data` is as published for custom events, else the snapshot."""

    id: str
    external_id: str | None
    type: str
    subject: SubjectShape | None
    sequence: int | None
    occurred_at: str
    received_at: str
    by: By
    data: msgspec.Raw
    test: bool = False
    erased: bool = False


class TraceShape(Shape):
    """One webhook that was considered."""

    webhook_id: str
    matched: bool
    reason: str
    delivery_id: str | None


class DeliveryShape(Shape):
    """A delivery; GET of one adds its log."""

    id: str
    webhook_id: str
    event_ids: list[str]
    event_types: list[str]
    subject: SubjectShape | None
    state: str
    held_by: str | None
    waits_for: str | None
    attempts: int
    last_outcome: str | None
    next_attempt_at: str | None
    created_at: str
    ended_at: str | None
    payload_bytes: int | None
    test: bool
    replay_id: str | None = None
    copy_of: str | None = None
    copies: list[str] | UnsetType = UNSET
    log: "list[AttemptShape] | UnsetType" = UNSET


class OutcomeShape(Shape):
    """A judged answer."""

    class_: str = msgspec.field(name="class")
    name: str
    status: int | None
    text: str


class DecisionShape(Shape):
    """What followed from it."""

    kind: str
    at: str | None


class TimingShape(Shape):
    """Where the time went, milliseconds."""

    queued_ms: float | None
    resolve_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    first_byte_ms: float | None
    total_ms: float


class RequestShape(Shape):
    """What was sent; credentials are masked."""

    method: str
    url: str
    headers: Headers
    body: str


class ResponseShape(Shape):
    """What came back: the first 8 KiB, redacted."""

    status: int | None
    headers: Headers
    body: str
    truncated: bool


class AttemptShape(Shape):
    """One request for a delivery and what came of it."""

    id: str
    delivery_id: str
    number: int
    trigger: str
    started_at: str
    by: str | None
    outcome: OutcomeShape
    decision: DecisionShape
    timing: TimingShape
    address: str | None
    request: RequestShape | UnsetType = UNSET
    response: ResponseShape | UnsetType = UNSET


class Listing(Shape):
    """One page of a list, newest first."""

    items: list[Any]
    next: str | None


class Accepted(Shape):
    """The event's id."""

    id: str


class AcceptedMany(Shape):
    """The events' ids, in the order published."""

    ids: list[str]
