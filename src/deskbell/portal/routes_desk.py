"""Routes of the desk's pages: agents, people, and the contact's own page."""

from typing import Any

from deskbell.model.account import Permission
from deskbell.portal.client import show as client_page
from deskbell.portal.client import steps as client_steps
from deskbell.portal.desk import board, chat, people, stream, ticket, timers
from deskbell.server.route import Param, Route

READ, WRITE, PUBLIC = Permission.DESK_READ, Permission.DESK_WRITE, Permission.PUBLIC
AFTER = Param(name="after", description="What was told last.")
TICKETS = Param(name="tickets", description="Which tickets.", choices=board.SEGMENTS)


def reads(path: str, handler: Any, summary: str, *query: Param) -> Route[Any]:
    """A page for those who may read the desk."""
    return Route(method="GET", path=path, permission=READ, handler=handler, summary=summary, query=query)


def forms(path: str, handler: Any, summary: str, *query: Param) -> Route[Any]:
    """A form for those who may act."""
    return Route(method="GET", path=path, permission=WRITE, handler=handler, summary=summary, query=query)


def acts(path: str, handler: Any, summary: str, audit: str = "none") -> Route[Any]:
    """Something that an agent does."""
    return Route(method="POST", path=path, permission=WRITE, handler=handler, summary=summary, audit=audit)


def rules(method: str, path: str, handler: Any, summary: str, audit: str = "none") -> Route[Any]:
    """Something about the dwell rules: for those who may change webhooks and the desk."""
    return Route(
        method=method,
        path=f"/desk/timers{path}",
        permission=Permission.WEBHOOKS_WRITE,
        also=(WRITE,),
        handler=handler,
        summary=summary,
        audit=audit,
    )


def client(method: str, path: str, handler: Any, summary: str, *query: Param) -> Route[Any]:
    """Something on a contact's own page; the link is the credential."""
    return Route(
        method=method,
        path=f"/desk/client/{{link}}{path}",
        permission=PUBLIC,
        handler=handler,
        summary=summary,
        query=query,
    )


DESK_ROUTES: tuple[Route[Any], ...] = (
    reads("/desk/agent", board.show, "Agent desk", TICKETS),
    reads("/desk/agent/stream", stream.board, "Agent desk, live", TICKETS, AFTER),
    forms(
        "/desk/agent/push", chat.push_form, "The form of a pushed chat", Param(name="ticket", description="About it.")
    ),
    acts("/desk/agent/push", chat.push, "Push a chat"),
    reads("/desk/agent/chats/{id}", chat.show, "One chat"),
    reads("/desk/agent/chats/{id}/stream", stream.chat, "One chat, live", AFTER),
    acts("/desk/agent/chats/{id}/join", chat.join, "Join a chat"),
    acts("/desk/agent/chats/{id}/leave", chat.leave, "Leave a chat"),
    acts("/desk/agent/chats/{id}/invite", chat.invite, "Invite into a chat"),
    acts("/desk/agent/chats/{id}/say", chat.say, "Post a message"),
    acts("/desk/agent/chats/{id}/complete", chat.complete, "Complete a chat"),
    forms("/desk/agent/tickets/new", ticket.new, "The form of a new ticket"),
    acts("/desk/agent/tickets", ticket.create, "Create a ticket"),
    reads("/desk/agent/tickets/{id}", ticket.show, "One ticket"),
    reads("/desk/agent/tickets/{id}/stream", stream.ticket, "One ticket, live", AFTER),
    acts("/desk/agent/tickets/{id}/change", ticket.change, "Change a ticket"),
    acts("/desk/agent/tickets/{id}/note", ticket.note, "Add a note"),
    acts("/desk/agent/tickets/{id}/close", ticket.close, "Close a ticket"),
    acts("/desk/agent/tickets/{id}/reopen", ticket.reopen, "Reopen a ticket"),
    acts("/desk/agent/tickets/{id}/delete", ticket.delete, "Delete a ticket"),
    reads("/desk/timers", timers.show, "Timers"),
    rules("GET", "/new", timers.new, "The form of a new timer"),
    rules("POST", "", timers.create, "Create a timer", "dwell_rule.create"),
    rules("GET", "/{id}", timers.edit, "The form of a timer"),
    rules("POST", "/{id}", timers.save, "Change a timer", "dwell_rule.change"),
    rules("POST", "/{id}/switch", timers.switch, "Switch a timer on or off", "dwell_rule.change"),
    rules("POST", "/{id}/delete", timers.delete, "Delete a timer", "dwell_rule.delete"),
    reads("/people", people.show, "People"),
    acts("/people/contacts", people.create_contact, "Add a contact"),
    acts("/people/companies", people.create_company, "Add a company"),
    acts("/people/contacts/{id}/open", people.open_as, "Open as this contact", "client_link.create"),
    forms("/desk/client", people.choose, "Choose a contact"),
    client("GET", "", client_page.show, "A contact's page"),
    client("GET", "/stream", client_page.stream, "A contact's page, live", AFTER),
    client("POST", "/chat", client_steps.request, "Request a chat"),
    client("POST", "/say", client_steps.say, "Post a message"),
    client("POST", "/join", client_steps.join, "Join a chat"),
    client("POST", "/leave", client_steps.leave, "Leave a chat"),
    client("POST", "/callback", client_steps.callback, "Ask for a callback"),
    client("POST", "/tickets", client_steps.new_ticket, "Open a ticket"),
)
