"""What every answer carries and every request must satisfy, before any route is looked at."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskbell.model.errors import NotFound, Refusal, Unreadable
from deskbell.rules.proxies import Network, client_address
from deskbell.server.csrf import origin_of
from deskbell.server.problem import problem

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cache-control", b"no-store"),
)
HSTS = (b"strict-transport-security", b"max-age=31536000")
HEAD_BYTES_MAX = 16_384
TARGET_BYTES_MAX = 8_192
HEADERS_MAX = 100
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
CAPTURE_PATHS = (b"/bin/", b"/sim/")


class Shield:
    """Host and path checks, request ids, and the security headers of every answer."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        base_url: str,
        hosts: tuple[str, ...],
        new_id: Callable[[], str],
        trusted_proxies: Sequence[Network] = (),
    ) -> None:
        self._app = app
        self._trusted_proxies = trusted_proxies
        scheme, _, self._host = origin_of(base_url).partition("://")
        self._further_hosts = frozenset(name.lower() for name in hosts)
        self._default_port = ":443" if scheme == "https" else ":80"
        self.headers = (*HEADERS, HSTS) if scheme == "https" else HEADERS
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._trusted_proxies and scope.get("client"):
            scope["client"] = (self._client(scope), 0)
        request_id = self._new_id()
        scope["deskbell.request_id"] = request_id
        # uvicorn's send belongs to the request's cycle; the inspector's scripted resets need its transport
        scope["deskbell.transport"] = getattr(getattr(send, "__self__", None), "transport", None)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._with_headers(message.get("headers", []), request_id)
            await send(message)

        status = too_large(scope)
        if status is not None:
            await Response(status_code=status)(scope, receive, guarded)
            return
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        refusal = self.refuses(raw, scope["headers"], scope.get("server"))
        if refusal is not None:
            await problem(refusal, request_id)(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    def _client(self, scope: Scope) -> str:
        """Who asks, behind the proxies that are trusted."""
        values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        return client_address(scope["client"][0], values, self._trusted_proxies)

    def _with_headers(self, given: Any, request_id: str) -> list[tuple[bytes, bytes]]:
        headers = [(name, value) for name, value in given if name != b"server"]
        names = {name for name, _ in headers}
        headers.extend(pair for pair in self.headers if pair[0] not in names)
        headers.append((b"x-request-id", request_id.encode()))
        return headers

    def refuses(
        self, raw_path: bytes, headers: Iterable[tuple[bytes, bytes]], server: tuple[str, int | None] | None
    ) -> Refusal | None:
        """Why a request with this path and these headers is not served here."""
        raw = raw_path.partition(b"?")[0]
        if not raw.startswith(CAPTURE_PATHS) and is_odd_path(raw):
            return NotFound()
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not self._is_ours(hosts[0].decode("latin-1").lower(), server):
            return Unreadable("This host name is not served here. Use the address that DESKBELL_BASE_URL names.")
        return None

    def _is_ours(self, host: str, server: tuple[str, int | None] | None) -> bool:
        """The base URL's host, a further name at any port, or loopback at the port of this very listener."""
        if host.removesuffix(self._default_port) == self._host or host in self._further_hosts:
            return True
        name, colon, port = host.rpartition(":")
        if not colon or host.endswith("]"):
            name, port = host, "80"
        return name in self._further_hosts or (server is not None and name in LOOPBACK and port == str(server[1]))


def too_large(scope: Scope) -> int | None:
    """414 or 431 when the target or the headers are longer than what is taken here."""
    raw: bytes = scope.get("raw_path") or b""
    if len(raw) + len(scope["query_string"]) > TARGET_BYTES_MAX:
        return 414
    size = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return 431 if size > HEAD_BYTES_MAX or len(scope["headers"]) > HEADERS_MAX else None


def is_odd_path(raw: bytes) -> bool:
    """Dot segments in any spelling, empty segments, back-slashes and encoded slashes or NULs are never a path here."""
    lowered = raw.lower()
    if b"//" in lowered or b"\\" in lowered or b"%2f" in lowered or b"%5c" in lowered or b"%00" in lowered:
        return True
    return any(segment.replace(b"%2e", b".") in (b".", b"..") for segment in lowered.split(b"/"))
