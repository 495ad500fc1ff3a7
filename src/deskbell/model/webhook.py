"""A webhook: a registration of description, receiver URL, event types and secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from deskbell.model.breaker import CLOSED, Breaker
from deskbell.model.credential import SealedAuth, SealedCertificate
from deskbell.model.failing import NOT_FAILING, Failing
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor


class WebhookState(StrEnum):
    """delivery.md 4. What is held and what is sent follows from it."""

    ENABLED = "enabled"
    PAUSED = "paused"
    DISABLED = "disabled"
    DELETED = "deleted"


class Format(StrEnum):
    """Payload formats of wire.md 2."""

    DESK = "desk"
    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"
    TEMPLATE = "template"


@dataclass(frozen=True, kw_only=True)
class SealedUrl:
    """A receiver URL at rest: the whole is encrypted, what lists may show is clear."""

    sealed: bytes
    masked: str  # scheme, host, port, /… and the last 4 characters (security.md 11)
    host: str
    fingerprint: str  # keyed hash of the canonical URL, for "same URL"


@dataclass(frozen=True, kw_only=True)
class SignatureSettings:
    """Which signatures are sent besides Standard Webhooks."""

    dd_encoding: str = "hex"  # hex, base64, off
    also: str = "none"  # none, github, stripe
    ed25519: bool = False


@dataclass(frozen=True, kw_only=True)
class Batch:
    """How many events one delivery may gather, and how long the oldest may wait."""

    events_max: int = 1
    wait_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class Deletion:
    """Who deleted a webhook, when, how and why."""

    at: Instant
    by: Actor
    reason: str | None = None
    cancelled: int = 0  # deliveries that were cancelled with it
    state_before: WebhookState = WebhookState.ENABLED


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """A webhook's settings and state. Health is a row of its own: it changes with every attempt."""

    site: SiteId
    id: WebhookId
    version: int  # counts every change; what deliveries refer to
    shard: int  # 0..255
    description: str
    receiver_url: SealedUrl
    event_types: tuple[str, ...]  # exact names, groups `chat.*`, or `*`
    created_at: Instant
    created_by: Actor
    kind: str = "generic"
    preset: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: WebhookState = WebhookState.ENABLED
    state_reason: str | None = None
    state_by: Actor | None = None
    state_at: Instant | None = None
    paused_until: Instant | None = None
    drop_before: Instant | None = None  # what waits and is older is being cancelled; nothing is sent until it is
    format: Format = Format.DESK
    template: str | None = None  # JSON text
    filter: str | None = None
    changed_fields: tuple[str, ...] = ()
    headers: Mapping[str, bytes] = field(default_factory=dict)  # name: sealed value
    auth: SealedAuth | None = None
    client_certificate: SealedCertificate | None = None
    signature: SignatureSettings = field(default_factory=SignatureSettings)
    loop_protection: bool = False
    batch: Batch = field(default_factory=Batch)
    ordered_by: str = "none"  # none, subject
    on_exhausted: str = "continue"  # continue, hold
    rate_per_second: float | None = None
    retry_schedule_s: tuple[int, ...] | None = None  # None: the site's default
    timeout_s: float | None = None
    payload_bytes_max: int | None = None
    deletion: Deletion | None = None


@dataclass(frozen=True, kw_only=True)
class Secret:
    """One signing secret of a webhook; the newest without `valid_until` is the current one."""

    site: SiteId
    webhook_id: WebhookId
    id: str  # sec_…
    sealed: bytes
    created_at: Instant
    valid_until: Instant | None = None  # set by a rotation


@dataclass(frozen=True, kw_only=True)
class Health:
    """How a webhook fares; written with each settle, last one wins."""

    site: SiteId
    webhook_id: WebhookId
    failures_in_row: int = 0
    first_failure_at: Instant | None = None  # of the present run of failures
    last_outcome: str | None = None
    last_status: int | None = None
    last_attempt_at: Instant | None = None
    last_success_at: Instant | None = None
    throttled_until: Instant | None = None  # the receiver asked for a pause
    breaker: Breaker = CLOSED
    failing: Failing = NOT_FAILING
    url: str = ""  # fingerprint of the receiver URL that this is about
    state_at: Instant | None = None  # the webhook's own, as it was then

    @property
    def breaker_until(self) -> Instant | None:
        """Until when nothing is sent because the receiver fails; then one delivery shows whether it is back."""
        return self.breaker.until


@dataclass(frozen=True, kw_only=True)
class StatHour:
    """Counts of one webhook's attempts in one hour; adding two rows adds every count."""

    site: SiteId
    webhook_id: WebhookId
    hour: int  # Unix hours
    delivered: int = 0
    accepted: int = 0
    failed: int = 0
    first_time: int = 0  # delivered or accepted by attempt 1
    ms_sum: int = 0
    ms_buckets: tuple[int, ...] = ()  # counts by response time, bounds in rules/limits
