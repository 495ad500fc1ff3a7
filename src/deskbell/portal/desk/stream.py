"""Live parts of the agent's pages: board, one chat, the webhooks of one ticket."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.responses import Response

from deskbell.model.account import Permission
from deskbell.model.delivery import Attempt, Delivery
from deskbell.portal.desk.board import board_of
from deskbell.portal.desk.chat import view_of as chat_view
from deskbell.portal.desk.ticket import view_of as ticket_view
from deskbell.portal.live import Message, Stream, live
from deskbell.portal.login_check import may_still
from deskbell.portal.page import PageAsk, part_text

BELLS = ("desk", "delivery", "attempt")


def part_stream(ask: PageAsk, html: Callable[[], Awaitable[str]], noun: str = "", item: str = "") -> Response:
    """A stream that tells the part anew whenever something of its subject changed; always once at the start."""

    def wanted(bell: str, detail: object) -> str | None:
        if bell == "desk" and isinstance(detail, tuple):
            return bell if detail[0] == ask.site and (not noun or detail[1:3] == (noun, item)) else None
        if isinstance(detail, Delivery) and detail.site == ask.site:
            subject = detail.subject
            ours = not noun or (subject is not None and (subject.type, subject.id) == (noun, item))
            return bell if ours else None
        return bell if not noun and isinstance(detail, Attempt) and detail.site == ask.site else None

    async def tell(_ids: Sequence[str]) -> Sequence[Message]:
        return (Message(event="part", html=await html()),)

    allowed = may_still(ask, Permission.DESK_READ)
    return live(ask, Stream(bells=BELLS, wanted=wanted, tell=tell, allowed=allowed))


async def board(ask: PageAsk) -> Response:
    """The whole board."""

    async def html() -> str:
        return part_text(ask, "parts/board.html", {"board": await board_of(ask, ask.query.get("tickets", "open"))})

    return part_stream(ask, html)


async def chat(ask: PageAsk) -> Response:
    """Messages, people and webhooks of one chat."""
    chat_id = ask.path("id")
    await ask.rooms.chats.get(ask.site, chat_id)

    async def html() -> str:
        return part_text(ask, "parts/chat_live.html", {"view": await chat_view(ask, chat_id)})

    return part_stream(ask, html, "chat", chat_id)


async def ticket(ask: PageAsk) -> Response:
    """The webhooks of a ticket's last change."""
    found = await ask.rooms.tickets.get(ask.site, ask.path("id"))

    async def html() -> str:
        return part_text(ask, "parts/ticket_sent.html", {"view": await ticket_view(ask, found.id)})

    return part_stream(ask, html, "ticket", found.id)
