"""One ticket as an agent sees it, and every action on it."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from deskbell.model.errors import Invalid
from deskbell.model.people import Agent, Contact
from deskbell.model.ticket import Note as TicketNote
from deskbell.model.ticket import Ticket, TicketLists
from deskbell.portal.deliveries.rows import surroundings
from deskbell.portal.desk.acting import done, me
from deskbell.portal.desk.sent import Sent, sent_for
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.notes import Note
from deskbell.portal.once import made_before, remember, turns
from deskbell.portal.page import PageAsk, new_form_id, respond, see_other

FIELDS = {
    "title": "title", "contactId": "contact", "statusId": "status", "priorityId": "priority", "queueId": "queue",
    "agentIds": "agents", "tags": "tags", "dueDateTime": "due", "type": "type", "subType": "sub_type",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TicketView:
    """Everything of the page."""

    ticket: Ticket
    notes: tuple[TicketNote, ...]
    lists: TicketLists
    agents: tuple[Agent, ...]
    contacts: tuple[Contact, ...]
    sent: list[Sent]


async def view_of(ask: PageAsk, ticket_id: str) -> TicketView:
    """The ticket now."""
    ticket = await ask.rooms.tickets.get(ask.site, ticket_id)
    return TicketView(
        ticket=ticket,
        notes=await ask.rooms.tickets.notes(ask.site, ticket_id),
        lists=await ask.rooms.tickets.lists(ask.site),
        agents=await ask.rooms.people.agents.list(ask.site),
        contacts=await ask.rooms.people.contacts.list(ask.site),
        sent=await sent_for(ask, await surroundings(ask), "ticket", ticket.id),
    )


async def show(ask: PageAsk) -> Response:
    """The page."""
    return await page(ask)


async def page(ask: PageAsk, faults: Faults | None = None, status: int = 200) -> Response:
    """The page in any of its states."""
    view = await view_of(ask, ask.path("id"))
    return await respond(
        ask, "pages/desk_ticket.html", part="parts/ticket_sent.html", status=status, view=view, faults=faults
    )


def members_of(form: Fields) -> dict[str, Any]:
    """The form as members of a ticket; what the form does not have is left alone."""
    members: dict[str, Any] = {}
    for name, field in (("statusId", "status"), ("priorityId", "priority"), ("queueId", "queue")):
        if (number := form.whole(field)) is not None:
            members[name] = number
    if "title" in form.values:
        members["title"] = form.text("title")
    if form.given("contact"):
        members["contactId"] = form.text("contact")
    if form.flag("has_agents"):
        members["agentIds"] = list(form.many("agents"))
    if "tags" in form.values:
        members["tags"] = [one.strip() for one in form.text("tags").split(",") if one.strip()]
    if "due" in form.values:
        due = form.text("due")
        members["dueDateTime"] = f"{due}:00Z" if len(due) == 16 else due or None
    return members


def path_of(ask: PageAsk) -> str:
    """The ticket's page."""
    return f"/desk/agent/tickets/{ask.path('id')}"


async def change(ask: PageAsk) -> Response:
    """Any field."""
    acting = await me(ask)
    try:
        await ask.rooms.tickets.change(ask.site, ask.path("id"), members_of(Fields(values=ask.form())), acting.actor)
    except Invalid as refusal:
        return await page(ask, faults_of(refusal.faults, FIELDS, refusal.detail), 422)
    return see_other(ask, path_of(ask), Note(text="Saved."))


async def note(ask: PageAsk) -> Response:
    """A note, internal or public."""
    acting, form = await me(ask), Fields(values=ask.form())
    body = {"text": form.raw("text"), "isPublic": form.flag("public"), "by": acting.user.user_id}

    async def step() -> object:
        return await ask.rooms.tickets.note(ask.site, ask.path("id"), body, acting.actor)

    return await done(ask, path_of(ask), step, "Note added.")


async def close(ask: PageAsk) -> Response:
    """Close it."""
    acting = await me(ask)

    async def step() -> object:
        return await ask.rooms.tickets.close(ask.site, ask.path("id"), acting.actor)

    return await done(ask, path_of(ask), step, "Ticket closed.")


async def reopen(ask: PageAsk) -> Response:
    """Open it again."""
    acting = await me(ask)

    async def step() -> object:
        return await ask.rooms.tickets.reopen(ask.site, ask.path("id"), acting.actor)

    return await done(ask, path_of(ask), step, "Ticket opened again.")


async def delete(ask: PageAsk) -> Response:
    """Delete it; its events stay."""
    acting = await me(ask)
    await ask.rooms.tickets.delete(ask.site, ask.path("id"), acting.actor)
    return see_other(ask, "/desk/agent", Note(text=f"Ticket {ask.path('id')} was deleted; its events stay."))


async def new(ask: PageAsk) -> Response:
    """The form of a new ticket."""
    return await new_page(ask, new_form_id(ask), Fields(values={}))


async def new_page(
    ask: PageAsk, form_id: str, form: Fields, faults: Faults | None = None, status: int = 200
) -> Response:
    """The form in any of its states."""
    return await respond(
        ask,
        "pages/desk_ticket_new.html",
        part="parts/ticket_new.html",
        status=status,
        form_id=form_id,
        form=form,
        faults=faults,
        lists=await ask.rooms.tickets.lists(ask.site),
        contacts=await ask.rooms.people.contacts.list(ask.site),
    )


async def create(ask: PageAsk) -> Response:
    """A new ticket, once for each form."""
    acting, form = await me(ask), Fields(values=ask.form())
    form_id = form.text("form_id") or new_form_id(ask)
    async with turns().of(f"{ask.caller.id}:{form_id}"):
        before = await made_before(ask, form_id)
        if before is not None:
            return see_other(ask, f"/desk/agent/tickets/{before}")
        try:
            made = await ask.rooms.tickets.create(ask.site, acting.actor, members_of(form))
        except Invalid as refusal:
            return await new_page(ask, form_id, form, faults_of(refusal.faults, FIELDS, refusal.detail), 422)
        await remember(ask, form_id, made.id)
    return see_other(ask, f"/desk/agent/tickets/{made.id}", Note(text=f"Ticket {made.id} created."))
