"""The list of events, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from deskbell.model.event import Event
from deskbell.model.query import EventFilter
from deskbell.portal.page import PageAsk, respond
from deskbell.rules.matching import makes_delivery

ROWS = 50


@dataclass(frozen=True, kw_only=True)
class Row:
    """One event."""

    event: Event
    sent: int  # webhooks that it matched
    considered: int


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One page of the list."""

    rows: Sequence[Row]
    type: str
    older: str  # where the next page begins, or nothing
    is_first: bool


async def show(ask: PageAsk) -> Response:
    """The list; `type` is one type or a group."""
    which = EventFilter(type=ask.query.get("type"))
    found = await ask.rooms.store.events.page(ask.site, which, ask.query.get("older"), ROWS + 1)
    rows = [row_of(one) for one in found[:ROWS]]
    listing = Listing(
        rows=rows,
        type=ask.query.get("type", ""),
        older=rows[-1].event.id if len(found) > ROWS else "",
        is_first="older" not in ask.query,
    )
    return await respond(ask, "pages/events.html", listing=listing)


def row_of(event: Event) -> Row:
    """An event with how many webhooks it was for."""
    return Row(event=event, sent=sum(makes_delivery(one.reason) for one in event.trace), considered=len(event.trace))
