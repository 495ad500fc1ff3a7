"""Samples of every event type, made by the same code that makes real snapshots, so that they cannot drift."""

import hashlib
from collections.abc import Mapping
from typing import Any

from deskbell.model.delivery import Delivery
from deskbell.model.event import Subject
from deskbell.model.ids import DeliveryId, EventId, Prefix, SiteId, WebhookId, make_id, shard_of
from deskbell.model.instant import Instant, format_instant, plus, unix_ms
from deskbell.model.people import SYSTEM, Actor, ActorKind
from deskbell.model.webhook import SealedUrl, Webhook, WebhookState
from deskbell.rules import payload
from deskbell.rules.samples_chat import sample_chat
from deskbell.rules.samples_people import Cast, plain_cast, sample_start, unicode_cast
from deskbell.rules.samples_ticket import sample_tickets
from deskbell.rules.schemas_types import DWELLED, group_named

SAMPLE_NAMES = ("minimal", "typical", "maximal", "unicode")

_THRESHOLDS_S = {"chat.dwelled": 3600, "ticket.dwelled": 172_800}
_OFFSETS_S = {"chat.completed": 796.692, "chat.dwelled": 3784.442, "ticket.dwelled": 172_860.25}
_STATES = {"webhook.deleted": WebhookState.DELETED, "webhook.disabled": WebhookState.DISABLED}
_DATA: Mapping[str, bytes] = {
    "minimal": b"{}",
    "typical": b'{"order":4711,"state":"packed"}',
    "maximal": b'{"order":4711,"total":1.50,"big":12345678901234567890,"lines":[{"sku":"A-1","count":2}],"note":null}',
    "unicode": '{"Größe":"XL","名前":"渡辺 🦊","\\u0022quoted\\u0022":"line\\nbreak"}'.encode(),
}


def sample(event_type: str, sample_name: str, *, site: str = "dd") -> bytes:
    """One whole snapshot. Raises KeyError when the Catalogue has no such type or there is no such sample."""
    event_id = _id("evt", event_type + sample_name)
    counted = group_named(event_type) in {"chat", "ticket"}
    return payload.finish_snapshot(
        sample_head(event_type, sample_name, site=site, event_id=event_id),
        event_id=event_id,
        event_type=event_type,
        sequence=3 if counted else None,
        occurred_at=_occurred(event_type),
        extra=sample_meta(event_type),
    )


def sample_head(event_type: str, sample_name: str, *, site: str, event_id: str, link: str = "") -> bytes:
    """The head of a sample, ready for an event of its own. Raises KeyError as `sample` does."""
    if sample_name not in SAMPLE_NAMES:
        raise KeyError(sample_name)
    cast = unicode_cast(site) if sample_name == "unicode" else plain_cast(site)
    group = group_named(event_type)
    if group == "chat":
        return payload.chat_head(sample_chat(SiteId(site), event_type, sample_name, cast))
    if group == "ticket" and event_type != "ticket":
        before, after = sample_tickets(SiteId(site), event_type, sample_name, cast)
        page = link or f"https://desk.example/sites/{site}/desk/tickets/{after.id}"
        return payload.ticket_head(after, payload.ticket_changes(before, after), page)
    if group == "custom":
        return payload.custom_head(site, event_id, event_type, _DATA[sample_name])
    webhook = _webhook(SiteId(site), event_type, sample_name, cast)
    if group == "test":
        return payload.test_head(site, event_id, webhook.id, webhook.description, cast.agent.name)
    if group == "system":
        return _system_head(webhook, event_type, sample_name, event_id, cast)
    raise KeyError(event_type)


def sample_meta(event_type: str) -> dict[str, Any]:
    """The members of `meta` that only this type has."""
    if event_type not in DWELLED:
        return {}
    threshold_s = _THRESHOLDS_S[event_type]
    since = format_instant(plus(_occurred(event_type), -threshold_s - 0.25))
    return {"since": since, "thresholdSeconds": threshold_s, "lateBySeconds": 0.25}


def _occurred(event_type: str) -> Instant:
    if event_type in {"chat.created", "ticket.created"}:
        return sample_start()
    return plus(sample_start(), _OFFSETS_S.get(event_type, 60.0 if event_type.startswith("ticket.") else 184.192))


def _system_head(webhook: Webhook, event_type: str, sample_name: str, event_id: str, cast: Cast) -> bytes:
    by_person = event_type in {"webhook.created", "webhook.changed", "webhook.deleted"}
    person = Actor(kind=ActorKind.PERSON, name=cast.agent.name)
    actor = person if by_person else SYSTEM
    return payload.system_head(
        webhook.site,
        event_id,
        webhook=webhook,
        actor=None if sample_name == "minimal" else actor,
        reason=None if sample_name == "minimal" else cast.note,
        delivery=_delivery(webhook, sample_name, cast) if event_type == "delivery.exhausted" else None,
    )


def _webhook(site: SiteId, event_type: str, sample_name: str, cast: Cast) -> Webhook:
    webhook_id = WebhookId(_id("whk", sample_name))
    masked = "https://hooks.example.com/…9f3c"
    return Webhook(
        site=site,
        id=webhook_id,
        version=1,
        shard=shard_of(webhook_id),
        description=cast.title,
        receiver_url=SealedUrl(sealed=b"", masked=masked, host="hooks.example.com", fingerprint=""),
        event_types=("chat.*",),
        created_at=sample_start(),
        created_by=Actor(kind=ActorKind.PERSON, name=cast.agent.name),
        kind="slack" if sample_name == "maximal" else "generic",
        state=_STATES.get(event_type, WebhookState.ENABLED),
    )


def _delivery(webhook: Webhook, sample_name: str, cast: Cast) -> Delivery:
    minimal = sample_name == "minimal"
    return Delivery(
        site=webhook.site,
        id=DeliveryId(_id("dlv", sample_name)),
        webhook_id=webhook.id,
        webhook_version=1,
        shard=webhook.shard,
        event_ids=(EventId(_id("evt", sample_name)),),
        event_types=("chat.missed", "chat.updated") if sample_name == "maximal" else ("chat.missed",),
        created_at=sample_start(),
        due_at=sample_start(),
        subject=None if minimal else Subject(type="chat", id="1795443069-4C1E", title=cast.title),
        attempts=12,
        last_outcome=None if minimal else "http_503",
    )


def _id(prefix: Prefix, of: str) -> str:
    """An id that is the same in every sample of the same thing."""
    chance = int.from_bytes(hashlib.sha256(of.encode()).digest()[:10], "big")
    return make_id(prefix, unix_ms=unix_ms(sample_start()), chance=chance)
