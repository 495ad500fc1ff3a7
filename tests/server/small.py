"""A small app behind the real shield and the real door, with accounts on a store in memory."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response

from accounts.desk import ORIGIN, Desk
from asgi import Answer, ask
from deskbell.model.account import Caller, Permission
from deskbell.model.errors import Busy, DiskFull, Refusal, StoreBroken, Throttled
from deskbell.rules.limits import Limits
from deskbell.rules.proxies import Network
from deskbell.server.ask import Ask
from deskbell.server.authenticate import Authenticator
from deskbell.server.door import Door
from deskbell.server.once import Keeps, Keys
from deskbell.server.problem import problem
from deskbell.server.rate import KeyRates
from deskbell.server.route import LIST, Param, Route
from deskbell.server.shield import Shield

BASE_URL = "https://desk.example"
COOKIE = "__Host-deskbell"
BODY_MAX = 65_536


async def refuse(one: Ask[None], refusal: Refusal) -> Response:
    """As the API does."""
    return problem(refusal, one.origin.request_id)


async def told(one: Ask[None]) -> Response:
    """What the handler was given."""
    caller = one.known_caller
    return JSONResponse(
        {"query": dict(one.query), "bytes": len(one.body), "caller": None if caller is None else caller.name}
    )


COUNT = itertools.count(1)


async def made(one: Ask[None]) -> Response:
    """Something new each time."""
    number = next(COUNT)
    await asyncio.sleep(0)
    return JSONResponse({"number": number}, 201, {"location": f"/things/{number}", "x-other": "x"})


REFUSED: set[str] = set()


async def refused_once(one: Ask[None]) -> Response:
    """Busy the first time."""
    if one.body.decode() not in REFUSED:
        REFUSED.add(one.body.decode())
        raise Busy(retry_after_s=5)
    return await made(one)


def raising(error: Exception) -> Any:
    """A handler that does not come to an end."""

    async def handler(one: Ask[None]) -> Response:
        raise error

    return handler


READ, WRITE, PUBLIC = Permission.WEBHOOKS_READ, Permission.WEBHOOKS_WRITE, Permission.PUBLIC
QUERY = (
    *LIST,
    Param(name="state", description="", choices=("on", "off")),
    Param(name="type", description="Types.", many=True),
    Param(name="held", description="", type="boolean"),
)
ROUTES: tuple[Route[None], ...] = (
    Route(method="GET", path="/things", permission=READ, handler=told, summary="", query=QUERY),
    Route(method="POST", path="/things", permission=WRITE, handler=told, summary="", body_bytes_max=BODY_MAX),
    Route(method="POST", path="/made", permission=WRITE, handler=made, summary=""),
    Route(method="POST", path="/refused", permission=WRITE, handler=refused_once, summary=""),
    Route(method="POST", path="/secrets", permission=WRITE, handler=made, summary="", keeps=Keeps.SECRET),
    Route(method="POST", path="/looks", permission=WRITE, handler=made, summary="", keeps=Keeps.NOTHING),
    Route(method="PATCH", path="/things", permission=WRITE, handler=told, summary=""),
    Route(method="DELETE", path="/things", permission=WRITE, handler=told, summary=""),
    Route(method="GET", path="/open", permission=PUBLIC, handler=told, summary=""),
    Route(method="GET", path="/busy", permission=PUBLIC, handler=raising(Busy(retry_after_s=5)), summary=""),
    Route(method="GET", path="/full", permission=PUBLIC, handler=raising(DiskFull(retry_after_s=10)), summary=""),
    Route(method="GET", path="/often", permission=PUBLIC, handler=raising(Throttled(retry_after_s=61)), summary=""),
    Route(method="GET", path="/store", permission=PUBLIC, handler=raising(StoreBroken()), summary=""),
    Route(method="GET", path="/bug", permission=PUBLIC, handler=raising(ValueError("canary text")), summary=""),
)


@dataclass
class Small:
    """The app, and what is behind it."""

    desk: Desk
    app: Any

    async def ask(self, method: str, target: str, *headers: tuple[str, str], **more: Any) -> Answer:
        """One request."""
        return await ask(self.app, method, target, headers, **more)

    async def key(self, *scopes: str) -> tuple[str, str]:
        """The header of a fresh key with these scopes."""
        maker = Caller(
            site="dd", kind="person", id="init", name="Ana", permissions=frozenset(Permission(one) for one in scopes)
        )
        _, text = await self.desk.rooms.make_key(maker, "k", list(scopes), None, ORIGIN)
        return "Authorization", f"Bearer {text}"

    async def signed_in(self) -> tuple[tuple[str, str], str]:
        """A cookie header and its token against forged requests."""
        caller, token = await self.desk.caller()
        assert caller.login is not None
        return ("Cookie", f"{COOKIE}={token}"), caller.login.csrf


def small_app(
    desk: Desk,
    *,
    base_url: str = BASE_URL,
    hosts: tuple[str, ...] = (),
    is_page: bool = False,
    trusted_proxies: Sequence[Network] = (),
) -> Any:
    """Shield and door over the small table."""
    door: Door[None] = Door(
        routes=ROUTES,
        rooms=None,
        authenticator=Authenticator(accounts=desk.rooms, base_url=base_url),
        limits=Limits(),
        rates=KeyRates(desk.clock),
        refuse=refuse,
        keys=None if is_page else Keys(store=desk.store, clock=desk.clock, limits=Limits()),
        is_page=is_page,
    )
    app = Starlette(routes=door.starlette_routes())
    return Shield(app, base_url=base_url, hosts=hosts, new_id=lambda: "req_small", trusted_proxies=trusted_proxies)
