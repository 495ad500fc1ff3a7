"""The button Display detail: opens the row under its webhook."""

from starlette.responses import Response

from deskbell.portal.forms import Fields
from deskbell.portal.page import PageAsk
from deskbell.portal.webhook.detail import revealed
from deskbell.portal.webhook.show import registered


async def display(ask: PageAsk) -> Response:
    """Open the row, with the secrets for whoever may see them."""
    await ask.rooms.registrations.get(ask.site, ask.path("id"))
    form = Fields(values=ask.form())
    ask, opened = await revealed(ask, ask.path("id"), form.raw("password"), form.text("code"))
    return await registered(ask, opened, 422 if opened.fault else 200)
