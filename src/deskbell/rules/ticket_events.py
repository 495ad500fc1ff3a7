"""Which events a change of a ticket fires, in the order of the Catalogue."""

from collections.abc import Callable

from deskbell.model.people import CompanyRef, User
from deskbell.model.ticket import Ticket

Differs = Callable[[Ticket, Ticket], bool]


def _status_changed(old: Ticket, new: Ticket) -> bool:
    return old.status.id != new.status.id


def _assigned(old: Ticket, new: Ticket) -> bool:
    return {user.user_id for user in old.agents} != {user.user_id for user in new.agents}


def _company_key(company: CompanyRef | None) -> int | None:
    return company.entity_id if company else None


def _person_key(user: User | None) -> str | None:
    return user.user_id if user else None


def _approval_required(old: Ticket, new: Ticket) -> bool:
    return _status_changed(old, new) and new.status.is_approval_required


_SPECIFIC: tuple[tuple[str, Differs], ...] = (
    ("ticket.status_changed", _status_changed),
    ("ticket.assigned", _assigned),
    ("ticket.priority_changed", lambda old, new: old.priority.id != new.priority.id),
    ("ticket.queue_changed", lambda old, new: old.queue.id != new.queue.id),
    ("ticket.company_changed", lambda old, new: _company_key(old.company) != _company_key(new.company)),
    ("ticket.contact_changed", lambda old, new: _person_key(old.contact) != _person_key(new.contact)),
    ("ticket.tag_added", lambda old, new: bool(set(new.tags) - set(old.tags))),
    ("ticket.tag_removed", lambda old, new: bool(set(old.tags) - set(new.tags))),
    ("ticket.closed", lambda old, new: new.status.is_closed and not old.status.is_closed),
    ("ticket.reopened", lambda old, new: old.status.is_closed and not new.status.is_closed),
    ("ticket.deleted", lambda old, new: new.deleted_at is not None and old.deleted_at is None),
    ("ticket.note_added", lambda old, new: new.last_note is not None and new.last_note != old.last_note),
    ("ticket.approval_required", _approval_required),
)


def ticket_events(old: Ticket, new: Ticket) -> tuple[str, ...]:
    """`ticket.updated`, then every specific event of this change; for two values that differ."""
    return ("ticket.updated", *(name for name, differs in _SPECIFIC if differs(old, new)))
