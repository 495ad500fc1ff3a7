"""The agent desk: chats that wait, callbacks, handled chats, and tickets below them."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from deskbell.model.chat import Chat, ChatStatus
from deskbell.model.instant import Instant, to_seconds
from deskbell.model.query import ChatFilter, TicketFilter
from deskbell.model.ticket import Ticket
from deskbell.portal.deliveries.rows import surroundings
from deskbell.portal.desk.sent import Sent, sent_for
from deskbell.portal.page import PageAsk, respond
from deskbell.portal.words import span

CHATS_SHOWN = 30
TICKETS_SHOWN = 25
WAITS_LONG_S = 120
HANDLED_LONG_S = 3_600
SEGMENTS = ("open", "approval", "closed")
COLUMNS = (("Waiting", ChatStatus.CREATED), ("Callback", ChatStatus.CALLBACK), ("Handled", ChatStatus.HANDLED))


@dataclass(frozen=True, kw_only=True)
class Card:
    """One chat on the board."""

    chat: Chat
    people: str
    age: str
    tone: str
    actions: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One ticket below the board."""

    ticket: Ticket
    sent: Sequence[Sent]


@dataclass(frozen=True, kw_only=True)
class Board:
    """Everything of the page."""

    columns: Sequence[tuple[str, Sequence[Card]]]
    lines: Sequence[Line]
    segment: str


def card_of(chat: Chat, now: Instant, actions: Sequence[str]) -> Card:
    """A chat with its age: amber from 2 min waiting, red from 1 h handled."""
    company = f" · {chat.creator.company.name}" if chat.creator.company else ""
    agents = ", ".join(user.name for user in chat.users if user.is_agent)
    if chat.status is ChatStatus.HANDLED:
        began = chat.report.handled_at or chat.created_at
        passed = to_seconds(Instant(now - began))
        age, tone = f"handled for {span(passed)}", "bad" if passed >= HANDLED_LONG_S else "idle"
    elif chat.status is ChatStatus.CALLBACK:
        wish = chat.callback
        when = f" {wish.preferred_time[0].start}" if wish and wish.preferred_time else ""
        age, tone = f"{wish.type if wish else 'callback'}{when}", "info"
    else:
        passed = to_seconds(Instant(now - chat.created_at))
        age, tone = f"waits {span(passed)}", "warn" if passed >= WAITS_LONG_S else "idle"
    people = f"{chat.creator.name} with {agents}" if agents else f"{chat.creator.name}{company}"
    return Card(chat=chat, people=people, age=age, tone=tone, actions=actions)


async def board_of(ask: PageAsk, segment: str) -> Board:
    """The board now."""
    now, chats = ask.rooms.clock.now(), ask.rooms.chats
    columns = []
    for title, status in COLUMNS:
        found = await chats.page(ask.site, ChatFilter(statuses=(status.value,)), None, CHATS_SHOWN)
        columns.append((title, [card_of(one, now, chats.legal_moves(one)) for one in found]))
    tickets = await ask.rooms.tickets.page(ask.site, TicketFilter(closed=segment == "closed"), None, TICKETS_SHOWN * 4)
    if segment == "approval":
        tickets = tuple(one for one in tickets if one.status.is_approval_required)
    around = await surroundings(ask)
    lines = [Line(ticket=one, sent=await sent_for(ask, around, "ticket", one.id)) for one in tickets[:TICKETS_SHOWN]]
    return Board(columns=columns, lines=lines, segment=segment)


async def show(ask: PageAsk) -> Response:
    """The page."""
    board = await board_of(ask, ask.query.get("tickets", "open"))
    return await respond(ask, "pages/desk_agent.html", part="parts/board.html", board=board)
