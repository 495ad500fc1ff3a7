"""API keys, users and logins."""

from typing import Any

import msgspec
from starlette.responses import Response

from deskbell.api import show
from deskbell.api.answer import ApiAsk, json, nothing
from deskbell.api.shapes import Input, Listing
from deskbell.model.account import ApiKey, Permission
from deskbell.model.instant import format_instant
from deskbell.server.once import Keeps
from deskbell.server.route import Route


class KeyInput(Input):
    """A new key: what for, what it may do, for how many days (null: without end), from which networks."""

    name: str
    scopes: list[str]
    expires_days: int | None = 365
    sources: list[str] = msgspec.field(default_factory=list)
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
        sources=tuple(given.sources),
    )
    return json(key_shape(key, text), 201, {"location": f"/api/v1/keys/{key.id}"})


async def revoke_key(ask: ApiAsk) -> Response:
    """End a key, at the latest within 5 s everywhere."""
    await ask.rooms.accounts.revoke_key(ask.caller, ask.path("id"), origin=ask.origin)
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
)
