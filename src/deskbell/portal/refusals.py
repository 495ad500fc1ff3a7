"""Refusals as pages: what happened, what is safe, what to do."""

from dataclasses import replace

from starlette.responses import Response

from deskbell.model.errors import Busy, Later, NotFound, Refusal, Throttled, Unauthenticated
from deskbell.portal.page import PageAsk, respond
from deskbell.portal.pages import sign_in_page
from deskbell.server.cookies import read_login

_ICONS = {401: "log-in", 403: "ban", 404: "search", 409: "history", 429: "hourglass", 503: "hourglass"}
_TITLES = {
    400: "This address is not understood",
    403: "Your role does not allow this",
    404: "Nothing here",
    409: "Not possible now",
    413: "Too large",
    422: "Not valid",
    429: "Too many requests",
    503: "Deskbell is busy",
}


async def refusal_page(ask: PageAsk, refusal: Refusal) -> Response:
    """The answer of the portal to a refusal that no form took."""
    if ask.known_caller is None and (cookie := read_login(ask.request, ask.rooms.base_url)):
        ask = replace(ask, known_caller=await ask.rooms.accounts.caller_of_cookie(cookie))
    if isinstance(refusal, Unauthenticated):
        return await sign_in_page(ask, 401)
    headers = {"hx-retarget": "#said", "hx-reswap": "innerHTML"} if ask.is_part else {}
    if isinstance(refusal, Later):
        headers["retry-after"] = str(refusal.retry_after_s)
    if isinstance(refusal, Busy) and ask.request.method == "GET" and not ask.is_part:
        headers["refresh"] = "3"
    return await respond(
        ask,
        "pages/refusal.html",
        part="parts/refusal.html",
        status=refusal.status,
        headers=headers,
        icon_name=_ICONS.get(refusal.status, "triangle-alert"),
        title=title_of(refusal),
        words=words_of(refusal, ask.request.url.path),
        refusal=refusal,
        deleted_link=isinstance(refusal, NotFound) and ask.request.url.path.startswith("/webhook/"),
    )


def title_of(refusal: Refusal) -> str:
    """The headline."""
    if refusal.reason == "csrf":
        return "This request was refused"
    return _TITLES.get(refusal.status, refusal.title)


def words_of(refusal: Refusal, path: str) -> str:
    """The sentence for people."""
    if isinstance(refusal, Busy):
        return "Deskbell is busy storing events; nothing is lost. This page loads again in 3 s."
    if isinstance(refusal, NotFound) and path.startswith("/webhook/"):
        return "This webhook does not exist or was deleted."
    if isinstance(refusal, Throttled):
        return f"{refusal.detail} Possible again in {refusal.retry_after_s} s."
    return refusal.detail
