"""The page Deliveries."""

from starlette.responses import Response

from deskbell.portal.deliveries.rows import load
from deskbell.portal.page import PageAsk, respond


async def show(ask: PageAsk) -> Response:
    """The list; htmx gets the list alone, with the clean URL to show."""
    listing = await load(ask)
    headers = {"hx-push-url": f"/deliveries{listing.query()}"} if ask.is_part else None
    return await respond(
        ask, "pages/deliveries.html", part="parts/deliveries_list.html", headers=headers, listing=listing
    )
