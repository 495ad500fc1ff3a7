"""Chats: every action of the desk, and reports from other software."""

from typing import Any

import msgspec
from starlette.responses import Response

from deskbell.api.answer import ApiAsk, json, page, place
from deskbell.api.people import mapping
from deskbell.api.shapes import Input
from deskbell.api.webhooks import actor
from deskbell.model.account import Permission
from deskbell.model.chat import Chat, ChatMessage
from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.instant import format_instant
from deskbell.model.query import ChatFilter
from deskbell.rules.payload import chat_wire
from deskbell.rules.snapshots import user_wire
from deskbell.rules.strict_json import parse_hop
from deskbell.server.route import LIST, Param, Route


class ChatInput(Input):
    """A new chat: `contactId` for a request, `agentId` for a push."""

    type: str = "request"
    contact_id: int | str | None = None
    agent_id: int | str | None = None
    name: str | None = None
    reference: dict[str, Any] | None = None
    message: str | None = None
    target_user_ids: list[str] = msgspec.field(default_factory=list)
    callback: dict[str, Any] | None = None


class WhoInput(Input):
    """Who acts, as `userId`; a note where the action takes one."""

    user_id: str
    note: str | None = None


class InviteInput(Input):
    """Who invites whom."""

    user_id: str
    user_ids: list[str]


class CallbackInput(Input):
    """The contact's wish to be called back."""

    user_id: str
    type: str
    phone: str | None = None
    note: str | None = None
    preferred_time: list[dict[str, Any]] | None = None


class SayInput(Input):
    """A message."""

    user_id: str
    text: str


def hop(ask: ApiAsk) -> int:
    """The loop guard of this request."""
    return parse_hop(ask.request.headers.getlist("deskbell-hop"))


def answer(chat: Chat, status: int = 200) -> Response:
    """The chat's snapshot without `meta`."""
    headers = {"location": f"/api/v1/desk/chats/{chat.id}"} if status == 201 else None
    return json(chat_wire(chat), status, headers)


async def create(ask: ApiAsk) -> Response:
    """A contact asks for a chat, or an agent pushes one."""
    given = ask.json(ChatInput)
    chats, by = ask.rooms.chats, actor(ask)
    if given.type == "push" and given.agent_id is not None:
        chat = await chats.push(
            ask.site,
            by,
            agent_id=given.agent_id,
            name=given.name,
            reference=given.reference,
            message=given.message,
            target_user_ids=given.target_user_ids,
            hop=hop(ask),
        )
        return answer(chat, 201)
    if given.type == "request" and given.contact_id is not None:
        chat = await chats.request(
            ask.site,
            by,
            contact_id=given.contact_id,
            name=given.name,
            reference=given.reference,
            message=given.message,
            callback=given.callback,
            target_user_ids=given.target_user_ids,
            hop=hop(ask),
        )
        return answer(chat, 201)
    detail = "A request takes contactId, a push takes agentId."
    raise Invalid(detail, faults=(FaultAt(pointer="/type", code="choice", detail=detail),))


async def listing(ask: ApiAsk) -> Response:
    """Chats, newest first."""
    before, limit = place(ask)
    status = ask.query.get("status")
    which = ChatFilter(
        statuses=(status,) if status else (), creator_id=ask.query.get("creator"), reference_id=ask.query.get("ticket")
    )
    rows = await ask.rooms.chats.page(ask.site, which, before, limit + 1)
    return page(ask, rows, limit, lambda chat: chat.id, chat_wire)


async def get(ask: ApiAsk) -> Response:
    """One chat."""
    return answer(await ask.rooms.chats.get(ask.site, ask.path("id")))


async def messages(ask: ApiAsk) -> Response:
    """The chat's messages, oldest first."""
    found = await ask.rooms.chats.messages(ask.site, ask.path("id"))
    return json({"items": [message_shape(one) for one in found], "next": None})


def message_shape(one: ChatMessage) -> dict[str, Any]:
    """A message on the wire."""
    return {"id": one.id, "author": user_wire(one.author), "text": one.text, "createdDateTime": format_instant(one.at)}


async def join(ask: ApiAsk) -> Response:
    """Come in; the first agent makes the chat handled."""
    given = ask.json(WhoInput)
    return answer(await ask.rooms.chats.join(ask.site, ask.path("id"), given.user_id, actor(ask), hop=hop(ask)))


async def leave(ask: ApiAsk) -> Response:
    """Go; the creator before anyone answered makes the chat missed."""
    given = ask.json(WhoInput)
    return answer(await ask.rooms.chats.leave(ask.site, ask.path("id"), given.user_id, actor(ask), hop=hop(ask)))


async def invite(ask: ApiAsk) -> Response:
    """Ask people in."""
    given = ask.json(InviteInput)
    chat = await ask.rooms.chats.invite(
        ask.site, ask.path("id"), given.user_id, given.user_ids, actor(ask), hop=hop(ask)
    )
    return answer(chat)


async def callback(ask: ApiAsk) -> Response:
    """Ask to be called back."""
    given = ask.json(CallbackInput)
    wish = {"type": given.type, "phone": given.phone, "note": given.note, "preferredTime": given.preferred_time}
    told = {name: value for name, value in wish.items() if value is not None}
    chat = await ask.rooms.chats.callback(ask.site, ask.path("id"), given.user_id, told, actor(ask), hop=hop(ask))
    return answer(chat)


async def complete(ask: ApiAsk) -> Response:
    """Close the chat, with a note or without."""
    given = ask.json(WhoInput)
    chat = await ask.rooms.chats.complete(ask.site, ask.path("id"), given.user_id, given.note, actor(ask), hop=hop(ask))
    return answer(chat)


async def say(ask: ApiAsk) -> Response:
    """Post a message."""
    given = ask.json(SayInput)
    chat = await ask.rooms.chats.say(ask.site, ask.path("id"), given.user_id, given.text, actor(ask), hop=hop(ask))
    return answer(chat)


async def report(ask: ApiAsk) -> Response:
    """Other software tells what it knows of the chat; fires what changed."""
    chat, event_ids = await ask.rooms.chats.report(ask.site, ask.path("id"), mapping(ask), actor(ask), hop=hop(ask))
    return json({"id": chat.id, "eventIds": list(event_ids)})


READ, WRITE = Permission.DESK_READ, Permission.DESK_WRITE
ACTIONS = (
    ("join", join, WhoInput, "Join a chat"),
    ("leave", leave, WhoInput, "Leave a chat"),
    ("invite", invite, InviteInput, "Invite people to a chat"),
    ("callback", callback, CallbackInput, "Ask for a callback"),
    ("complete", complete, WhoInput, "Complete a chat"),
    ("messages", say, SayInput, "Post a message"),
)
ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET",
        path="/desk/chats",
        permission=READ,
        handler=listing,
        summary="List chats",
        tag="desk",
        query=(
            *LIST,
            Param(
                name="status",
                description="Only in this status.",
                choices=("created", "handled", "missed", "callback", "completed"),
            ),
            Param(name="creator", description="userId of the creator"),
            Param(name="ticket", description="id of the ticket that the chat is about"),
        ),
    ),
    Route(
        method="POST",
        path="/desk/chats",
        permission=WRITE,
        handler=create,
        summary="Request or push a chat",
        status=201,
        request=ChatInput,
        tag="desk",
    ),
    Route(method="GET", path="/desk/chats/{id}", permission=READ, handler=get, summary="One chat", tag="desk"),
    Route(
        method="PUT",
        path="/desk/chats/{id}",
        permission=WRITE,
        handler=report,
        request=dict[str, Any],
        tag="desk",
        summary="Report a chat from other software",
    ),
    Route(
        method="GET",
        path="/desk/chats/{id}/messages",
        permission=READ,
        handler=messages,
        summary="Messages of a chat",
        tag="desk",
    ),
    *(
        Route(
            method="POST",
            path=f"/desk/chats/{{id}}/{verb}",
            permission=WRITE,
            handler=handler,
            summary=summary,
            request=shape,
            tag="desk",
        )
        for verb, handler, shape, summary in ACTIONS
    ),
)
