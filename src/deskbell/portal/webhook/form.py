"""The form of a webhook: what it holds, what it offers, and how it becomes a specification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deskbell.model.errors import FaultAt
from deskbell.model.webhook import Webhook
from deskbell.portal.forms import Fields
from deskbell.portal.webhook.content import content_of, texts_from
from deskbell.portal.webhook.order import members_of_order, texts_of_order
from deskbell.portal.webhook.sign_in import (
    AS_TYPED,
    FIELD_OF_SIGN_IN,
    KEEP,
    LABELS_OF_SIGN_IN,
    TEXTS_OF_SIGN_IN,
    members_of_sign_in,
    texts_of_sign_in,
)
from deskbell.rules.catalogue import CATALOGUE, EventType

OFFERS = ("ticket", "chat", "custom")
FIELD_OF = {
    "description": "description",
    "receiverUrl": "url",
    "kind": "kind",
    "eventTypes": "types",
    "format": "format",
    "template": "template",
    "filter": "filter",
    "changedFields": "changed_fields",
    "signature": "dd_encoding",
    "headers": "headers",
    "retrySchedule": "retry",
    "timeoutSeconds": "timeout_s",
    "ratePerSecond": "rate",
    "payloadBytesMax": "payload_bytes_max",
    "loopProtection": "loop_protection",
    "batch/eventsMax": "batch_events",
    "batch/waitMs": "batch_wait_s",
    "orderedBy": "order",
    "onExhausted": "order",
    **FIELD_OF_SIGN_IN,
}
"""API members to form fields, so that a refusal stands where it belongs."""

LABELS = {
    "description": "Description",
    "url": "Receiver URL",
    "kind": "Receiver kind",
    "types": "Events",
    "format": "Payload format",
    "template": "Template",
    "filter": "Filter",
    "changed_fields": "Changed fields",
    "dd_encoding": "x-dd-signature",
    "headers": "Own headers",
    "retry": "Waits between attempts",
    "timeout_s": "Time limit",
    "rate": "Rate",
    "payload_bytes_max": "Largest payload",
    "loop_protection": "Loop protection",
    "batch_events": "Events in one delivery",
    "batch_wait_s": "Wait for more",
    "order": "Order",
    **LABELS_OF_SIGN_IN,
}
_TEXTS = (
    "description", "url", "kind", "format", "dd_encoding", "also", "headers", "retry", "timeout_s", "rate",
    "payload_bytes_max", "loop_protection", "types_more", "filter", "changed_fields", "template", "batch_events",
    "batch_wait_s", "order", *TEXTS_OF_SIGN_IN,
)  # fmt: skip
_DEFAULTS = {
    "kind": "generic",
    "format": "desk",
    "dd_encoding": "hex",
    "also": "none",
    "order": "none",
    "auth_kind": KEEP,
}


@dataclass(frozen=True, kw_only=True)
class Offered:
    """A group of event types in the form."""

    choice: str  # chat.*
    words: str  # All chat events, also future ones
    types: tuple[EventType, ...]


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What the form holds, as typed."""

    texts: Mapping[str, str] = field(default_factory=dict)
    types: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """A field's text, or its default."""
        return self.texts.get(name) or _DEFAULTS.get(name, "")


def typed_of(form: Fields) -> Typed:
    """A posted form."""
    more = form.text("types_more").replace(",", " ").split()
    types = tuple(dict.fromkeys((*form.many("types"), *more)))
    texts = {name: form.raw(name) if name in AS_TYPED else form.text(name) for name in _TEXTS}
    return Typed(texts=texts, types=types)


def offered(offer: str) -> tuple[Offered, ...]:
    """What a ticket, chat or custom webhook offers; it is only an offer, nothing of it is stored."""
    groups = {"ticket": ("ticket",), "chat": ("chat",)}.get(offer, ("chat", "ticket", "custom", "system"))
    return tuple(
        Offered(
            choice=f"{group}.*",
            words=f"All {group} events, also future ones" if group != "system" else "",
            types=tuple(one for one in CATALOGUE if one.group == group and one.name != "custom.example"),
        )
        for group in groups
    )


def offer_of(types: Sequence[str]) -> str:
    """The offer that shows all of a webhook's types."""
    groups = {one.split(".", 1)[0] for one in types}
    return groups.pop() if len(groups) == 1 and groups <= {"ticket", "chat"} else "custom"


def more_types(offer: str, types: Sequence[str]) -> str:
    """The chosen types that have no box in this offer."""
    shown = {one.name for group in offered(offer) for one in group.types} | {group.choice for group in offered(offer)}
    return " ".join(one for one in types if one not in shown)


def numbers_of(typed: Typed) -> tuple[dict[str, Any], tuple[FaultAt, ...]]:
    """The number fields as numbers; a fault for what is none."""
    found: dict[str, Any] = {}
    faults = []
    for name, member, of in (
        ("timeout_s", "timeoutSeconds", float),
        ("rate", "ratePerSecond", float),
        ("payload_bytes_max", "payloadBytesMax", int),
        ("batch_events", "batch/eventsMax", int),
        ("batch_wait_s", "batch/waitMs", float),
    ):
        text = typed.text(name)
        try:
            found[name] = of(text) if text else None
        except ValueError:
            faults.append(FaultAt(pointer=f"/{member}", code="type", detail="This takes a number."))
    try:
        waits = typed.text("retry").replace(",", " ").split()
        found["retry"] = [int(one) for one in waits] if waits else None
    except ValueError:
        faults.append(FaultAt(pointer="/retrySchedule", code="type", detail="Whole seconds, separated by commas."))
    return found, tuple(faults)


def headers_of(text: str) -> tuple[dict[str, str], tuple[FaultAt, ...]]:
    """Lines `name: value` as headers; a fault for a line without a colon."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon:
            detail = "One header a line, as name: value."
            return {}, (FaultAt(pointer="/headers", code="form", detail=detail),)
        found[name.strip()] = value.strip()
    return found, ()


def members_of(typed: Typed, *, with_url: bool) -> tuple[dict[str, Any], tuple[FaultAt, ...]]:
    """The form as members of the API, so that both are judged by the same rules."""
    numbers, faults = numbers_of(typed)
    headers, header_faults = headers_of(typed.text("headers"))
    content, content_faults = content_of(typed.texts)
    members: dict[str, Any] = {
        "description": typed.text("description"),
        "eventTypes": list(typed.types),
        "kind": typed.text("kind"),
        "format": typed.text("format"),
        **content,
        "signature": {"ddEncoding": typed.text("dd_encoding"), "also": typed.text("also")},
        "headers": headers,
        "retrySchedule": numbers.get("retry"),
        "timeoutSeconds": numbers.get("timeout_s"),
        "ratePerSecond": numbers.get("rate"),
        "payloadBytesMax": numbers.get("payload_bytes_max"),
        "loopProtection": bool(typed.text("loop_protection")),
        **members_of_order(typed.text("order"), numbers),
        **members_of_sign_in(typed.text),
    }
    if with_url:
        members["receiverUrl"] = typed.text("url")
    return members, (*faults, *header_faults, *content_faults)


def typed_from(webhook: Webhook) -> Typed:
    """The form as a webhook's settings fill it: no URL, no header values."""
    texts = {
        "description": webhook.description,
        "kind": webhook.kind,
        "format": webhook.format.value,
        **texts_from(webhook),
        "dd_encoding": webhook.signature.dd_encoding,
        "also": webhook.signature.also,
        "retry": "" if webhook.retry_schedule_s is None else ", ".join(map(str, webhook.retry_schedule_s)),
        "timeout_s": number_text(webhook.timeout_s),
        "rate": number_text(webhook.rate_per_second),
        "payload_bytes_max": number_text(webhook.payload_bytes_max),
        "loop_protection": "on" if webhook.loop_protection else "",
        **texts_of_order(webhook),
        **texts_of_sign_in(webhook),
    }
    return Typed(texts=texts, types=webhook.event_types)


def number_text(value: float | None) -> str:
    """A number as typed; empty for none."""
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
