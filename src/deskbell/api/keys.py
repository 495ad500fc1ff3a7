"""API keys, users and logins."""

from typing import Any

from starlette.responses import Response

from deskbell.api import show
from deskbell.api.answer import ApiAsk, json, nothing
from deskbell.api.shapes import Input, Listing
from deskbell.model.account import Account, ApiKey, Login, Permission
from deskbell.model.instant import format_instant
from deskbell.server.once import Keeps
from deskbell.server.route import Route


class KeyInput(Input):
    """A new key: what for, what it may do, for how many days (null: without end), from which networks."""

    name: str
    scopes: list[str]
    expires_days: int | None = 365
    sources: tuple[str, ...] = ()
    rate_per_second: float | None = None


def key_shape(key: ApiKey, text: str | None = None) -> dict[str, Any]:
    """A key; its text only in the answer to its making."""
    shape: dict[str, Any] = {
        "id": key.id,
        "name": key.name,
        "lookup": f"dbk_{key.lookup}",
        "scopes": [scope.value for scope in key.scopes],
        "createdAt": format_instant(key.created_at),
        "createdBy": key.created_by,
        "expiresAt": show.time(key.expires_at),
        "revokedAt": show.time(key.revoked_at),
        "lastUsedAt": show.time(key.last_used_at),
        "ratePerSecond": key.rate_per_second,
        "sources": list(key.sources),
    }
    return shape if text is None else {**shape, "key": text}


def user_shape(user: Account) -> dict[str, Any]:
    """A user of the portal."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role.value,
        "createdAt": format_instant(user.created_at),
        "lastLoginAt": show.time(user.last_login_at),
    }


def login_shape(login: Login) -> dict[str, Any]:
    """A login of the caller."""
    return {
        "id": login.id,
        "createdAt": format_instant(login.created_at),
        "seenAt": format_instant(login.seen_at),
        "address": login.address,
        "userAgent": login.agent,
        "endedAt": show.time(login.ended_at),
    }


async def keys(ask: ApiAsk) -> Response:
    """The site's keys; never their text."""
    return json(Listing(items=[key_shape(key) for key in await ask.rooms.accounts.keys(ask.site)], next=None))


async def make_key(ask: ApiAsk) -> Response:
    """A new key; its text is in this one answer."""
    given = ask.json(KeyInput)
    key, text = await ask.rooms.accounts.make_key(
        ask.caller,
        given.name,
        given.scopes,
        given.expires_days,
        origin=ask.origin,
        rate_per_second=given.rate_per_second,
        sources=given.sources,
    )
    return json(key_shape(key, text), 201, {"location": f"/api/v1/keys/{key.id}"})


async def revoke_key(ask: ApiAsk) -> Response:
    """End a key, at the latest within 5 s everywhere."""
    await ask.rooms.accounts.revoke_key(ask.caller, ask.path("id"), origin=ask.origin)
    return nothing()


async def users(ask: ApiAsk) -> Response:
    """The users of the portal."""
    return json(Listing(items=[user_shape(user) for user in await ask.rooms.accounts.users(ask.site)], next=None))


async def logins(ask: ApiAsk) -> Response:
    """The caller's own logins."""
    return json(Listing(items=[login_shape(login) for login in await ask.rooms.accounts.logins(ask.caller)], next=None))


async def end_login(ask: ApiAsk) -> Response:
    """End one of the caller's own logins."""
    await ask.rooms.accounts.end_login(ask.caller, ask.path("id"), origin=ask.origin)
    return nothing()


ADMIN = Permission.SITE_ADMIN
ROUTES: tuple[Route[Any], ...] = (
    Route(method="GET", path="/keys", permission=ADMIN, handler=keys, summary="List API keys"),
    Route(
        method="POST",
        path="/keys",
        keeps=Keeps.SECRET,
        permission=ADMIN,
        handler=make_key,
        summary="Make an API key",
        status=201,
        request=KeyInput,
        audit="key.create",
    ),
    Route(
        method="DELETE",
        path="/keys/{id}",
        permission=ADMIN,
        handler=revoke_key,
        summary="Revoke an API key",
        status=204,
        audit="key.revoke",
    ),
    Route(method="GET", path="/users", permission=ADMIN, handler=users, summary="List users"),
    Route(method="GET", path="/logins", permission=Permission.OWN, handler=logins, summary="Own logins"),
    Route(
        method="DELETE",
        path="/logins/{id}",
        permission=Permission.OWN,
        handler=end_login,
        summary="End an own login",
        status=204,
        audit="login.end",
    ),
)
