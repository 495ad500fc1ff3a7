"""Tickets: create, change, note, delete; reports from other software; the site's lists."""

from typing import Any

import msgspec
from starlette.responses import Response

from deskbell.api.answer import ApiAsk, json, nothing, page, place
from deskbell.api.chats import hop
from deskbell.api.people import mapping
from deskbell.api.webhooks import actor
from deskbell.model.account import Permission
from deskbell.model.query import TicketFilter
from deskbell.model.ticket import Ticket, TicketLists
from deskbell.rules.payload import ticket_wire
from deskbell.rules.snapshots import note_wire
from deskbell.server.route import LIST, Param, Route


async def shape(ask: ApiAsk, ticket: Ticket) -> dict[str, Any]:
    """The ticket's snapshot without `changes` and `meta`."""
    wire = ticket_wire(ticket, await ask.rooms.tickets.link(ticket))
    wire.pop("changes", None)
    return wire


async def create(ask: ApiAsk) -> Response:
    """A new ticket."""
    ticket = await ask.rooms.tickets.create(ask.site, actor(ask), mapping(ask), hop=hop(ask))
    return json(await shape(ask, ticket), 201, {"location": f"/api/v1/desk/tickets/{ticket.id}"})


async def listing(ask: ApiAsk) -> Response:
    """Tickets, newest first."""
    before, limit = place(ask)
    which = TicketFilter(
        contact_id=ask.query.get("contact"),
        closed=ask.flag("closed") if "closed" in ask.query else None,
        words=tuple(ask.query.get("text", "").lower().split()),
    )
    rows = await ask.rooms.tickets.page(ask.site, which, before, limit + 1)
    shapes = {ticket.id: await shape(ask, ticket) for ticket in rows}
    return page(ask, rows, limit, lambda ticket: ticket.id, lambda ticket: shapes[ticket.id])


async def get(ask: ApiAsk) -> Response:
    """One ticket."""
    return json(await shape(ask, await ask.rooms.tickets.get(ask.site, ask.path("key"))))


async def change(ask: ApiAsk) -> Response:
    """Change any member."""
    ticket = await ask.rooms.tickets.change(ask.site, ask.path("key"), mapping(ask), actor(ask), hop=hop(ask))
    return json(await shape(ask, ticket))


async def report(ask: ApiAsk) -> Response:
    """Other software tells what it knows of the ticket; fires what changed."""
    ticket, event_ids = await ask.rooms.tickets.report(
        ask.site, ask.path("key"), mapping(ask), actor(ask), hop=hop(ask)
    )
    return json({"id": ticket.id, "eventIds": list(event_ids)})


async def delete(ask: ApiAsk) -> Response:
    """Delete a ticket; fires ticket.deleted."""
    await ask.rooms.tickets.delete(ask.site, ask.path("key"), actor(ask), hop=hop(ask))
    return nothing()


async def close(ask: ApiAsk) -> Response:
    """Close a ticket."""
    ticket = await ask.rooms.tickets.close(ask.site, ask.path("key"), actor(ask), hop=hop(ask))
    return json(await shape(ask, ticket))


async def reopen(ask: ApiAsk) -> Response:
    """Reopen a closed ticket."""
    ticket = await ask.rooms.tickets.reopen(ask.site, ask.path("key"), actor(ask), hop=hop(ask))
    return json(await shape(ask, ticket))


async def note(ask: ApiAsk) -> Response:
    """Add a note: kind, text, isPublic, by."""
    _, made = await ask.rooms.tickets.note(ask.site, ask.path("key"), mapping(ask), actor(ask), hop=hop(ask))
    return json(note_wire(made), 201)


async def notes(ask: ApiAsk) -> Response:
    """The ticket's notes, oldest first."""
    found = await ask.rooms.tickets.notes(ask.site, ask.path("key"))
    return json({"items": [note_wire(one) for one in found], "next": None})


async def lists(ask: ApiAsk) -> Response:
    """The site's statuses, priorities and queues."""
    return json(lists_shape(await ask.rooms.tickets.lists(ask.site)))


async def change_lists(ask: ApiAsk) -> Response:
    """Change them: each told list takes the place of the old one."""
    return json(lists_shape(await ask.rooms.tickets.change_lists(ask.site, mapping(ask))))


def lists_shape(found: TicketLists) -> dict[str, Any]:
    """The lists on the wire."""
    return {
        "statuses": [
            {
                "id": one.id,
                "name": one.name,
                "isClosed": one.is_closed,
                "isApprovalRequired": one.is_approval_required,
            }
            for one in found.statuses
        ],
        "priorities": [msgspec.to_builtins(one) for one in found.priorities],
        "queues": [msgspec.to_builtins(one) for one in found.queues],
    }


READ, WRITE, ANY = Permission.DESK_READ, Permission.DESK_WRITE, dict[str, Any]
ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET",
        path="/desk/tickets",
        permission=READ,
        handler=listing,
        summary="List tickets",
        tag="desk",
        query=(
            *LIST,
            Param(name="contact", description="userId of the contact"),
            Param(name="closed", description="Only closed ones, or only open ones.", type="boolean"),
            Param(name="text", description="Words in title or id."),
        ),
    ),
    Route(
        method="POST",
        path="/desk/tickets",
        permission=WRITE,
        handler=create,
        summary="Create a ticket",
        status=201,
        request=ANY,
        tag="desk",
    ),
    Route(method="GET", path="/desk/tickets/{key}", permission=READ, handler=get, summary="One ticket", tag="desk"),
    Route(
        method="PATCH",
        path="/desk/tickets/{key}",
        permission=WRITE,
        handler=change,
        summary="Change a ticket",
        request=ANY,
        tag="desk",
    ),
    Route(
        method="PUT",
        path="/desk/tickets/{key}",
        permission=WRITE,
        handler=report,
        request=ANY,
        tag="desk",
        summary="Report a ticket from other software",
    ),
    Route(
        method="DELETE",
        path="/desk/tickets/{key}",
        permission=WRITE,
        handler=delete,
        summary="Delete a ticket",
        status=204,
        tag="desk",
    ),
    Route(
        method="POST",
        path="/desk/tickets/{key}/close",
        permission=WRITE,
        handler=close,
        summary="Close a ticket",
        tag="desk",
    ),
    Route(
        method="POST",
        path="/desk/tickets/{key}/reopen",
        permission=WRITE,
        handler=reopen,
        summary="Reopen a ticket",
        tag="desk",
    ),
    Route(
        method="GET",
        path="/desk/tickets/{key}/notes",
        permission=READ,
        handler=notes,
        summary="Notes of a ticket",
        tag="desk",
    ),
    Route(
        method="POST",
        path="/desk/tickets/{key}/notes",
        permission=WRITE,
        handler=note,
        summary="Add a note",
        status=201,
        request=ANY,
        tag="desk",
    ),
    Route(
        method="GET",
        path="/desk/ticket-lists",
        permission=READ,
        handler=lists,
        tag="desk",
        summary="Statuses, priorities and queues",
    ),
    Route(
        method="PATCH",
        path="/desk/ticket-lists",
        permission=WRITE,
        handler=change_lists,
        request=ANY,
        tag="desk",
        summary="Change statuses, priorities and queues",
    ),
)
