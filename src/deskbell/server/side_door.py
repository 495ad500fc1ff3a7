"""The second listener, for the Operator alone: metrics and health, on an address of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deskbell.server.connections import Turnstile
from deskbell.server.listener import make_server, open_socket
from deskbell.server.metrics import CONTENT_TYPE, Figures, metrics_text

CONNECTIONS_MAX = 50
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class SideDoor:
    """`/metrics`, `/healthz`, `/readyz`; everything else is 404."""

    figures: Callable[[], Awaitable[Figures]]
    faults: Callable[[], Awaitable[str | None]]  # why nothing can be accepted or delivered; None: all is well

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            await (await self.answer(scope["method"], scope["path"]))(scope, receive, send)

    async def answer(self, method: str, path: str) -> Response:
        """The answer."""
        if method not in ("GET", "HEAD"):
            return PlainTextResponse("Only GET is served here.\n", status_code=405)
        if path == "/metrics":
            return Response(metrics_text(await self.figures()), media_type=CONTENT_TYPE)
        if path == "/healthz":
            return PlainTextResponse("ok\n")
        if path == "/readyz":
            fault = await self.faults()
            return PlainTextResponse(f"{fault or 'ready'}\n", status_code=503 if fault else 200)
        return PlainTextResponse("/metrics, /healthz and /readyz are served here.\n", status_code=404)


Close = Callable[[], Awaitable[None]]


def open_side_door(app: ASGIApp, address: tuple[str, int]) -> Close:
    """Serve from now on until the answer is called. A port that is taken is a warning: the rest goes on."""
    try:
        opened = open_socket(*address)
    except OSError as error:
        _log.warning("metrics.not_served", host=address[0], port=address[1], error=error.strerror)
        return no_side_door
    turnstile = Turnstile(total_max=CONNECTIONS_MAX, per_address_max=CONNECTIONS_MAX)
    server = make_server(app, turnstile=turnstile, drain_s=1)
    serving = asyncio.create_task(server.serve(sockets=[opened]))

    async def close() -> None:
        server.should_exit = True
        await serving

    return close


async def no_side_door() -> None:
    """There is nothing to close."""
