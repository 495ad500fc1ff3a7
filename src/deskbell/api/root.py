"""What stands outside /api/v1: health, problem pages, the API's description."""

from typing import Any

from starlette.responses import PlainTextResponse, Response

from deskbell.api.answer import ApiAsk, json
from deskbell.api.openapi import describe
from deskbell.model import errors
from deskbell.model.account import Permission
from deskbell.model.errors import NotFound, Refusal
from deskbell.server.route import Route


async def healthz(_ask: ApiAsk) -> Response:
    """The process lives."""
    return PlainTextResponse("ok\n")


async def readyz(ask: ApiAsk) -> Response:
    """Deskbell can accept and store; else 503 with the reason."""
    fault = await ask.rooms.engine.fault()
    return PlainTextResponse(f"{fault or 'ready'}\n", status_code=503 if fault else 200)


async def openapi(_ask: ApiAsk) -> Response:
    """The OpenAPI 3.1 document."""
    return json(describe())


async def docs(_ask: ApiAsk) -> Response:
    """The API for people: every operation, made from the same table."""
    rows = [
        f"{operation['summary']}\n  {method.upper()} {path}\n  needs {operation['x-permission']}\n"
        for path, methods in describe()["paths"].items()
        for method, operation in methods.items()
    ]
    return PlainTextResponse("Deskbell API\n\nMachine-readable: /api/openapi.json\n\n" + "\n".join(rows))


async def problem_page(ask: ApiAsk) -> Response:
    """What a problem code means and what to do about it."""
    code = ask.path("code")
    for kind in refusals():
        if kind.code == code:
            return PlainTextResponse(f"{kind.title} ({kind.status})\n\n{(kind.__doc__ or '').strip()}\n")
    raise NotFound


def refusals() -> list[type[Refusal]]:
    """Every refusal that has a code of its own."""
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Refusal)]
    return [kind for kind in found if "code" in vars(kind) and kind is not Refusal]


PUBLIC = Permission.PUBLIC
ROUTES: tuple[Route[Any], ...] = (
    Route(method="GET", path="/healthz", permission=PUBLIC, handler=healthz, summary="The process lives"),
    Route(method="GET", path="/readyz", permission=PUBLIC, handler=readyz, summary="Events can be accepted and stored"),
    Route(method="GET", path="/api/openapi.json", permission=PUBLIC, handler=openapi, summary="OpenAPI description"),
    Route(method="GET", path="/api/docs", permission=PUBLIC, handler=docs, summary="The API for people"),
    Route(
        method="GET",
        path="/docs/problems/{code}",
        permission=PUBLIC,
        handler=problem_page,
        summary="What a problem means",
    ),
)
