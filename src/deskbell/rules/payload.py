"""Snapshots: values of the desk written as the JSON of the wire, key order included.

A *head* is a snapshot without `meta` and without the closing brace. It is made with the change; `finish_snapshot`
adds `meta` once the event has its id. Both finish and the custom head join bytes and never encode data again.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from deskbell.model.chat import Chat
from deskbell.model.delivery import Delivery
from deskbell.model.event import Subject
from deskbell.model.instant import Instant, format_instant
from deskbell.model.people import Actor
from deskbell.model.ticket import Ticket
from deskbell.model.webhook import Webhook
from deskbell.rules.snapshots import chat_members, company_wire, note_wire, ticket_members, user_wire

__all__ = [
    "chat_head", "chat_wire", "company_wire", "custom_head", "finish_snapshot", "note_wire", "system_head", "test_head",
    "ticket_changes", "ticket_head", "ticket_wire", "user_wire",
]  # fmt: skip

UNCOUNTED_MEMBERS = frozenset({"changes", "createdDateTime", "lastModifiedDateTime", "link"})
"""Members of a ticket that are no change of their own: they follow from others."""


def chat_head(chat: Chat) -> bytes:
    """The head of a chat's snapshot."""
    return _head(chat_members(chat))


def ticket_head(ticket: Ticket, changes: Mapping[str, tuple[Any, Any]], link: str) -> bytes:
    """The head of a ticket's snapshot; `changes` as `ticket_changes` gives them, empty at creation."""
    return _head(ticket_members(ticket, link, changes))


def custom_head(site: str, event_id: str, event_type: str, data: bytes) -> bytes:
    """The head of a custom event; `data` stands in it exactly as published."""
    return b'{"msp":%b,"id":%b,"type":%b,"data":%b' % (_text(site), _text(event_id), _text(event_type), data)


def system_head(
    site: str,
    event_id: str,
    *,
    webhook: Webhook,
    actor: Actor | None = None,
    reason: str | None = None,
    delivery: Delivery | None = None,
) -> bytes:
    """The head of a system event; `delivery` for `delivery.exhausted` only. The receiver URL is the masked one."""
    members: dict[str, Any] = {
        "msp": site,
        "id": event_id,
        "webhook": {
            "id": webhook.id,
            "description": webhook.description,
            "kind": webhook.kind,
            "receiverUrl": webhook.receiver_url.masked,
            "state": webhook.state.value,
        },
        "actor": None if actor is None else {"kind": actor.kind.value, "name": actor.name},
        "reason": reason,
    }
    if delivery is not None:
        members["delivery"] = {
            "id": delivery.id,
            "eventTypes": delivery.event_types,
            "subject": _subject(delivery.subject),
            "attempts": delivery.attempts,
            "lastOutcome": delivery.last_outcome,
        }
    return _head(members)


def test_head(site: str, event_id: str, webhook_id: str, description: str, sent_by: Actor | str) -> bytes:
    """The head of `test.ping`; `sentBy` on the wire is the name of who asked."""
    name = sent_by.name if isinstance(sent_by, Actor) else sent_by
    webhook = {"id": webhook_id, "description": description}
    return _head({"msp": site, "id": event_id, "webhook": webhook, "sentBy": name})


def finish_snapshot(
    head: bytes,
    *,
    event_id: str,
    event_type: str,
    sequence: int | None,
    occurred_at: Instant,
    extra: Mapping[str, Any],
) -> bytes:
    """The whole snapshot: the head, then `meta` with `extra` as its last members."""
    more = b"," + msgspec.json.encode(dict(extra))[1:-1] if extra else b""
    return b'%b,"meta":{"canAccess":true,"eventId":"%b","eventType":"%b","sequence":%b,"occurredDateTime":"%b"%b}}' % (
        head,
        event_id.encode(),
        event_type.encode(),
        b"null" if sequence is None else b"%d" % sequence,
        format_instant(occurred_at).encode(),
        more,
    )


def ticket_changes(old: Ticket, new: Ticket) -> dict[str, tuple[Any, Any]]:
    """Wire member name to its whole old and new value, in the order of the wire.

    `lastModifiedDateTime` moves with every change and is not one itself, so equal tickets give an empty answer.
    """
    before, after = ticket_members(old, "", {}), ticket_members(new, "", {})
    names = [*after, *(name for name in before if name not in after)]
    return {
        name: (before.get(name), after.get(name))
        for name in names
        if name not in UNCOUNTED_MEMBERS and before.get(name) != after.get(name)
    }


def chat_wire(chat: Chat) -> dict[str, Any]:
    """The chat as the API answers it: the snapshot, its `meta` with `canAccess` alone."""
    return {**chat_members(chat), "meta": {"canAccess": True}}


def ticket_wire(ticket: Ticket, link: str, changes: Mapping[str, tuple[Any, Any]] | None = None) -> dict[str, Any]:
    """The ticket as the API answers it: the snapshot, its `meta` with `canAccess` alone."""
    return {**ticket_members(ticket, link, changes or {}), "meta": {"canAccess": True}}


def _head(members: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(members)[:-1]


def _text(text: str) -> bytes:
    return msgspec.json.encode(text)


def _subject(subject: Subject | None) -> dict[str, Any] | None:
    """Without its title: that is content, and would stay when the subject is erased."""
    return None if subject is None else {"type": subject.type, "id": subject.id, "title": None}
