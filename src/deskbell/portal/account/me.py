"""The own account: password, second factor, and where one is signed in."""

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from deskbell.model.errors import Invalid, Refusal, Throttled, Unauthenticated
from deskbell.portal import words
from deskbell.portal.forms import Fields, faults_of
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, respond, see_other
from deskbell.portal.qr import qr_code
from deskbell.server.cookies import set_login

FIELDS = {"password": "password", "code": "code"}


async def page(ask: PageAsk, status: int = 200, **values: Any) -> Response:
    """The page in any of its states."""
    accounts, login = ask.rooms.accounts, ask.caller.login
    account = await accounts.own_account(ask.caller)
    site = await ask.rooms.store.sites.get(ask.site)
    given = {"faults": None, "fault": "", "enrolment": None, "codes": (), **values}
    return await respond(
        ask,
        "pages/me.html",
        status=status,
        account=account,
        required=site is not None and site.second_factor_required,
        logins=await accounts.living_logins(ask.site, ask.caller.id),
        this_login="" if login is None else login.id,
        confirmed=login is not None and accounts.is_confirmed(login),
        drawn=qr_code(given["enrolment"].uri) if given["enrolment"] else "",
        **given,
    )


async def show(ask: PageAsk) -> Response:
    """The page."""
    return await page(ask)


async def confirm(ask: PageAsk) -> Response:
    """It is you: for ten minutes the account can be changed."""
    form = Fields(values=ask.form())
    if ask.caller.login is None:
        return see_other(ask, "/me")
    try:
        await ask.rooms.accounts.confirm(ask.caller.login, form.raw("password"), form.text("code"))
    except Throttled as refusal:
        return await page(ask, 429, fault=f"Too many wrong ones. Again in {words.coarse(refusal.retry_after_s)}.")
    except Unauthenticated:
        return await page(ask, 422, fault="This is not right.")
    return see_other(ask, "/me")


def must_be_confirmed(ask: PageAsk) -> None:
    """Raises Unauthenticated when the password was given too long ago; the page then asks for it."""
    if ask.caller.login is None or not ask.rooms.accounts.is_confirmed(ask.caller.login):
        raise Unauthenticated


async def renewed(ask: PageAsk, token: str) -> PageAsk:
    """The ask under its new cookie value, so that the page's forms carry its token."""
    return replace(ask, known_caller=await ask.rooms.accounts.caller_of_cookie(token))


async def change_password(ask: PageAsk) -> Response:
    """Other logins end; this one goes on."""
    try:
        new = Fields(values=ask.form()).raw("new_password")
        token = await ask.rooms.accounts.change_password(ask.caller, new, ask.origin)
    except Invalid as refusal:
        faults = faults_of(refusal.faults, {"password": "new_password"}, refusal.detail)
        return await page(ask, 422, faults=faults)
    except Refusal as refusal:
        return await page(ask, refusal.status, fault=refusal.detail)
    response = see_other(ask, "/me", Note(text="Password changed. You were signed out everywhere else."))
    set_login(response, token, ask.rooms.base_url)
    return response


async def begin(ask: PageAsk) -> Response:
    """The QR code and the text key; in force with the first code."""
    try:
        must_be_confirmed(ask)
    except Unauthenticated:
        return see_other(ask, "/me")
    account = await ask.rooms.accounts.own_account(ask.caller)
    return await page(ask, enrolment=await ask.rooms.accounts.begin_enrolment(account, ask.origin))


async def enrol(ask: PageAsk) -> Response:
    """In force; the recovery codes are shown once."""
    account = await ask.rooms.accounts.own_account(ask.caller)
    code = Fields(values=ask.form()).text("code")
    try:
        must_be_confirmed(ask)
        codes = await ask.rooms.accounts.enrol(account, code, ask.origin)
    except Unauthenticated:
        return see_other(ask, "/me")
    except (Invalid, Throttled) as refusal:
        enrolment = await ask.rooms.accounts.enrolment(account)
        return await page(ask, refusal.status, enrolment=enrolment, fault=refusal.detail)
    token = await ask.rooms.accounts.renew(ask.caller, ask.origin)
    response = await page(await renewed(ask, token), codes=codes)
    set_login(response, token, ask.rooms.base_url)
    return response


async def turn_off(ask: PageAsk) -> Response:
    """The password is enough again."""
    try:
        must_be_confirmed(ask)
    except Unauthenticated:
        return see_other(ask, "/me")
    await ask.rooms.accounts.remove_second_factor(await ask.rooms.accounts.own_account(ask.caller), ask.origin)
    return see_other(ask, "/me", Note(text="The second factor is off. Your password is enough again.", tone="warn"))


async def recovery(ask: PageAsk) -> Response:
    """Ten fresh recovery codes; the old ones are void."""
    try:
        must_be_confirmed(ask)
    except Unauthenticated:
        return see_other(ask, "/me")
    account = await ask.rooms.accounts.own_account(ask.caller)
    return await page(ask, codes=await ask.rooms.accounts.new_recovery_codes(account, ask.origin))


async def end_logins(ask: PageAsk) -> Response:
    """One own login, or all but this one."""
    login_id = Fields(values=ask.form()).text("login")
    keep = "" if ask.caller.login is None else ask.caller.login.id
    ended = await ask.rooms.accounts.end_logins(
        ask.caller, ask.caller.id, ask.origin, only=login_id or None, keep="" if login_id else keep
    )
    return see_other(ask, "/me", Note(text=f"{words.plural(ended, 'login')} ended."))
