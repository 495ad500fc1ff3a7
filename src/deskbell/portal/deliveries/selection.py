"""Send again what was chosen in the list: one at once, several after a question."""

from collections.abc import Sequence

from starlette.responses import Response

from deskbell.model.errors import Conflict, FaultAt, Invalid, NotFound
from deskbell.portal.deliveries.outcome_words import after_sending
from deskbell.portal.deliveries.rows import PAGE_SIZES, rows_of, surroundings
from deskbell.portal.forms import Fields
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, back_to, respond, see_other
from deskbell.portal.words import plural

MOST = int(PAGE_SIZES[-1])


async def again(ask: PageAsk) -> Response:
    """One goes at once; several are shown first, since something leaves the building."""
    form = Fields(values=ask.form())
    ids = tuple(dict.fromkeys(form.many("id")))
    if not ids or len(ids) > MOST:
        detail = f"Choose 1 to {MOST} deliveries. For more there are replays."
        raise Invalid(detail, faults=(FaultAt(pointer="/id", code="range", detail=detail),))
    if len(ids) == 1:
        delivery = await ask.rooms.engine.redeliver(ask.site, ids[0], by=ask.caller.name)
        return see_other(ask, f"/deliveries/{delivery.id}", await after_sending(ask, delivery))
    if not form.flag("sure"):
        return await ask_first(ask, ids)
    return see_other(ask, back_to(ask, "/deliveries"), await send_all(ask, ids))


async def ask_first(ask: PageAsk, ids: Sequence[str]) -> Response:
    """What is about to be sent, to whom."""
    store = ask.rooms.store.deliveries
    found = [row for one in ids if (row := await store.get(ask.site, one)) is not None]
    rows = await rows_of(ask, found, await surroundings(ask))
    return await respond(
        ask, "pages/send_again.html", part="parts/send_again.html", rows=rows, back=back_to(ask, "/deliveries")
    )


async def send_all(ask: PageAsk, ids: Sequence[str]) -> Note:
    """One after the other; what cannot be sent is named and holds up nothing."""
    refused: list[str] = []
    for one in ids:
        try:
            await ask.rooms.engine.redeliver(ask.site, one, by=ask.caller.name)
        except (Conflict, NotFound) as refusal:
            refused.append(refusal.detail)
    sent = len(ids) - len(refused)
    text = f"Sent again: {plural(sent, 'delivery', 'deliveries')}." if sent else "Nothing was sent."
    if not refused:
        return Note(text=text)
    why = " ".join(dict.fromkeys(refused))
    return Note(text=f"{text} {len(refused)} could not be sent: {why}", tone="warn")
