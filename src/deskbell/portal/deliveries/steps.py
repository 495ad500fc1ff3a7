"""Send again, send now, send with today's settings, stop."""

from starlette.responses import Response

from deskbell.portal.deliveries.outcome_words import after_sending
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, see_other


async def redeliver(ask: PageAsk) -> Response:
    """The same bytes and id, now."""
    delivery = await ask.rooms.engine.redeliver(ask.site, ask.path("id"), by=ask.caller.name)
    return see_other(ask, f"/deliveries/{delivery.id}", await after_sending(ask, delivery))


async def again(ask: PageAsk) -> Response:
    """A new delivery of the same events with the webhook as it is now."""
    made = await ask.rooms.engine.send_again(ask.site, ask.path("id"), by=ask.caller.name)
    return see_other(ask, f"/deliveries/{made.id}", await after_sending(ask, made))


async def cancel(ask: PageAsk) -> Response:
    """Stop a waiting delivery."""
    delivery = await ask.rooms.engine.cancel(ask.site, ask.path("id"))
    return see_other(ask, f"/deliveries/{delivery.id}", Note(text="Stopped. It can still be sent again by hand."))
