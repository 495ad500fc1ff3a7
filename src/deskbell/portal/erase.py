"""Erase a subject: see what is kept of it, type its name, and it is blanked for good."""

from starlette.responses import Response

from deskbell.model.errors import NotFound
from deskbell.portal.forms import Faults, Fields
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, respond, see_other
from deskbell.portal.words import plural
from deskbell.webhooks import Erasable, must_own


def name_of(found: Erasable) -> str:
    """What has to be typed."""
    return found.title or found.subject[1]


async def show(ask: PageAsk) -> Response:
    """Which subject; once it is named, what is kept of it."""
    must_own(ask.caller)
    return await page(ask, ask.query.get("type", ""), ask.query.get("id", ""))


async def page(ask: PageAsk, kind: str, key: str, *, wrong: bool = False) -> Response:
    """The page in any of its states."""
    found, by_field, status = None, {}, 200
    if kind and key:
        try:
            found = await ask.rooms.erasures.look(ask.caller, (kind, key))
        except NotFound as refusal:
            by_field, status = {"id": refusal.detail}, 404
    if wrong and found is not None:
        by_field, status = {"name": f"Type “{name_of(found)}”, exactly so."}, 422
    return await respond(
        ask,
        "pages/erase.html",
        status=status,
        kind=kind or "ticket",
        key=key,
        found=found,
        name=name_of(found) if found else "",
        faults=Faults(by_field=by_field, title="Nothing was erased.") if by_field else None,
    )


async def erase(ask: PageAsk) -> Response:
    """Once its name was typed."""
    form = Fields(values=ask.form())
    kind, key = form.text("type"), form.text("id")
    found = await ask.rooms.erasures.look(ask.caller, (kind, key))
    if form.text("name") != name_of(found):
        return await page(ask, kind, key, wrong=True)
    await ask.rooms.erasures.erase(ask.caller, (kind, key), origin=ask.origin)
    text = f"Erased the content of {plural(found.events, 'event')}. Ids, types and times stay."
    return see_other(ask, "/developer-corner", Note(text=text))
