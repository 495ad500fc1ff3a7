"""The list of replays, and pause, resume, cancel."""

from starlette.responses import Response

from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, respond, see_other
from deskbell.portal.replays.one import PILLS, state_words

ROWS = 25


async def listing(ask: PageAsk) -> Response:
    """Replays, newest first."""
    found = await ask.rooms.store.replays.page(ask.site, ask.query.get("older"), ROWS + 1)
    rows = [(one, PILLS[one.state], state_words(one.choice.states)) for one in found[:ROWS]]
    older = found[ROWS - 1].id if len(found) > ROWS else ""
    return await respond(ask, "pages/replays.html", rows=rows, older=older, is_first="older" not in ask.query)


async def pause(ask: PageAsk) -> Response:
    """Begin no more until it is resumed."""
    replay = await ask.rooms.replays.pause(ask.caller, ask.path("id"), origin=ask.origin)
    note = Note(
        text="Paused. Deliveries that were begun go on.", undo=f"/replays/{replay.id}/resume", undo_label="Resume"
    )
    return see_other(ask, f"/replays/{replay.id}", note)


async def resume(ask: PageAsk) -> Response:
    """Go on."""
    replay = await ask.rooms.replays.resume(ask.caller, ask.path("id"), origin=ask.origin)
    return see_other(ask, f"/replays/{replay.id}", Note(text="The replay goes on."))


async def cancel(ask: PageAsk) -> Response:
    """Begin no more, for good."""
    replay = await ask.rooms.replays.cancel(ask.caller, ask.path("id"), origin=ask.origin)
    left = replay.total - replay.done
    return see_other(
        ask, f"/replays/{replay.id}", Note(text=f"Cancelled: {left:,} were not begun. Those that were go on.")
    )
