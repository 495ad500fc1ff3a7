"""To the provider and back."""

from starlette.responses import RedirectResponse, Response

from deskbell.model.errors import Forbidden, Refusal, Unauthenticated, Unreadable
from deskbell.model.ids import SiteId
from deskbell.portal.page import PageAsk, is_own_path, see_other
from deskbell.portal.pages import sign_in_page
from deskbell.server.cookies import clear_attempt, read_attempt, set_attempt, set_login

HOME = "/"


async def go(ask: PageAsk) -> Response:
    """To the provider; whoever is signed in shows there again who they are."""
    back = ask.query.get("return_to", HOME)
    back = back if is_own_path(back) else HOME
    signed_in = ask.known_caller is not None and ask.known_caller.login is not None
    again = ask.known_caller if signed_in and ask.flag("again") else None
    offered = await ask.rooms.sign_on.offered()
    sites = [one.site for one in offered if again is None or one.site == again.site]
    wanted = ask.query.get("site") or (sites[0] if len(sites) == 1 else "")
    if wanted not in sites:
        raise Unreadable("Single sign-on is not set up here.")
    gone = await ask.rooms.sign_on.begin(SiteId(wanted), back, again)
    response = RedirectResponse(gone.address, status_code=303)
    set_attempt(response, gone.cookie, ask.rooms.base_url)
    return response


async def back(ask: PageAsk) -> Response:
    """From the provider: a login, or the words for what is wrong."""
    agent = ask.request.headers.get("user-agent", "")[:300]
    cookie = read_attempt(ask.request, ask.rooms.base_url)
    try:
        done = await ask.rooms.sign_on.finish(cookie, dict(ask.query), ask.known_caller, ask.origin, agent)
    except (Unreadable, Unauthenticated, Forbidden) as refusal:
        response = await _refused(ask, refusal)
        clear_attempt(response, ask.rooms.base_url)
        return response
    response = see_other(ask, done.return_to)
    clear_attempt(response, ask.rooms.base_url)
    if done.token is not None:
        set_login(response, done.token, ask.rooms.base_url)
    return response


async def _refused(ask: PageAsk, refusal: Refusal) -> Response:
    return await sign_in_page(ask, refusal.status, fault=refusal.detail, return_to=HOME)
