"""The live parts of one delivery's page."""

from collections.abc import Sequence

from starlette.responses import Response

from deskbell.model.delivery import Attempt, Delivery
from deskbell.portal.deliveries.one import view_of
from deskbell.portal.live import Message, Stream, live
from deskbell.portal.login_check import may_still
from deskbell.portal.page import PageAsk, part_text


async def stream(ask: PageAsk) -> Response:
    """The part anew whenever this delivery changed."""
    delivery_id = ask.path("id")
    number = int(ask.query["attempt"]) if "attempt" in ask.query else None

    def wanted(bell: str, detail: object) -> str | None:
        if isinstance(detail, Delivery) and detail.id == delivery_id and detail.site == ask.site:
            return detail.id
        if isinstance(detail, Attempt) and detail.delivery_id == delivery_id and detail.site == ask.site:
            return detail.delivery_id
        return None

    async def tell(ids: Sequence[str]) -> Sequence[Message]:
        view = await view_of(ask, delivery_id, number)
        attempts = len(view.steps)
        if not ids and str(attempts) == ask.query.get("after", str(attempts)):
            return ()
        html = part_text(ask, "parts/delivery.html", {"view": view, "raw": ask.query.get("view") == "raw"})
        return (Message(event="part", html=html, id=str(attempts)),)

    await view_of(ask, delivery_id, number)  # 404 for what is not of this site, before anything is sent
    return live(ask, Stream(bells=("delivery", "attempt"), wanted=wanted, tell=tell, allowed=may_still(ask)))
