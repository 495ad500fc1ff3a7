"""Set-up links: the first owner, an invited user, a new password."""

from starlette.responses import Response

from deskbell.accounts.joining import OpenedLink
from deskbell.model.errors import Invalid, NotFound
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.page import PageAsk, respond, see_other
from deskbell.server.cookies import set_login
from deskbell.server.csrf import check_origin

FIELDS = {"name": "name", "email": "email", "password": "password"}


async def show(ask: PageAsk) -> Response:
    """The form, or the words for a link that is used, old or unknown."""
    return await page(ask, await ask.rooms.accounts.opened(ask.path("token")))


async def page(
    ask: PageAsk,
    opened: OpenedLink | None,
    *,
    status: int = 200,
    faults: Faults | None = None,
    name: str = "",
    email: str = "",
) -> Response:
    """The page in any of its states."""
    user = None if opened is None else opened.user
    return await respond(
        ask,
        "pages/setup.html",
        status=404 if opened is None else status,
        kind="" if opened is None else opened.kind,
        faults=faults,
        name=name or ("" if user is None else user.name),
        email=email or ("" if user is None else user.email),
    )


async def use(ask: PageAsk) -> Response:
    """Make the owner, or give the user their password; then sign them in as far as the password goes."""
    check_origin(ask.request.headers, ask.rooms.base_url)
    form, accounts, token = Fields(values=ask.form()), ask.rooms.accounts, ask.path("token")
    name, email, password = form.text("name"), form.text("email"), form.raw("password")
    opened = await accounts.opened(token)
    if opened is None:
        return await page(ask, None)
    try:
        if opened.user is None:
            user = await accounts.create_owner(token, name, email, password, ask.origin)
        else:
            user = await accounts.join(token, name, password, ask.origin)
    except Invalid as refusal:
        faults = faults_of(refusal.faults, FIELDS, refusal.detail)
        return await page(ask, opened, status=422, faults=faults, name=name, email=email)
    except NotFound:
        return await page(ask, None)
    agent = ask.request.headers.get("user-agent", "")[:300]
    login, cookie = await accounts.sign_in(user.email, password, ask.origin.address, agent, site=user.site)
    response = see_other(ask, "/login/code" if login.waits_for else "/webhook")
    set_login(response, cookie, ask.rooms.base_url)
    return response
