"""From the route tables to Starlette: read, limit, find the caller, check the permission, call, answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from urllib.parse import parse_qsl

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from deskbell.model.account import Permission
from deskbell.model.audit import Origin
from deskbell.model.errors import (
    Broken,
    Busy,
    Fault,
    FaultAt,
    Invalid,
    NotFound,
    Refusal,
    StoreBroken,
    TooLarge,
    Unreadable,
    WrongMethod,
)
from deskbell.rules.limits import Limits
from deskbell.server.ask import Ask
from deskbell.server.authenticate import Authenticator
from deskbell.server.once import Keys
from deskbell.server.rate import KeyRates
from deskbell.server.route import Param, Route

R = TypeVar("R")
log = structlog.get_logger()
FORM = "application/x-www-form-urlencoded"
BODY_S = 30.0
"""So long may a body take to arrive."""
SLOW_S = 5.0
"""A body may be so late for one that comes at the slowest pace."""
BYTES_PER_S_MIN = 1_024


@dataclass(frozen=True, kw_only=True)
class Door(Generic[R]):
    """One side of the house: a table of routes and the way it answers refusals."""

    routes: Sequence[Route[R]]
    rooms: R
    authenticator: Authenticator
    limits: Limits
    rates: KeyRates
    refuse: Callable[[Ask[R], Refusal], Awaitable[Response]]
    keys: Keys | None = None  # None: no request may be repeated with an Idempotency-Key
    prefix: str = ""
    is_page: bool = False  # pages take forms and pass over unknown query parameters of forms

    def starlette_routes(self) -> list[StarletteRoute]:
        """One Starlette route for each path and method. Raises Fault for a route that declares no permission."""
        for route in self.routes:
            if not isinstance(route.permission, Permission):
                raise Fault(f"{route.method} {self.prefix}{route.path} declares no permission, so nothing is served.")
        return [
            StarletteRoute(self.prefix + route.path, self._serve(route), methods=[route.method])
            for route in self.routes
        ]

    def _serve(self, route: Route[R]) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            ask = Ask(request=request, rooms=self.rooms, body=b"", origin=origin_of(request))
            try:
                if request.method not in ("GET", "HEAD"):
                    ask = replace(ask, body=await read_body(request, self._body_bytes_max(route)))
                return await self._answer(route, ask)
            except Refusal as refusal:
                return await self.refuse(ask, refusal)
            except StoreBroken:
                return await self.refuse(ask, Busy(retry_after_s=5))
            except Exception as error:
                log.error("request.failed", path=route.path, request_id=ask.origin.request_id, fault=repr(type(error)))
                log.debug("request.traceback", exc_info=error)
                return await self.refuse(ask, Broken())

        return serve

    def _body_bytes_max(self, route: Route[R]) -> int:
        return route.body_bytes_max or self.limits.body_bytes_max

    async def _answer(self, route: Route[R], ask: Ask[R]) -> Response:
        request = ask.request
        token = ask.form().get("csrf", [None])[0] if is_form(request) and self.is_page else None
        caller = await self.authenticator.caller(request, token)
        if route.permission is not Permission.PUBLIC:
            caller = await self.authenticator.permitted(caller, (route.permission, *route.also), ask.origin)
            self.rates.spend(caller)
        known = replace(ask, known_caller=caller, query=read_query(request.url.query, route.query))
        if self.keys is None or caller is None or route.method != "POST":
            return await route.handler(known)
        return await self.keys.answer(
            request, caller, ask.body, route.keeps, lambda once: route.handler(replace(known, once=once))
        )

    async def unknown(self, request: Request, status: int) -> Response:
        """The answer where no route is: 404, or 405 for another method."""
        ask = Ask(request=request, rooms=self.rooms, body=b"", origin=origin_of(request))
        return await self.refuse(ask, WrongMethod() if status == WrongMethod.status else NotFound())


def is_form(request: Request) -> bool:
    """Whether the body is a posted form."""
    return request.headers.get("content-type", "").partition(";")[0].strip() == FORM


def origin_of(request: Request) -> Origin:
    """Where the request comes from, for the audit."""
    address = request.client.host if request.client else ""
    return Origin(address=address, request_id=request.scope.get("deskbell.request_id", ""))


async def read_body(request: Request, bytes_max: int, seconds_max: float = BODY_S) -> bytes:
    """The body up to the limit; TooLarge as soon as it is known to be longer, Unreadable when it comes too slowly."""
    detail = f"The body may have at most {bytes_max:,} bytes."
    declared = request.headers.get("content-length")
    if declared is not None and declared.isascii() and declared.isdigit() and too_long(declared, bytes_max):
        raise TooLarge(detail)
    parts: list[bytes] = []
    size = 0
    try:
        start = asyncio.get_running_loop().time()
        async with asyncio.timeout_at(start + min(SLOW_S, seconds_max)) as patience:
            async for part in request.stream():
                size += len(part)
                patience.reschedule(start + min(SLOW_S + size / BYTES_PER_S_MIN, seconds_max))
                if size > bytes_max:
                    raise TooLarge(detail)
                parts.append(part)
    except TimeoutError:
        raise Unreadable(
            f"The body came too slowly: it may take {seconds_max:g} s and at least {BYTES_PER_S_MIN:,} bytes a second."
        ) from None
    except ClientDisconnect:
        raise Unreadable("The request broke off.") from None
    return b"".join(parts)


def too_long(declared: str, bytes_max: int) -> bool:
    """Whether a declared length is over the limit; absurd ones are not even read as a number."""
    digits = declared.lstrip("0") or "0"
    return len(digits) > len(str(bytes_max)) or int(digits) > bytes_max


def read_query(query: str, params: Sequence[Param]) -> Mapping[str, str]:
    """The declared query parameters, checked; Unreadable for any other, Invalid for a bad value."""
    known = {param.name: param for param in params}
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        param = known.get(name)
        if param is None:
            allowed = ", ".join(known) or "none"
            raise Unreadable(f"There is no query parameter {name!r} here. Known: {allowed}.")
        if value == "":
            continue
        if not fits(param, value):
            fault = FaultAt(pointer=f"/{name}", code="query", detail=expected(param))
            raise Invalid(f"The query parameter {name} is not valid. {expected(param)}", faults=(fault,))
        if name in found and not param.many:
            raise Unreadable(f"Give the query parameter {name} once.")
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def fits(param: Param, value: str) -> bool:
    """Whether a value is of the parameter's type and range."""
    if param.type == "integer":
        return (
            value.isascii()
            and value.isdigit()
            and len(value) < 16
            and ((param.low is None or int(value) >= param.low) and (param.high is None or int(value) <= param.high))
        )
    if param.type == "boolean":
        return value in ("true", "false")
    return not param.choices or value in param.choices


def expected(param: Param) -> str:
    """What the parameter takes, as a sentence."""
    if param.type == "integer":
        low = 0 if param.low is None else param.low
        return f"It takes a whole number from {low:,}" + (" on." if param.high is None else f" to {param.high:,}.")
    if param.type == "boolean":
        return "It takes true or false."
    return f"It takes one of {', '.join(param.choices)}." if param.choices else param.description
