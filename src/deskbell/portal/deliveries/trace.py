"""Why it was sent: each webhook that was considered for the events of a delivery, with the reason in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deskbell.model.event import Event, TraceEntry
from deskbell.model.webhook import Webhook
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
}


@dataclass(frozen=True, kw_only=True)
class Considered:
    """One webhook and what was decided about it."""

    name: str
    words: str
    icon: str
    tone: str
    delivery_id: str


def words_of(reason: str, event_type: str) -> str:
    """A reason in words. A filter shows the part that was false, or what was wrong."""
    if reason in _WORDS:
        return _WORDS[reason].format(type=event_type)
    if reason.startswith(NOT_EVALUATED):
        return f"its filter could not be evaluated: {reason.removeprefix(NOT_EVALUATED)}"
    return f"its filter was false: {reason.removeprefix(FILTER)}" if reason.startswith(FILTER) else reason


def considered(events: Sequence[Event], webhooks: Mapping[str, Webhook], this: str) -> list[Considered]:
    """Each webhook once, this delivery's first."""
    found: dict[str, Considered] = {}
    for event in events:
        for entry in event.trace:
            found.setdefault(entry.webhook_id, one_of(entry, event, webhooks))
    return sorted(found.values(), key=lambda one: (one.delivery_id != this, one.tone != "okc", one.name))


def one_of(entry: TraceEntry, event: Event, webhooks: Mapping[str, Webhook]) -> Considered:
    """One entry of a trace."""
    webhook = webhooks.get(entry.webhook_id)
    matched = entry.reason in ("matched", "paused")
    stopped = entry.reason in ("disabled", "off", "loop", "unreadable")
    words = words_of(entry.reason, event.type)
    return Considered(
        name=webhook.description if webhook else entry.webhook_id,
        words=words,
        icon="check" if matched else "ban" if stopped else "circle-dashed",
        tone="okc" if matched else "badc" if stopped else "",
        delivery_id=entry.delivery_id or "",
    )
