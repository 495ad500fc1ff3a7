"""Pages that more than one place shows."""

from collections.abc import Sequence

from starlette.responses import Response

from deskbell.portal.page import PageAsk, is_own_path, respond


def return_path(ask: PageAsk) -> str:
    """Where to go after signing in: the page that was asked for, when a GET can show it."""
    if ask.request.method == "GET" and ask.request.url.path not in ("/login", "/logout", "/"):
        query = ask.request.url.query
        path = ask.request.url.path + (f"?{query}" if query else "")
        return path if is_own_path(path) else "/webhook"
    return "/webhook"


async def sign_in_page(
    ask: PageAsk,
    status: int = 200,
    *,
    fault: str = "",
    email: str = "",
    return_to: str = "",
    site: str = "",
    sites: Sequence[tuple[str, str]] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """Sign-in; as a dialog over the page when htmx asked."""
    ended = status == 401 and ask.request.url.path != "/login"
    if ask.is_part:
        headers = {**(headers or {}), "hx-retarget": "#dlg", "hx-reswap": "innerHTML"}
    return await respond(
        ask,
        "pages/sign_in.html",
        part="parts/sign_in_dialog.html",
        status=status,
        headers=headers,
        fault=fault,
        email=email,
        site=site,
        sites=sites,
        ended=ended and bool(ask.request.cookies),
        return_to=return_to or return_path(ask),
        offered=await ask.rooms.sign_on.offered(),
    )
