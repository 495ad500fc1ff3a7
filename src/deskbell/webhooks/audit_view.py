"""What the audit tells of a change: members that differ, secrets as •••• and a fingerprint."""

import json
from hashlib import sha256
from typing import Any

from deskbell.model.credential import SealedAuth, SealedCertificate
from deskbell.model.instant import format_instant
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook

MASK = "••••"
_DIGITS = 8


def webhook_view(webhook: Webhook) -> dict[str, Any]:
    """The members of a webhook under the names of the API."""
    return {
        "description": webhook.description,
        "receiverUrl": f"{MASK} {webhook.receiver_url.masked} {webhook.receiver_url.fingerprint[-_DIGITS:]}",
        "eventTypes": list(webhook.event_types),
        "kind": webhook.kind,
        "format": webhook.format.value,
        "template": webhook.template,
        "filter": webhook.filter,
        "changedFields": list(webhook.changed_fields),
        "headers": {name: f"{MASK} {sealed_mark(value)}" for name, value in webhook.headers.items()},
        "auth": _auth_view(webhook.auth),
        "clientCertificate": _certificate_view(webhook.client_certificate),
        "signature": {"ddEncoding": webhook.signature.dd_encoding, "also": webhook.signature.also},
        "loopProtection": webhook.loop_protection,
        "ratePerSecond": webhook.rate_per_second,
        "retrySchedule": None if webhook.retry_schedule_s is None else list(webhook.retry_schedule_s),
        "timeoutSeconds": webhook.timeout_s,
        "payloadBytesMax": webhook.payload_bytes_max,
        "state": webhook.state.value,
        "pausedUntil": None if webhook.paused_until is None else format_instant(webhook.paused_until),
        "cancelled": None if webhook.deletion is None else webhook.deletion.cancelled,
    }


def _auth_view(auth: SealedAuth | None) -> dict[str, str] | None:
    if auth is None:
        return None
    return {"type": auth.kind.value, **auth.shown, "secret": f"{MASK} {sealed_mark(auth.sealed)}"}


def _certificate_view(certificate: SealedCertificate | None) -> dict[str, str] | None:
    if certificate is None:
        return None
    until = format_instant(certificate.expires_at)
    shown = {"subject": certificate.subject, "fingerprint": certificate.fingerprint, "expiresAt": until}
    return {**shown, "key": f"{MASK} {sealed_mark(certificate.sealed)}"}


def site_view(site: Site) -> dict[str, Any]:
    """The members of a site under the names of the API."""
    return {
        "name": site.name,
        "webhooksEnabled": site.webhooks_enabled,
        "timeZone": site.time_zone,
        "locale": site.locale,
        "chatLink": site.chat_link,
        "ticketLink": site.ticket_link,
        "allowedReceivers": list(site.allowed_receivers),
        "retentionDays": site.retention_days,
        "auditRetentionDays": site.audit_retention_days,
        "notify": list(site.notify),
    }


def sealed_mark(record: bytes) -> str:
    """A fingerprint of a sealed value: it differs whenever the value was set anew, and tells nothing else."""
    return sha256(record).hexdigest()[:_DIGITS]


def differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, str]:
    """JSON of the members that differ, as they were and as they are."""
    names = [name for name in after if before.get(name) != after[name]]
    return as_json({name: before.get(name) for name in names}), as_json({name: after[name] for name in names})


def as_json(members: dict[str, Any]) -> str:
    """JSON text for an audit entry."""
    return json.dumps(members, ensure_ascii=False, separators=(",", ":"))
