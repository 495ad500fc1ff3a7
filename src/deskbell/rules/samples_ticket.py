"""Sample tickets: what a ticket looks like right after each kind of event, and what it was before."""

from dataclasses import replace
from typing import Any

from deskbell.model.ids import SiteId
from deskbell.model.instant import plus
from deskbell.model.people import CompanyRef
from deskbell.model.ticket import Choice, Note, Status, Ticket
from deskbell.rules.samples_people import Cast, sample_start

_NEW = Status(id=1, name="New")
_WORKING = Status(id=2, name="In Progress")
_APPROVAL = Status(id=4, name="Approval Required", is_approval_required=True)
_CLOSED = Status(id=7, name="Closed", is_closed=True)
_MINUTE_S = 60.0


def sample_tickets(site: SiteId, event_type: str, sample_name: str, cast: Cast) -> tuple[Ticket, Ticket]:
    """The ticket before and after; both the same when nothing changed."""
    began = sample_start()
    ticket = Ticket(
        site=site,
        id="48207",
        entity_id=48207,
        title=cast.title,
        status=_NEW,
        priority=Choice(id=1, name="Normal"),
        queue=Choice(id=1, name="Service Desk"),
        created_at=began,
        last_modified_at=began,
    )
    if sample_name != "minimal":
        ticket = _richer(ticket, cast)
    if sample_name in {"maximal", "unicode"}:
        ticket = _full(ticket, cast)
    before, changed = _change(ticket, event_type, cast)
    if before is ticket and not changed:
        return ticket, ticket
    return before, replace(before, **changed, last_modified_at=plus(began, _MINUTE_S))


def _richer(ticket: Ticket, cast: Cast) -> Ticket:
    return replace(
        ticket,
        type="Incident",
        sub_type="Hardware",
        source="portal",
        company=cast.contact.company,
        contact=cast.contact,
        agents=(cast.agent,),
        tags=cast.tags[:1],
        due_at=plus(ticket.created_at, 8 * 3600),
    )


def _full(ticket: Ticket, cast: Cast) -> Ticket:
    entry = {"identifier": "serial", "name": cast.field_name, "type": "short_text", "value": cast.text}
    choices = {"identifier": "rooms", "name": "Rooms", "type": "multiple_choice", "value": ["2.01", "2.02"]}
    return replace(
        ticket,
        agents=(cast.agent, cast.second_agent),
        source="form",
        form={"formId": "frm_06H0HGF251W9X6KV8S77AZ6158", "name": cast.title, "entries": [entry, choices]},
        last_note=_note(ticket, cast, "1", is_public=True),
    )


def _note(ticket: Ticket, cast: Cast, note_id: str, *, is_public: bool) -> Note:
    return Note(
        site=ticket.site,
        ticket_id=ticket.id,
        id=note_id,
        kind="note",
        author_kind="agent",
        author=cast.agent,
        is_public=is_public,
        text=cast.note,
        created_at=plus(ticket.created_at, _MINUTE_S),
    )


def _change(ticket: Ticket, event_type: str, cast: Cast) -> tuple[Ticket, dict[str, Any]]:
    """The ticket to begin with, and the members that the event changed."""
    closing: dict[str, Any] = {"status": _CLOSED, "closed_at": plus(ticket.created_at, _MINUTE_S)}
    other = CompanyRef(entity_id=20999, name="Harbour Logistics", identifier="HarbourLogistics")
    changes: dict[str, dict[str, Any]] = {
        "ticket.updated": {"title": cast.title + " (2)", "priority": Choice(id=3, name="High")},
        "ticket.status_changed": {"status": _WORKING},
        "ticket.assigned": {"agents": (cast.second_agent,)},
        "ticket.priority_changed": {"priority": Choice(id=4, name="Urgent")},
        "ticket.queue_changed": {"queue": Choice(id=2, name="Field Service")},
        "ticket.company_changed": {"company": other},
        "ticket.contact_changed": {"contact": cast.colleague},
        "ticket.tag_added": {"tags": (*ticket.tags, cast.tags[1])},
        "ticket.tag_removed": {"tags": ()},
        "ticket.closed": closing,
        "ticket.reopened": {"status": _WORKING, "closed_at": None},
        "ticket.note_added": {"last_note": _note(ticket, cast, "2", is_public=False)},
        "ticket.approval_required": {"status": _APPROVAL},
    }
    if event_type == "ticket.reopened":
        ticket = replace(ticket, **closing)
    if event_type == "ticket.tag_removed":
        ticket = replace(ticket, tags=cast.tags)
    if event_type == "ticket.dwelled":
        ticket = replace(ticket, status=_APPROVAL)
    return ticket, changes.get(event_type, {})
