"""Masked members: which parts of JSON a site wants masked, besides what is masked everywhere."""

from starlette.responses import Response

from deskbell.model.errors import Invalid, NotFound
from deskbell.portal.forms import Faults, Fields
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, respond, see_other


async def show(ask: PageAsk) -> Response:
    """The members, one a line."""
    site = await ask.rooms.store.sites.get(ask.site)
    if site is None:
        raise NotFound
    return await page(ask, "\n".join(site.redact))


async def page(ask: PageAsk, text: str, faults: Faults | None = None) -> Response:
    """The page in any of its states."""
    return await respond(ask, "pages/masked.html", status=422 if faults else 200, text=text, faults=faults)


async def save(ask: PageAsk) -> Response:
    """Keep the lines that are not blank."""
    text = Fields(values=ask.form()).raw("redact")
    lines = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    try:
        await ask.rooms.registrations.update_site(ask.caller, {"redact": lines}, origin=ask.origin)
    except Invalid as refusal:
        told = [f"Line {place_of(one.pointer)}: {one.detail}" for one in refusal.faults]
        return await page(ask, text, Faults(by_field={"redact": " ".join(told)}, title="Nothing was changed."))
    return see_other(
        ask, "/masked", Note(text="Saved. Answers are masked so from now on, and viewers see payloads so.")
    )


def place_of(pointer: str) -> str:
    """Which line a fault is about."""
    last = pointer.rpartition("/")[2]
    return str(int(last) + 1) if last.isdecimal() else "1"
