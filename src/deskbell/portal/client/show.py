"""A contact's own page: chat, callback, tickets."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from deskbell.desk import OpenPage
from deskbell.model.chat import ACTIVE_STATUSES, Chat, ChatMessage
from deskbell.model.query import ChatFilter, TicketFilter
from deskbell.model.ticket import Ticket
from deskbell.portal.client.link import Client, client_of
from deskbell.portal.live import Message, Stream, live
from deskbell.portal.page import PageAsk, part_text, respond

TICKETS_SHOWN = 25
CHATS_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class ClientView:
    """Everything of the page."""

    client: Client
    chat: Chat | None  # the one going on, else the last one
    is_active: bool
    messages: Sequence[ChatMessage]
    actions: Sequence[str]
    invited: Sequence[Chat]
    tickets: Sequence[Ticket]


async def view_of(ask: PageAsk, client: Client) -> ClientView:
    """The page now."""
    user_id = client.user.user_id
    mine = await ask.rooms.chats.page(client.site, ChatFilter(creator_id=user_id), None, CHATS_SHOWN)
    active = tuple(one.value for one in ACTIVE_STATUSES)
    going_on = await ask.rooms.chats.page(client.site, ChatFilter(statuses=active), None, 200)
    invited = [one for one in going_on if any(user.user_id == user_id for user in one.target_users)]
    within = [one for one in going_on if any(user.user_id == user_id for user in one.users)]
    chat = next((one for one in (*within, *mine) if one.status in ACTIVE_STATUSES), None) or next(iter(mine), None)
    return ClientView(
        client=client,
        chat=chat,
        is_active=chat is not None and chat.status in ACTIVE_STATUSES,
        messages=await ask.rooms.chats.messages(client.site, chat.id) if chat else (),
        actions=ask.rooms.chats.legal_moves(chat) if chat else (),
        invited=invited,
        tickets=await ask.rooms.tickets.page(client.site, TicketFilter(contact_id=user_id), None, TICKETS_SHOWN),
    )


async def show(ask: PageAsk) -> Response:
    """The page."""
    client = await client_of(ask)
    return await respond(ask, "pages/client.html", part="parts/client_chat.html", view=await view_of(ask, client))


async def stream(ask: PageAsk) -> Response:
    """The chat of the page, live."""
    client = await client_of(ask)
    page = OpenPage(ask.rooms.presence, client.site, client.user.user_id)

    def wanted(_bell: str, detail: object) -> str | None:
        ours = isinstance(detail, tuple) and detail[0] == client.site and detail[1] == "chat"
        return "chat" if ours else None

    async def tell(_ids: Sequence[str]) -> Sequence[Message]:
        await page.renew()
        html = part_text(ask, "parts/client_chat.html", {"view": await view_of(ask, client)})
        return (Message(event="part", html=html),)

    async def allowed() -> bool:
        await page.renew()
        return await ask.rooms.accounts.caller_of_client_link(ask.path("link")) is not None

    return live(ask, Stream(bells=("desk",), wanted=wanted, tell=tell, allowed=allowed, ended=page.close))
