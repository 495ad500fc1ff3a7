"""One event: what it says, and why each webhook was or was not called; a webhook that was not can be sent it."""

from starlette.responses import Response

from deskbell.model.errors import NotFound
from deskbell.portal.actor import actor_of
from deskbell.portal.deliveries.rows import surroundings
from deskbell.portal.deliveries.trace import carried_by, considered
from deskbell.portal.forms import Fields
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, respond, see_other
from deskbell.rules.masking import mask_event
from deskbell.server.masked import masked_paths


async def show(ask: PageAsk) -> Response:
    """The page."""
    event = await ask.rooms.store.events.get(ask.site, ask.path("id"))
    if event is None:
        raise NotFound("There is no such event on this site. Events are kept for 30 days.")
    masked = await masked_paths(ask.caller, ask.rooms.store)
    event = event if masked is None else mask_event(event, masked)
    around = await surroundings(ask)
    found = considered((event,), around.webhooks, await carried_by(ask, (event,)))
    return await respond(ask, "pages/event.html", event=event, considered=found, this_id="")


async def send(ask: PageAsk) -> Response:
    """Send it to a webhook that it did not match."""
    made = await ask.rooms.engine.send_anyway(
        ask.site, ask.path("id"), Fields(values=ask.form()).text("webhook"), by=actor_of(ask), origin=ask.origin
    )
    note = Note(text="On its way to this webhook. This page shows the answer when it comes.")
    return see_other(ask, f"/deliveries/{made.id}", note)
