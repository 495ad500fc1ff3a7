"""From the route tables to Starlette: read, limit, find the caller, check the permission, call, answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
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
    FaultAt,
    Forbidden,
    Invalid,
    Refusal,
    StoreBroken,
    TooLarge,
    Unauthenticated,
    Unreadable,
)
from deskbell.rules.limits import Limits
from deskbell.server.ask import Ask
from deskbell.server.authenticate import Authenticator
from deskbell.server.rate import KeyRates
from deskbell.server.route import Param, Route

R = TypeVar("R")
log = structlog.get_logger()
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, kw_only=True)
class Door(Generic[R]):
    """One side of the house: a table of routes and the way it answers refusals."""

    routes: Sequence[Route[R]]
    rooms: R
    authenticator: Authenticator
    limits: Limits
    rates: KeyRates
    refuse: Callable[[Ask[R], Refusal], Awaitable[Response]]
    prefix: str = ""
    is_page: bool = False  # pages take forms and pass over unknown query parameters of forms

    def starlette_routes(self) -> list[StarletteRoute]:
        """One Starlette route for each path and method."""
        return [
            StarletteRoute(self.prefix + route.path, self._serve(route), methods=[route.method])
            for route in self.routes
        ]

    def _serve(self, route: Route[R]) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            ask = Ask(request=request, rooms=self.rooms, body=b"", origin=origin_of(request))
            try:
                return await self._answer(route, request)
            except Refusal as refusal:
                return await self.refuse(ask, refusal)
            except StoreBroken:
                return await self.refuse(ask, Busy(retry_after_s=5))
            except Exception as error:
                log.error("request.failed", path=route.path, request_id=ask.origin.request_id, fault=repr(type(error)))
                log.debug("request.traceback", exc_info=error)
                return await self.refuse(ask, Broken())

        return serve

    async def _answer(self, route: Route[R], request: Request) -> Response:
        body_max = route.body_bytes_max or self.limits.body_bytes_max
        body = await read_body(request, body_max) if request.method not in ("GET", "HEAD") else b""
        ask = Ask(request=request, rooms=self.rooms, body=body, origin=origin_of(request))
        token = ask.form().get("csrf", [None])[0] if is_form(request) and self.is_page else None
        caller = await self.authenticator.caller(request, token)
        if route.permission is not Permission.PUBLIC:
            if caller is None:
                raise Unauthenticated
            if not caller.may(route.permission):
                raise Forbidden(f"This needs the permission {route.permission}.")
            self.rates.spend(caller)
        return await route.handler(
            Ask(
                request=request,
                rooms=self.rooms,
                body=body,
                origin=origin_of(request),
                known_caller=caller,
                query=read_query(request.url.query, route.query),
            )
        )


def is_form(request: Request) -> bool:
    """Whether the body is a posted form."""
    return request.headers.get("content-type", "").partition(";")[0].strip() == FORM


def origin_of(request: Request) -> Origin:
    """Where the request comes from, for the audit."""
    address = request.client.host if request.client else ""
    return Origin(address=address, request_id=request.scope.get("deskbell.request_id", ""))


async def read_body(request: Request, bytes_max: int) -> bytes:
    """The body up to the limit; TooLarge as soon as it is known to be longer."""
    detail = f"The body may have at most {bytes_max:,} bytes."
    declared = request.headers.get("content-length")
    if declared is not None and declared.isdigit() and int(declared) > bytes_max:
        raise TooLarge(detail)
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > bytes_max:
                raise TooLarge(detail)
            parts.append(part)
    except ClientDisconnect:
        raise Unreadable("The request broke off.") from None
    return b"".join(parts)


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
        found[name] = f"{found[name]},{value}" if param.many and name in found else value
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
        return f"It takes a whole number from {param.low} to {param.high}."
    if param.type == "boolean":
        return "It takes true or false."
    return f"It takes one of {', '.join(param.choices)}." if param.choices else param.description
