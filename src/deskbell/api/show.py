"""Model values as API shapes."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from deskbell.api import shapes
from deskbell.model.credential import SealedCertificate
from deskbell.model.delivery import ENDED, Attempt, Delivery
from deskbell.model.errors import FaultAt
from deskbell.model.event import Event, Subject, TraceEntry
from deskbell.model.exchange import OutcomeClass
from deskbell.model.instant import Instant, format_instant
from deskbell.model.people import Actor
from deskbell.model.site import Site
from deskbell.model.webhook import Health, StatHour, Webhook, WebhookState
from deskbell.rules.health import current
from deskbell.rules.limits import RETRY_SCHEDULE_S, Limits
from deskbell.rules.masking import mask_attempt
from deskbell.rules.redacting_paths import Paths, mask_paths
from deskbell.rules.redaction import redact, redact_json


def time(at: Instant | None) -> str | None:
    """An instant in the wire form."""
    return None if at is None else format_instant(at)


def by(actor: Actor) -> shapes.By:
    """Who did it."""
    return shapes.By(kind=actor.kind.value, name=actor.name)


def subject(value: Subject | None) -> shapes.SubjectShape | None:
    """What an event is about."""
    return None if value is None else shapes.SubjectShape(type=value.type, id=value.id, title=value.title)


def health(webhook: Webhook, value: Health | None, stats: Sequence[StatHour] = ()) -> shapes.HealthShape:
    """How a webhook fares; `stats` are its hours of the last day."""
    ended = sum(row.delivered + row.accepted + row.failed for row in stats)
    good = sum(row.delivered + row.accepted for row in stats)
    value = current(value, webhook)
    if value.last_attempt_at is None:
        return shapes.HealthShape(state="new", paused_until=time(webhook.paused_until))
    return shapes.HealthShape(
        state="failing" if value.failures_in_row else "healthy",
        last_outcome=value.last_outcome,
        last_attempt_at=time(value.last_attempt_at),
        success_rate24h=round(good / ended, 4) if ended else None,
        failures_in_row=value.failures_in_row,
        first_failure_at=time(value.first_failure_at),
        paused_until=time(webhook.paused_until),
        breaker_until=time(value.breaker_until),
        throttled_until=time(value.throttled_until),
    )


def client_certificate(value: SealedCertificate | None) -> dict[str, Any] | None:
    """What may be shown of a client certificate: what stands in it."""
    if value is None:
        return None
    return {
        "subject": value.subject,
        "expiresAt": format_instant(value.expires_at),
        "fingerprint": value.fingerprint,
        "set": True,
    }


def webhook(
    value: Webhook,
    *,
    limits: Limits,
    health_row: Health | None = None,
    stats: Sequence[StatHour] = (),
    url_text: str | None = None,
    secret: str | None = None,
    warnings: Sequence[FaultAt] | None = None,
    held: shapes.HeldShape | UnsetType = UNSET,
) -> shapes.WebhookShape:
    """A webhook; its URL is masked unless `url_text` is given."""
    deletion = value.deletion if value.state is WebhookState.DELETED else None
    return shapes.WebhookShape(
        id=value.id,
        version=value.version,
        description=value.description,
        receiver_url=url_text or value.receiver_url.masked,
        kind=value.kind,
        preset=value.preset,
        settings=dict(value.settings),
        event_types=list(value.event_types),
        state=value.state.value,
        state_reason=value.state_reason,
        format=value.format.value,
        template=None if value.template is None else msgspec.json.decode(value.template),
        filter=value.filter,
        changed_fields=list(value.changed_fields),
        headers={name: {"set": True} for name in value.headers},
        auth=None if value.auth is None else {"type": value.auth.kind.value, **value.auth.shown, "set": True},
        client_certificate=client_certificate(value.client_certificate),
        signature=shapes.SignatureShape(
            dd_encoding=value.signature.dd_encoding, also=value.signature.also, ed25519=value.signature.ed25519
        ),
        loop_protection=value.loop_protection,
        batch=shapes.BatchShape(events_max=value.batch.events_max, wait_ms=value.batch.wait_ms),
        ordered_by=value.ordered_by,
        on_exhausted=value.on_exhausted,
        rate_per_second=value.rate_per_second,
        retry_schedule=list(RETRY_SCHEDULE_S if value.retry_schedule_s is None else value.retry_schedule_s),
        timeout_seconds=value.timeout_s or limits.attempt_timeout_s,
        payload_bytes_max=value.payload_bytes_max or limits.payload_bytes_max,
        created_at=format_instant(value.created_at),
        created_by=by(value.created_by),
        health=health(value, health_row, stats),
        deleted_at=format_instant(deletion.at) if deletion else UNSET,
        deleted_by=by(deletion.by) if deletion else UNSET,
        deleted_reason=deletion.reason if deletion else UNSET,
        secret=UNSET if secret is None else secret,
        warnings=UNSET if warnings is None else [warning(one) for one in warnings],
        held=held,
    )


def warning(value: FaultAt) -> shapes.WarningShape:
    """A warning, where a fault would stand."""
    return shapes.WarningShape(pointer=value.pointer, code=value.code, detail=value.detail)


def event(value: Event, *, masked: Paths | None = None) -> shapes.EventShape:
    """An event; custom ones show `data` byte for byte as published, but for whoever sees payloads masked."""
    data = msgspec.Raw(b"null" if value.is_erased else value.snapshot)
    if value.type.startswith("custom.") and not value.is_erased:
        data = msgspec.json.decode(value.snapshot, type=dict[str, msgspec.Raw]).get("data", data)
    if masked is not None:
        data = msgspec.Raw(redact_json(bytes(data), masked))
    return shapes.EventShape(
        id=value.id,
        external_id=value.external_id,
        type=value.type,
        subject=subject(value.subject),
        sequence=value.sequence,
        occurred_at=format_instant(value.occurred_at),
        received_at=format_instant(value.received_at),
        by=by(value.by),
        data=data,
        test=value.test,
        erased=value.is_erased,
    )


def trace(entries: Sequence[TraceEntry]) -> list[shapes.TraceShape]:
    """The webhooks considered for an event."""
    return [
        shapes.TraceShape(
            webhook_id=entry.webhook_id,
            matched=entry.reason in ("matched", "paused"),
            reason=entry.reason,
            delivery_id=entry.delivery_id,
        )
        for entry in entries
    ]


def held_by(value: Delivery, site: Site, owner: Webhook | None) -> str | None:
    """Why a delivery that has not ended is held: paused, disabled, off, restored; or None."""
    if value.state in ENDED:
        return None
    if owner is not None and owner.state in (WebhookState.PAUSED, WebhookState.DISABLED):
        return owner.state.value
    if not site.webhooks_enabled:
        return "off"
    return "restored" if site.holds(value.webhook_id) else None


def delivery(
    value: Delivery,
    site: Site,
    owner: Webhook | None,
    log: Sequence[Attempt] | None = None,
    copies: Sequence[Delivery] = (),
    before: Delivery | None = None,
    shows_refused: bool = False,
) -> shapes.DeliveryShape:
    """A delivery; with its log, and the copies made of it, when asked for. `before` has to be through first."""
    held = held_by(value, site, owner)
    waits = value.state not in ENDED and held is None
    return shapes.DeliveryShape(
        id=value.id,
        webhook_id=value.webhook_id,
        event_ids=list(value.event_ids),
        event_types=list(value.event_types),
        subject=subject(value.subject),
        state=value.state.value,
        held_by=held,
        waits_for=None if before is None else before.id,
        attempts=value.attempts,
        last_outcome=value.last_outcome,
        next_attempt_at=format_instant(value.due_at) if waits and before is None else None,
        created_at=format_instant(value.created_at),
        ended_at=time(value.ended_at),
        payload_bytes=value.payload_bytes,
        test=value.test,
        replay_id=value.replay_id,
        copy_of=value.copy_of,
        copies=UNSET if log is None else [one.id for one in copies],
        log=UNSET if log is None else [attempt(one, shows_refused=shows_refused) for one in log],
    )


def attempt(
    value: Attempt, body: bytes | None = None, *, masked: Paths | None = None, shows_refused: bool = False
) -> shapes.AttemptShape:
    """An attempt; request and response come along when the body is given. A refused address is for owners alone."""
    full: dict[str, Any] = {}
    hides_address = value.outcome.kind is OutcomeClass.BLOCKED and not shows_refused
    if body is not None:
        if masked is not None:
            body, value = redact(mask_paths(body, masked)), mask_attempt(value, masked)
        full["request"] = shapes.RequestShape(
            method="POST", url=value.url_masked, headers=list(value.request_headers), body=readable(body)
        )
        full["response"] = shapes.ResponseShape(
            status=value.outcome.status,
            headers=list(value.response_headers),
            body=readable(value.response_body),
            truncated=value.response_truncated,
        )
    return shapes.AttemptShape(
        id=value.id,
        delivery_id=value.delivery_id,
        number=value.number,
        trigger=value.trigger.value,
        started_at=format_instant(value.started_at),
        by=value.by,
        outcome=shapes.OutcomeShape(
            class_=value.outcome.kind.value,
            name=value.outcome.name,
            status=value.outcome.status,
            text=value.outcome.text,
        ),
        decision=shapes.DecisionShape(kind=value.decision.kind.value, at=time(value.decision.at)),
        timing=shapes.TimingShape(
            queued_ms=value.timing.queued_ms,
            resolve_ms=value.timing.resolve_ms,
            connect_ms=value.timing.connect_ms,
            tls_ms=value.timing.tls_ms,
            first_byte_ms=value.timing.first_byte_ms,
            total_ms=value.timing.total_ms,
        ),
        address=None if hides_address else value.address,
        **full,
    )


def readable(body: bytes) -> str:
    """A body as text; what is not UTF-8 shows as replacement characters."""
    return body.decode("utf-8", "replace")
