"""Live captures of one bin."""

from collections.abc import Sequence

from starlette.responses import Response

from deskbell.model.inspector import Capture
from deskbell.portal.inspector.one import view_of
from deskbell.portal.live import Message, Stream, live, resume_id
from deskbell.portal.login_check import may_still
from deskbell.portal.page import PageAsk, part_text


async def stream(ask: PageAsk) -> Response:
    """The captures anew whenever one came in; a chosen one stays chosen."""
    bin_id, chosen, told = ask.path("bin"), ask.query.get("cap", ""), resume_id(ask)
    await ask.rooms.inspector.get(ask.site, bin_id)

    def wanted(bell: str, detail: object) -> str | None:
        ours = isinstance(detail, Capture) and detail.bin_id == bin_id and detail.site == ask.site
        return bin_id if ours else None

    async def tell(ids: Sequence[str]) -> Sequence[Message]:
        view = await view_of(ask, bin_id, chosen)
        newest = str(view.lines[0].capture.seq if view.lines else 0)
        if not ids and (not told or told == newest):
            return ()
        html = part_text(ask, "parts/captures.html", {"view": view, "follows": not chosen})
        return (Message(event="part", html=html, id=newest),)

    return live(ask, Stream(bells=("capture",), wanted=wanted, tell=tell, allowed=may_still(ask)))
