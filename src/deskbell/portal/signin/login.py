"""Sign in and out."""

from urllib.parse import quote

from starlette.responses import Response

from deskbell.accounts import SeveralSites
from deskbell.model.errors import Invalid, Throttled, Unauthenticated
from deskbell.portal import words
from deskbell.portal.forms import Fields
from deskbell.portal.page import PageAsk, finished, is_own_path, see_other
from deskbell.portal.pages import sign_in_page
from deskbell.server.cookies import clear_login, set_login
from deskbell.server.csrf import check_origin

WRONG = "E-mail or password is not right."


async def show(ask: PageAsk) -> Response:
    """The sign-in page."""
    return await sign_in_page(ask, return_to=own(ask.query.get("return_to", "")), site=ask.query.get("site", ""))


def own(path: str) -> str:
    """A path of our own, else the first page."""
    return path if is_own_path(path) else "/webhook"


async def sign_in(ask: PageAsk) -> Response:
    """Check e-mail and password; one text for every wrong combination."""
    check_origin(ask.request.headers, ask.rooms.base_url)
    form = Fields(values=ask.form())
    email, return_to, site = form.text("email"), own(form.text("return_to")), form.text("site")
    try:
        login, token = await ask.rooms.accounts.sign_in(
            email,
            form.raw("password"),
            ask.origin.address,
            ask.request.headers.get("user-agent", "")[:300],
            site=site or None,
        )
    except SeveralSites as several:
        return await choose_site(ask, several, email, return_to)
    except (Unauthenticated, Invalid):
        return await sign_in_page(ask, 401, fault=WRONG, email=email, return_to=return_to, site=site)
    except Throttled as refusal:
        wait = words.coarse(refusal.retry_after_s)
        fault = f"Too many wrong passwords. Possible again in {wait}."
        headers = {"retry-after": str(refusal.retry_after_s)}
        return await sign_in_page(ask, 429, fault=fault, email=email, return_to=return_to, site=site, headers=headers)
    response = see_other(ask, f"/login/code?return_to={quote(return_to)}" if login.waits_for else return_to)
    set_login(response, token, ask.rooms.base_url)
    return response


async def choose_site(ask: PageAsk, several: SeveralSites, email: str, return_to: str) -> Response:
    """The page again, with the sites to choose from; the password is not kept, so it is asked for once more."""
    found = [await ask.rooms.store.sites.get(one) for one in several.sites]
    sites = [(one.site, one.name) for one in found if one is not None]
    return await sign_in_page(ask, 200, email=email, return_to=return_to, sites=sites)


async def sign_out(ask: PageAsk) -> Response:
    """End the login."""
    login = ask.caller.login
    if login is not None:
        await ask.rooms.accounts.sign_out(login)
    response = see_other(ask, "/login")
    clear_login(response, ask.rooms.base_url)
    return finished(ask, response)
