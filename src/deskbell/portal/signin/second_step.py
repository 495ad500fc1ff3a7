"""After the right password: the code of the second factor, or setting one up where the site asks for it."""

from typing import Any

from starlette.responses import Response

from deskbell.accounts.second_step import AGAIN
from deskbell.model.account import Account, Login
from deskbell.model.errors import Invalid, Refusal, Throttled, Unauthenticated
from deskbell.portal import words
from deskbell.portal.forms import Fields
from deskbell.portal.page import PageAsk, is_own_path, respond, see_other
from deskbell.portal.qr import qr_code
from deskbell.server.cookies import read_login, set_login
from deskbell.server.csrf import check_origin, check_token


async def waiting(ask: PageAsk) -> tuple[str, Login, Account] | None:
    """The cookie of a login that waits, the login, and whose it is."""
    cookie = read_login(ask.request, ask.rooms.base_url) or ""
    found = await ask.rooms.accounts.waiting(cookie)
    return None if found is None else (cookie, *found)


async def expected(ask: PageAsk) -> tuple[str, Login, Account]:
    """As `waiting`, for a POST: from our own page, and not too late. Raises Forbidden or Unauthenticated."""
    check_origin(ask.request.headers, ask.rooms.base_url)
    found = await waiting(ask)
    if found is None:
        raise Unauthenticated(AGAIN)
    check_token(Fields(values=ask.form()).raw("csrf"), found[1].csrf)
    return found


async def page(ask: PageAsk, login: Login, status: int = 200, **values: Any) -> Response:
    """The page in any of its states."""
    form = Fields(values=ask.form()) if ask.request.method == "POST" else None
    return_to = form.text("return_to") if form else ask.query.get("return_to", "")
    given = {"fault": "", "enrolment": None, "codes": (), **values}
    drawn = qr_code(given["enrolment"].uri) if given["enrolment"] else ""
    headers = {"hx-retarget": "body"} if ask.is_part else None
    return await respond(
        ask,
        "pages/second_step.html",
        status=status,
        headers=headers,
        **{**given, "step": login.waits_for, "csrf": login.csrf, "drawn": drawn, "return_to": own(return_to)},
    )


def own(path: str) -> str:
    """A path of our own, else the first page."""
    return path if is_own_path(path) else "/webhook"


async def show(ask: PageAsk) -> Response:
    """The code is asked for; without a login that waits, sign in first."""
    found = await waiting(ask)
    return see_other(ask, "/login") if found is None else await page(ask, found[1])


def words_of(refusal: Refusal) -> str:
    """Why the code was not taken."""
    if isinstance(refusal, Throttled):
        return f"Too many wrong codes. Possible again in {words.coarse(refusal.retry_after_s)}."
    return refusal.detail


async def give(ask: PageAsk) -> Response:
    """The code, or a recovery code: signed in, under a new cookie value."""
    cookie, login, _ = await expected(ask)
    form = Fields(values=ask.form())
    try:
        _, token = await ask.rooms.accounts.give_code(cookie, form.text("code"), ask.origin)
    except (Unauthenticated, Throttled) as refusal:
        return await page(ask, login, refusal.status, fault=words_of(refusal))
    response = see_other(ask, own(form.text("return_to")))
    set_login(response, token, ask.rooms.base_url)
    return response


async def begin(ask: PageAsk) -> Response:
    """The QR code and the text key."""
    _, login, account = await expected(ask)
    return await page(ask, login, enrolment=await ask.rooms.accounts.begin_enrolment(account, ask.origin))


async def enrol(ask: PageAsk) -> Response:
    """The first code: signed in, and the recovery codes are shown once."""
    cookie, login, account = await expected(ask)
    code = Fields(values=ask.form()).text("code")
    try:
        codes, token = await ask.rooms.accounts.enrol_to_sign_in(cookie, code, ask.origin)
    except (Invalid, Throttled) as refusal:
        enrolment = await ask.rooms.accounts.enrolment(account)
        return await page(ask, login, refusal.status, enrolment=enrolment, fault=words_of(refusal))
    response = await page(ask, login, codes=codes)
    set_login(response, token, ask.rooms.base_url)
    return response
