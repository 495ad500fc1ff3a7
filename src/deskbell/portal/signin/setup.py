"""The first login: a set-up link makes the owner."""

from starlette.responses import Response

from deskbell.model.errors import Invalid, NotFound
from deskbell.portal.forms import Faults, Fields, faults_of
from deskbell.portal.page import PageAsk, respond, see_other
from deskbell.server.cookies import set_login
from deskbell.server.csrf import check_origin

FIELDS = {"name": "name", "email": "email", "password": "password"}


async def show(ask: PageAsk) -> Response:
    """The form, or the words for a link that is used, old or unknown."""
    return await page(ask, valid=await ask.rooms.accounts.setup_info(ask.path("token")) is not None)


async def page(
    ask: PageAsk, *, valid: bool, status: int = 200, faults: Faults | None = None, name: str = "", email: str = ""
) -> Response:
    """The page in any of its states."""
    status = status if valid else 404
    return await respond(ask, "pages/setup.html", status=status, valid=valid, faults=faults, name=name, email=email)


async def create_owner(ask: PageAsk) -> Response:
    """Make the owner and sign them in."""
    check_origin(ask.request.headers, ask.rooms.base_url)
    form = Fields(values=ask.form())
    name, email, password = form.text("name"), form.text("email"), form.raw("password")
    try:
        account = await ask.rooms.accounts.create_owner(ask.path("token"), name, email, password, ask.origin)
    except Invalid as refusal:
        faults = faults_of(refusal.faults, FIELDS, refusal.detail)
        return await page(ask, valid=True, status=422, faults=faults, name=name, email=email)
    except NotFound:
        return await page(ask, valid=False)
    agent = ask.request.headers.get("user-agent", "")[:300]
    _, token = await ask.rooms.accounts.sign_in(email, password, ask.origin.address, agent, site=account.site)
    response = see_other(ask, "/webhook")
    set_login(response, token, ask.rooms.base_url)
    return response
