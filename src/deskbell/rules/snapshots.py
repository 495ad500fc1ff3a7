"""Values of the desk in wire shape: Python objects in the names and the order of the wire."""

from collections.abc import Mapping
from typing import Any

from deskbell.model.chat import Callback, Chat, CloseRecord
from deskbell.model.instant import Instant, format_instant
from deskbell.model.people import CompanyRef, User
from deskbell.model.ticket import Choice, Note, Status, Ticket


def user_wire(user: User) -> dict[str, Any]:
    """A person inside a chat or ticket: contacts show their company, agents have none."""
    members: dict[str, Any] = {"entityId": user.entity_id, "name": user.name, "userId": user.user_id}
    if user.company is not None:
        members["company"] = company_wire(user.company)
    return members


def company_wire(company: CompanyRef) -> dict[str, Any]:
    """A company inside a User or a ticket."""
    return {"entityId": company.entity_id, "name": company.name, "identifier": company.identifier}


def note_wire(note: Note) -> dict[str, Any]:
    """A note, as `lastNote` and in lists of notes."""
    return {
        "id": note.id,
        "kind": note.kind,
        "authorKind": note.author_kind,
        "author": _user(note.author),
        "isPublic": note.is_public,
        "text": note.text,
        "createdDateTime": format_instant(note.created_at),
    }


def seconds_wire(seconds: float | None) -> float | int | None:
    """Seconds with up to 3 decimals; a whole number is written without a point."""
    if seconds is None:
        return None
    rounded = round(seconds, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def chat_members(chat: Chat) -> dict[str, Any]:
    """Every member of a chat's snapshot but `meta`; `closedDateTime` only once the chat is closed."""
    members: dict[str, Any] = {
        "msp": chat.site,
        "id": chat.id,
        "name": chat.name,
        "type": chat.type.value,
        "status": chat.status.value,
        "pastStatus": [status.value for status in chat.past_status],
        "report": {
            "creatorWaited": seconds_wire(chat.report.creator_waited_s),
            "handledDateTime": _instant(chat.report.handled_at),
            "chatDuration": seconds_wire(chat.report.duration_s),
        },
        "reference": None if chat.reference is None else {"type": chat.reference.type, "id": chat.reference.id},
        "creator": user_wire(chat.creator),
        "callback": _callback(chat.callback),
        "targetUsers": _users(chat.target_users),
        "closeRecord": _close_record(chat.close_record),
        "users": _users(chat.users),
        "participants": _users(chat.participants),
        "lastMessageId": chat.last_message_id,
    }
    if chat.closed_at is not None:
        members["closedDateTime"] = format_instant(chat.closed_at)
    members["createdDateTime"] = format_instant(chat.created_at)
    members["lastModifiedDateTime"] = format_instant(chat.last_modified_at)
    return members


def ticket_members(ticket: Ticket, link: str, changes: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    """Every member of a ticket\'s snapshot but `meta`; `closedDateTime` only while the ticket is closed."""
    members: dict[str, Any] = {
        "msp": ticket.site,
        "id": ticket.id,
        "entityId": ticket.entity_id,
        "title": ticket.title,
        "type": ticket.type,
        "subType": ticket.sub_type,
        "status": status_wire(ticket.status),
        "priority": choice_wire(ticket.priority),
        "queue": choice_wire(ticket.queue),
        "source": ticket.source,
        "company": None if ticket.company is None else company_wire(ticket.company),
        "contact": _user(ticket.contact),
        "agents": _users(ticket.agents),
        "tags": list(ticket.tags),
        "dueDateTime": _instant(ticket.due_at),
        "approval": _copy(ticket.approval),
        "form": _copy(ticket.form),
        "lastNote": None if ticket.last_note is None else note_wire(ticket.last_note),
        "changes": {name: {"old": old, "new": new} for name, (old, new) in changes.items()},
        "createdDateTime": format_instant(ticket.created_at),
        "lastModifiedDateTime": format_instant(ticket.last_modified_at),
    }
    if ticket.closed_at is not None:
        members["closedDateTime"] = format_instant(ticket.closed_at)
    members["link"] = link
    return members


def status_wire(status: Status) -> dict[str, Any]:
    """A status of the site's list."""
    return {
        "id": status.id,
        "name": status.name,
        "isClosed": status.is_closed,
        "isApprovalRequired": status.is_approval_required,
    }


def choice_wire(choice: Choice) -> dict[str, Any]:
    """A priority or queue of the site's lists."""
    return {"id": choice.id, "name": choice.name}


def _callback(callback: Callback | None) -> dict[str, Any] | None:
    if callback is None:
        return None
    members: dict[str, Any] = {"type": callback.type}
    if callback.phone is not None:
        members["phone"] = callback.phone
    if callback.note is not None:
        members["note"] = callback.note
    if callback.preferred_time is not None:
        members["preferredTime"] = [{"start": span.start, "end": span.end} for span in callback.preferred_time]
    return members


def _close_record(record: CloseRecord | None) -> dict[str, Any] | None:
    if record is None:
        return None
    members: dict[str, Any] = {"user": user_wire(record.user)}
    if record.note is not None:
        members["note"] = record.note
    members["lastModifiedDateTime"] = format_instant(record.last_modified_at)
    return members


def _copy(members: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if members is None else dict(members)


def _users(users: tuple[User, ...]) -> list[dict[str, Any]]:
    return [user_wire(user) for user in users]


def _user(user: User | None) -> dict[str, Any] | None:
    return None if user is None else user_wire(user)


def _instant(at: Instant | None) -> str | None:
    return None if at is None else format_instant(at)
