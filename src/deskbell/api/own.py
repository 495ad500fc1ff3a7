"""The caller's own account and logins. Only a login can: no key has these."""

from typing import Any

from starlette.responses import Response

from deskbell.api.answer import ApiAsk, json, nothing
from deskbell.api.shapes import Input, Listing
from deskbell.api.users import login_shape, user_shape
from deskbell.model.account import Login, Permission
from deskbell.model.errors import Forbidden
from deskbell.server.cookies import set_login
from deskbell.server.once import Keeps
from deskbell.server.route import Route


class ConfirmInput(Input):
    """The password, and a code where there is a second factor."""

    password: str
    code: str = ""


class PasswordInput(Input):
    """The new password."""

    password: str


class CodeInput(Input):
    """The code that the app shows."""

    code: str


def login_of(ask: ApiAsk, *, confirmed: bool = False) -> Login:
    """The caller's login. Raises Forbidden when the password was given too long ago."""
    login = ask.caller.login
    if login is None or (confirmed and not ask.rooms.accounts.is_confirmed(login)):
        raise Forbidden("Confirm it is you: give your password again.", reason="confirm")
    return login


async def me(ask: ApiAsk) -> Response:
    """The caller's account."""
    account = await ask.rooms.accounts.own_account(ask.caller)
    left = 0 if account.second_factor is None else len(account.second_factor.recovery)
    return json({**user_shape(account), "recoveryCodesLeft": left})


async def confirm(ask: ApiAsk) -> Response:
    """It is you: counts for ten minutes, for revealing and for what changes this account."""
    given = ask.json(ConfirmInput)
    await ask.rooms.accounts.confirm(login_of(ask), given.password, given.code)
    return nothing()


async def change_password(ask: ApiAsk) -> Response:
    """A new password; other logins end, this one goes on with a new cookie. Confirm first."""
    token = await ask.rooms.accounts.change_password(ask.caller, ask.json(PasswordInput).password, ask.origin)
    response = nothing()
    set_login(response, token, ask.rooms.base_url)
    return response


async def begin(ask: ApiAsk) -> Response:
    """The key for an authenticator app; in force once its first code was given. Confirm first."""
    login_of(ask, confirmed=True)
    account = await ask.rooms.accounts.own_account(ask.caller)
    found = await ask.rooms.accounts.begin_enrolment(account, ask.origin)
    return json({"secret": found.secret, "uri": found.uri})


async def enrol(ask: ApiAsk) -> Response:
    """The first code: the second factor is in force, and the recovery codes are in this one answer."""
    login_of(ask, confirmed=True)
    account = await ask.rooms.accounts.own_account(ask.caller)
    codes = await ask.rooms.accounts.enrol(account, ask.json(CodeInput).code, ask.origin)
    response = json({"recoveryCodes": list(codes)})
    set_login(response, await ask.rooms.accounts.renew(ask.caller, ask.origin), ask.rooms.base_url)
    return response


async def remove(ask: ApiAsk) -> Response:
    """The password is enough again. Confirm first."""
    login_of(ask, confirmed=True)
    await ask.rooms.accounts.remove_second_factor(await ask.rooms.accounts.own_account(ask.caller), ask.origin)
    return nothing()


async def recovery(ask: ApiAsk) -> Response:
    """Ten fresh recovery codes, in this one answer; the old ones are void. Confirm first."""
    login_of(ask, confirmed=True)
    account = await ask.rooms.accounts.own_account(ask.caller)
    return json({"recoveryCodes": list(await ask.rooms.accounts.new_recovery_codes(account, ask.origin))})


async def logins(ask: ApiAsk) -> Response:
    """Where the caller is signed in now."""
    living = await ask.rooms.accounts.living_logins(ask.site, ask.caller.id)
    present = login_of(ask).id
    return json(Listing(items=[login_shape(one, present) for one in living], next=None))


async def end_login(ask: ApiAsk) -> Response:
    """End one of the caller's own logins."""
    await ask.rooms.accounts.end_logins(ask.caller, ask.caller.id, ask.origin, only=ask.path("id"))
    return nothing()


async def end_others(ask: ApiAsk) -> Response:
    """End all of the caller's own logins but this one."""
    await ask.rooms.accounts.end_logins(ask.caller, ask.caller.id, ask.origin, keep=login_of(ask).id)
    return nothing()


OWN = Permission.OWN
ROUTES: tuple[Route[Any], ...] = (
    Route(method="GET", path="/me", permission=OWN, handler=me, summary="Own account"),
    Route(
        method="POST", path="/me/confirm", permission=OWN, handler=confirm, status=204, request=ConfirmInput,
        summary="Give the password again", keeps=Keeps.NOTHING, audit="login.confirm",
    ),
    Route(
        method="POST", path="/me/password", permission=OWN, handler=change_password, status=204, request=PasswordInput,
        summary="Change the own password", keeps=Keeps.NOTHING, audit="user.password",
    ),
    Route(
        method="POST", path="/me/second-factor", permission=OWN, handler=begin, keeps=Keeps.NOTHING,
        summary="Begin to set up a second factor", audit="second_factor.begin",
    ),
    Route(
        method="POST", path="/me/second-factor/confirm", permission=OWN, handler=enrol, request=CodeInput,
        summary="The first code of the app", keeps=Keeps.NOTHING, audit="second_factor.enrol",
    ),
    Route(
        method="DELETE", path="/me/second-factor", permission=OWN, handler=remove, status=204,
        summary="Turn the own second factor off", audit="second_factor.remove",
    ),
    Route(
        method="POST", path="/me/recovery-codes", permission=OWN, handler=recovery, keeps=Keeps.NOTHING,
        summary="New recovery codes", audit="second_factor.recovery",
    ),
    Route(method="GET", path="/logins", permission=OWN, handler=logins, summary="Own logins"),
    Route(
        method="DELETE", path="/logins", permission=OWN, handler=end_others, status=204,
        summary="End all other own logins", audit="login.end",
    ),
    Route(
        method="DELETE", path="/logins/{id}", permission=OWN, handler=end_login, status=204,
        summary="End an own login", audit="login.end",
    ),
)  # fmt: skip
