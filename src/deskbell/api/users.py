"""Users: invited by a link, given a role, removed; their logins and second factors, for admins."""

from typing import Any

from starlette.responses import Response

from deskbell.accounts.users import Invitation
from deskbell.api import show
from deskbell.api.answer import ApiAsk, json, nothing
from deskbell.api.keys import key_shape
from deskbell.api.shapes import Input, Listing
from deskbell.model.account import Account, Login, Permission
from deskbell.model.instant import format_instant
from deskbell.server.once import Keeps
from deskbell.server.route import Param, Route


class InvitationInput(Input):
    """Who is invited, and as what."""

    email: str
    role: str
    name: str = ""  # what is left out is made of the e-mail address; they may change it


class UserPatch(Input):
    """What can be changed of a user."""

    role: str


class RequiredInput(Input):
    """Whether everybody needs a second factor, from their next sign-in on."""

    required: bool


def user_shape(user: Account) -> dict[str, Any]:
    """A user of the portal."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role.value,
        "state": "invited" if user.password_hash is None and user.last_login_at is None else "active",
        "secondFactor": user.second_factor is not None,
        "createdAt": format_instant(user.created_at),
        "lastLoginAt": show.time(user.last_login_at),
    }


def login_shape(login: Login, present: str | None = None) -> dict[str, Any]:
    """A login; `current` marks the one that asks."""
    return {
        "id": login.id,
        "createdAt": format_instant(login.created_at),
        "seenAt": format_instant(login.seen_at),
        "address": login.address,
        "userAgent": login.agent,
        "endedAt": show.time(login.ended_at),
        "current": login.id == present,
    }


def link_shape(ask: ApiAsk, made: Invitation) -> dict[str, Any]:
    """A one-time link; its text is in this one answer."""
    return {
        **user_shape(made.user),
        "url": f"{ask.rooms.base_url}/setup/{made.token}",
        "kind": "password" if made.is_reset else "invitation",
        "expiresAt": format_instant(made.expires_at),
    }


async def users(ask: ApiAsk) -> Response:
    """The users of the portal."""
    return json(Listing(items=[user_shape(user) for user in await ask.rooms.accounts.users(ask.site)], next=None))


async def user(ask: ApiAsk) -> Response:
    """One user, with the keys that they made and that still work."""
    found = await ask.rooms.accounts.user(ask.site, ask.path("id"))
    keys = await ask.rooms.accounts.keys_of(ask.site, found.id)
    return json({**user_shape(found), "keys": [key_shape(one) for one in keys]})


async def invite(ask: ApiAsk) -> Response:
    """A user without a password, and the link by which they choose one: good for 24 h and one use, shown once."""
    given = ask.json(InvitationInput)
    made = await ask.rooms.accounts.invite(ask.caller, given.email, given.name.strip(), given.role, ask.origin)
    return json(link_shape(ask, made), 201, {"location": f"/api/v1/users/{made.user.id}"})


async def change(ask: ApiAsk) -> Response:
    """Another role. Nobody changes their own; owners are made and changed by owners; the last owner stays."""
    given = ask.json(UserPatch)
    return json(user_shape(await ask.rooms.accounts.change_role(ask.caller, ask.path("id"), given.role, ask.origin)))


async def remove(ask: ApiAsk) -> Response:
    """At once: logins and links end, and keys too unless they are handed over."""
    await ask.rooms.accounts.remove_user(ask.caller, ask.path("id"), ask.query.get("handOverTo"), ask.origin)
    return nothing()


async def link(ask: ApiAsk) -> Response:
    """A fresh link: for an invited person to join, for anybody else to choose a new password."""
    return json(link_shape(ask, await ask.rooms.accounts.user_link(ask.caller, ask.path("id"), ask.origin)))


async def logins(ask: ApiAsk) -> Response:
    """Where a user is signed in now."""
    found = await ask.rooms.accounts.user(ask.site, ask.path("id"))
    living = await ask.rooms.accounts.living_logins(ask.site, found.id)
    return json(Listing(items=[login_shape(one) for one in living], next=None))


async def end_logins(ask: ApiAsk) -> Response:
    """A user is signed out everywhere."""
    found = await ask.rooms.accounts.managed(ask.caller, ask.path("id"))
    await ask.rooms.accounts.end_logins(ask.caller, found.id, ask.origin)
    return nothing()


async def end_login(ask: ApiAsk) -> Response:
    """A user is signed out in one place."""
    found = await ask.rooms.accounts.managed(ask.caller, ask.path("id"))
    await ask.rooms.accounts.end_logins(ask.caller, found.id, ask.origin, only=ask.path("login"))
    return nothing()


async def reset_second_factor(ask: ApiAsk) -> Response:
    """For somebody who lost their app and their recovery codes; they are signed out everywhere."""
    await ask.rooms.accounts.reset_second_factor(ask.caller, ask.path("id"), ask.origin)
    return nothing()


async def require(ask: ApiAsk) -> Response:
    """Everybody without a second factor sets one up at their next sign-in."""
    required = ask.json(RequiredInput).required
    await ask.rooms.accounts.require_second_factor(ask.caller, required, ask.origin)
    return json({"required": required})


async def is_required(ask: ApiAsk) -> Response:
    """Whether everybody needs a second factor."""
    site = await ask.rooms.store.sites.get(ask.site)
    return json({"required": site is not None and site.second_factor_required})


ADMIN = Permission.SITE_ADMIN
HEIR = Param(name="handOverTo", description="The user who gets the keys; without one they are revoked.")
ROUTES: tuple[Route[Any], ...] = (
    Route(method="GET", path="/users", permission=ADMIN, handler=users, summary="List users"),
    Route(
        method="POST", path="/users", permission=ADMIN, handler=invite, summary="Invite a user", status=201,
        request=InvitationInput, keeps=Keeps.SECRET, audit="user.invite",
    ),
    Route(method="GET", path="/users/{id}", permission=ADMIN, handler=user, summary="One user with their keys"),
    Route(
        method="PATCH", path="/users/{id}", permission=ADMIN, handler=change, summary="Change a user's role",
        request=UserPatch, audit="user.role",
    ),
    Route(
        method="DELETE", path="/users/{id}", permission=ADMIN, handler=remove, summary="Remove a user", status=204,
        query=(HEIR,), audit="user.remove",
    ),
    Route(
        method="POST", path="/users/{id}/link", permission=ADMIN, handler=link, summary="Make a user's one-time link",
        keeps=Keeps.SECRET, audit="user.link",
    ),
    Route(method="GET", path="/users/{id}/logins", permission=ADMIN, handler=logins, summary="A user's logins"),
    Route(
        method="DELETE", path="/users/{id}/logins", permission=ADMIN, handler=end_logins, status=204,
        summary="End all logins of a user", audit="login.end",
    ),
    Route(
        method="DELETE", path="/users/{id}/logins/{login}", permission=ADMIN, handler=end_login, status=204,
        summary="End a login of a user", audit="login.end",
    ),
    Route(
        method="DELETE", path="/users/{id}/second-factor", permission=ADMIN, handler=reset_second_factor, status=204,
        summary="Reset a user's second factor", audit="second_factor.reset",
    ),
    Route(
        method="GET", path="/site/second-factor", permission=ADMIN, handler=is_required,
        summary="Whether everybody needs a second factor",
    ),
    Route(
        method="PUT", path="/site/second-factor", permission=Permission.SITE_OWNER, handler=require,
        summary="Ask everybody for a second factor, or not", request=RequiredInput, audit="site.second_factor",
    ),
)  # fmt: skip
