"""Live rows of the list: new deliveries on top, changed ones in place."""

from collections.abc import Sequence

from starlette.responses import Response

from deskbell.model.delivery import Attempt, Delivery
from deskbell.model.ids import is_id
from deskbell.portal.deliveries.rows import filter_of, rows_of, surroundings
from deskbell.portal.live import Message, Stream, live, resume_id
from deskbell.portal.login_check import may_still
from deskbell.portal.page import PageAsk, part_text

ROWS_MAX = 50


async def stream(ask: PageAsk) -> Response:
    """The stream with the same filters as the page."""
    told = resume_id(ask)
    feed = Feed(ask, told if is_id(told, "dlv") else "")
    return live(ask, Stream(bells=("delivery", "attempt"), wanted=feed.wanted, tell=feed.tell, allowed=may_still(ask)))


class Feed:
    """Remembers which delivery was the newest that was told."""

    def __init__(self, ask: PageAsk, newest: str) -> None:
        self._ask = ask
        self._newest = newest
        self._resumes = bool(newest)

    def wanted(self, bell: str, detail: object) -> str | None:
        """The delivery that rang, if it is of this site."""
        if isinstance(detail, Delivery) and detail.site == self._ask.site:
            return detail.id
        if isinstance(detail, Attempt) and detail.site == self._ask.site:
            return detail.delivery_id
        return None

    async def tell(self, ids: Sequence[str]) -> Sequence[Message]:
        """New rows since the last time, and rows that changed."""
        around = await surroundings(self._ask)
        which = filter_of(self._ask, around)
        store = self._ask.rooms.store.deliveries
        if not ids and not self._resumes:
            newest = await store.page(self._ask.site, which, None, 1)
            self._newest = newest[0].id if newest else "dlv_"
            return ()
        fresh: tuple[Delivery, ...] = await store.page(self._ask.site, which, self._newest, ROWS_MAX, newer=True)
        seen = {one.id for one in fresh}
        changed = [
            found for one in ids if one not in seen and (found := await store.get(self._ask.site, one)) is not None
        ]
        told = []
        if fresh:
            self._newest = fresh[0].id
            rows = await rows_of(self._ask, fresh, around)
            told.append(Message(event="rows", id=self._newest, html=self._html(rows)))
        if changed:
            rows = await rows_of(self._ask, changed[:ROWS_MAX], around)
            told.append(Message(event="changed", id=self._newest, html=self._html(rows)))
        return told

    def _html(self, rows: Sequence[object]) -> str:
        return part_text(self._ask, "parts/delivery_rows.html", {"rows": rows})
