"""Why it was sent: each webhook that was considered for the events of a delivery, with the reason in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deskbell.model.event import Event, TraceEntry
from deskbell.model.ids import WebhookId
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.portal.page import PageAsk
from deskbell.rules.filtering import FILTER, NOT_EVALUATED

_WORDS = {
    "matched": "listens to {type}",
    "paused": "listens to {type}; paused, so the delivery is held",
    "types": "does not listen to this event type",
    "fields": "none of its chosen fields changed",
    "disabled": "was disabled at that time",
    "off": "webhooks were off",
    "unreadable": "could not be read at that time; the Operator was told",
    "loop": "would loop: this receiver caused the event itself",
    "by hand": "sent by hand",
}
BY_HAND = "by hand"
"""Not a reason of traces: a webhook that got the event although it was not considered for it."""


@dataclass(frozen=True, kw_only=True)
class Considered:
    """One webhook and what was decided about it."""

    name: str
    words: str
    icon: str
    tone: str
    delivery_id: str
    webhook_id: str
    event_id: str
    may_send: bool  # it got nothing of this event, and could be sent it


def words_of(reason: str, event_type: str) -> str:
    """A reason in words. A filter shows the part that was false, or what was wrong."""
    if reason in _WORDS:
        return _WORDS[reason].format(type=event_type)
    if reason.startswith(NOT_EVALUATED):
        return f"its filter could not be evaluated: {reason.removeprefix(NOT_EVALUATED)}"
    return f"its filter was false: {reason.removeprefix(FILTER)}" if reason.startswith(FILTER) else reason


def considered(
    events: Sequence[Event], webhooks: Mapping[str, Webhook], carried: Mapping[str, str], this: str = ""
) -> list[Considered]:
    """Each webhook once, this delivery's first. `carried`: webhooks that have a delivery of these events."""
    found: dict[str, Considered] = {}
    for event in events:
        for entry in event.trace:
            found.setdefault(entry.webhook_id, one_of(entry, event, webhooks, carried))
        for webhook_id in carried:
            if webhook_id not in found and webhook_id in webhooks:
                entry = TraceEntry(webhook_id=WebhookId(webhook_id), reason=BY_HAND)
                found[webhook_id] = one_of(entry, event, webhooks, carried)
    return sorted(found.values(), key=lambda one: (one.delivery_id != this, one.tone != "okc", one.name))


def one_of(entry: TraceEntry, event: Event, webhooks: Mapping[str, Webhook], carried: Mapping[str, str]) -> Considered:
    """One entry of a trace."""
    webhook = webhooks.get(entry.webhook_id)
    matched = entry.reason in ("matched", "paused")
    stopped = entry.reason in ("disabled", "off", "loop", "unreadable")
    delivery_id = entry.delivery_id or carried.get(entry.webhook_id, "")
    words = words_of(entry.reason, event.type)
    if delivery_id and not matched and entry.reason != BY_HAND:
        words += "; sent anyway"
    is_there = webhook is not None and webhook.state is not WebhookState.DELETED
    return Considered(
        name=webhook.description if webhook else entry.webhook_id,
        words=words,
        icon="check" if matched or delivery_id else "ban" if stopped else "circle-dashed",
        tone="okc" if matched or delivery_id else "badc" if stopped else "",
        delivery_id=delivery_id,
        webhook_id=entry.webhook_id,
        event_id=event.id,
        may_send=is_there and not delivery_id and not matched and not event.is_erased,
    )


async def carried_by(ask: PageAsk, events: Sequence[Event]) -> dict[str, str]:
    """The newest delivery of these events by webhook."""
    rows = await ask.rooms.store.deliveries.carrying(ask.site, [one.id for one in events])
    return {row.webhook_id: row.id for row in rows}
