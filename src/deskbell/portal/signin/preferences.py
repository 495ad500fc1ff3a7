"""What a browser remembers: theme, and whether single-letter keys work. Cookies, so that the first paint is right."""

from starlette.responses import Response

from deskbell.portal.forms import Fields
from deskbell.portal.page import THEMES, PageAsk, back_to, see_other

_YEAR_S = 31_536_000


async def change(ask: PageAsk) -> Response:
    """Keep what was chosen and go back."""
    form = Fields(values=ask.form())
    response = see_other(ask, back_to(ask, "/webhook"))
    theme, keys = form.text("theme"), form.text("keys")
    if theme in THEMES:
        response.set_cookie("deskbell_theme", theme, max_age=_YEAR_S, path="/", samesite="lax")
    if keys in ("on", "off"):
        response.set_cookie("deskbell_keys", keys, max_age=_YEAR_S, path="/", samesite="lax")
    return response
