"""The listener: uvicorn in our own loop, with our own signals."""

import contextlib
import socket
from collections.abc import Generator
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from deskbell.server.connections import BoundedProtocol, Turnstile
from deskbell.server.direct import Direct, DirectProtocol

_IDLE_S = 60


class QuietServer(uvicorn.Server):
    """uvicorn without its signal handlers: the roof decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone."""
        yield


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host.strip("[]"), port))
        opened.listen(1024)
        opened.setblocking(False)
    except OSError:
        opened.close()
        raise
    return opened


def make_server(app: ASGIApp, *, turnstile: Turnstile, drain_s: float, direct: Direct | None = None) -> QuietServer:
    """A server for this app; `serve(sockets=[…])` runs it. `direct` answers what it can without the app."""
    http: Any = partial(BoundedProtocol, turnstile=turnstile)
    if direct is not None:
        http = partial(DirectProtocol, turnstile=turnstile, direct=direct)
    return QuietServer(
        uvicorn.Config(
            app,
            http=http,
            loop="none",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_IDLE_S,
            timeout_graceful_shutdown=int(drain_s) or 1,
        )
    )
