"""The Developer Corner: the feature checkbox, and what helps people who write programs."""

from starlette.responses import Response

from deskbell.portal.page import PageAsk, respond
from deskbell.rules.catalogue import CATALOGUE


async def show(ask: PageAsk) -> Response:
    """The page."""
    return await respond(ask, "pages/developer_corner.html", types=len(CATALOGUE))
