"""Every route of both tables, with every role and every scope: let in, 403, or not there."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asgi import Answer, ask
from deskbell import app, site_setup
from deskbell.accounts.tokens import digest
from deskbell.api.routes import API_ROUTES
from deskbell.model.account import Account, Login, Permission, Role
from deskbell.model.audit import Origin
from deskbell.model.changes import Insert, Refused, Unit
from deskbell.model.errors import Fault
from deskbell.model.ids import SiteId
from deskbell.portal.routes import ROUTES as PORTAL_ROUTES
from deskbell.rules.permissions import ROLE_PERMISSIONS, SCOPES, key_permissions
from deskbell.server.door import Door
from deskbell.server.route import Route
from running import settings

SITE = SiteId("desk")
PORT = 8080
ORIGIN_OF = Origin(address="", request_id="req_1")
HOST = f"127.0.0.1:{PORT}"
ORIGIN = ("Origin", f"http://{HOST}")
REFUSED = ("This needs the permission", "Only an owner can do this")
TABLES = [("/api/v1", route) for route in API_ROUTES] + [("", route) for route in PORTAL_ROUTES]
EVENTS = Route(
    method="POST",
    path="/events",
    permission=Permission.EVENTS_WRITE,
    handler=API_ROUTES[0].handler,
    summary="answered by the hot path",
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[app.House]:
    """Everything built and started, with a site; nothing listens."""
    found = await app.open_house(settings(tmp_path, PORT))
    await site_setup.set_up(found.rooms)
    await found.start()
    yield found
    await found.close()


async def user(house: app.House, role: Role) -> str:
    """A user of this role."""
    row = Account(
        site=SITE,
        id=f"usr_{role.value}",
        email=f"{role.value}@desk.example",
        name=role.value,
        role=role,
        password_hash="x",
        created_at=house.rooms.clock.now(),
    )
    assert not isinstance(await house.rooms.store.commit(Unit(changes=(Insert(row=row),))), Refused)
    return row.id


async def login(house: app.House, user_id: str) -> list[tuple[str, str]]:
    """The headers of a fresh login of this user."""
    token, now = house.rooms.random.secret(16).hex(), house.rooms.clock.now()
    row = Login(
        site=SITE,
        id=f"lgn_{token[:26]}",
        user_id=user_id,
        token_hash=digest(token),
        csrf="t",
        created_at=now,
        seen_at=now,
        confirmed_at=now,
        address="",
    )
    assert not isinstance(await house.rooms.store.commit(Unit(changes=(Insert(row=row),))), Refused)
    return [("Cookie", f"deskbell={token}"), ORIGIN, ("deskbell-csrf", "t"), ("Sec-Fetch-Site", "same-origin")]


async def send(house: app.House, prefix: str, route: Route[Any], headers: list[tuple[str, str]]) -> Answer:
    """The route with ids that nobody has."""
    path = prefix + re.sub(r"{\w+}", "none", route.path)
    body = b"" if route.method == "GET" or not prefix else b"{}"
    kind = "application/json" if prefix else "application/x-www-form-urlencoded"
    return await ask(house.app, route.method, path, [*headers, ("Content-Type", kind)], body, host=HOST)


def is_endless(route: Route[Any]) -> bool:
    """Streams go on; what they show is asked by `still_may` (tests/accounts)."""
    return route.path.endswith("stream")


def was_refused(answer: Answer) -> bool:
    """Whether the permission was missing."""
    return answer.status == 403 and any(words.encode() in answer.body for words in REFUSED)


@pytest.mark.parametrize("role", list(Role))
async def test_every_route_with_every_role(house: app.House, role: Role) -> None:
    """A role passes exactly the routes whose permissions it has; what it may ask for and nobody has is 404."""
    user_id, wrong = await user(house, role), []
    headers = await login(house, user_id)
    for prefix, route in TABLES:
        if is_endless(route) or route.permission is Permission.PUBLIC:
            continue
        answer = await send(house, prefix, route, headers)
        if answer.status == 401 or route.method != "GET":  # signed out, or its logins ended: by the route itself
            headers = await login(house, user_id)
            answer = await send(house, prefix, route, headers) if answer.status == 401 else answer
        allowed = {route.permission, *route.also} <= ROLE_PERMISSIONS[role]
        if was_refused(answer) is allowed or answer.status >= 500 or answer.status == 401:
            wrong.append((route.method, prefix + route.path, answer.status, allowed))
    assert wrong == []


@pytest.mark.parametrize("maker", list(Role))
async def test_every_route_with_every_scope(house: app.House, maker: Role) -> None:
    """A key passes the routes that its one scope names, as far as its maker may now; pages take no key's own login."""
    caller = await house.rooms.accounts.caller_of_cookie(
        (await login(house, await user(house, Role.OWNER)))[0][1].partition("=")[2]
    )
    assert caller is not None
    wrong = []
    for scope in sorted(SCOPES):
        key, text = await house.rooms.accounts.make_key(caller, scope, [scope.value], None, ORIGIN_OF)
        kept = house.rooms.accounts.caller_of

        async def of_maker(row: Any, kept: Any = kept, maker: Role = maker) -> Any:
            found = await kept(row)
            return replace(found, permissions=key_permissions(row.scopes, maker), role=maker)

        house.rooms.accounts.caller_of = of_maker  # type: ignore[method-assign]  # as if its maker had this role now
        may = key_permissions((scope,), maker)
        for route in (*API_ROUTES, EVENTS):
            if is_endless(route):
                continue
            answer = await send(house, "/api/v1", route, [("Authorization", f"Bearer {text}")])
            allowed = {route.permission, *route.also} <= may
            if was_refused(answer) is allowed or answer.status in (401, 500):
                wrong.append((scope, route.method, route.path, answer.status, allowed))
        house.rooms.accounts.caller_of = kept  # type: ignore[method-assign]
        assert key.scopes == (scope,)
    assert wrong == []


def test_more_scopes_never_allow_less() -> None:
    """What one scope allows, the same scope among others allows too; of a weaker maker never more."""
    for maker in Role:
        whole = key_permissions(tuple(SCOPES), maker)
        assert whole <= key_permissions(tuple(SCOPES), Role.OWNER)
        for scope in SCOPES:
            assert key_permissions((scope,), maker) <= whole


def test_without_permission_nothing_starts() -> None:
    """A route that declares none stops the start."""
    route: Route[Any] = replace(API_ROUTES[0], permission=None)  # type: ignore[arg-type]  # what must not be
    door: Door[Any] = Door(
        routes=(route,),
        rooms=None,
        authenticator=None,
        limits=None,
        rates=None,
        refuse=None,  # type: ignore[arg-type]
    )
    with pytest.raises(Fault, match="declares no permission"):
        door.starlette_routes()
