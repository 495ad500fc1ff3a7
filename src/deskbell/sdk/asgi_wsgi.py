"""A guard in front of an ASGI or WSGI app: only genuine requests come through."""

import inspect
import io
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any

from deskbell.sdk.signatures import SeenIds, SignatureRefused, verify

BODY_BYTES_MAX = 8_388_608

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def receiver(
    app: Callable[..., Any],
    secret: str | Sequence[str],
    *,
    seen: SeenIds | None = None,
    body_bytes_max: int = BODY_BYTES_MAX,
) -> Callable[..., Any]:
    """The app behind a guard: 401 for what does not verify, 413 above `body_bytes_max`, else the app's own answer.

    An app whose call is a coroutine function is taken as ASGI, any other as WSGI. The app sees the same raw body.
    """
    call = app if inspect.isroutine(app) else type(app).__call__
    if inspect.iscoroutinefunction(call):
        return _asgi(app, secret, seen, body_bytes_max)
    return _wsgi(app, secret, seen, body_bytes_max)


def _asgi(
    app: Callable[..., Any], secret: str | Sequence[str], seen: SeenIds | None, body_bytes_max: int
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        body = await _read(receive, body_bytes_max)
        if body is None:
            await _answer(send, 413, "The body is too large.")
            return
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        try:
            verify(body, pairs, secret, seen=seen)
        except SignatureRefused as refused:
            await _answer(send, 401, str(refused))
            return
        await app(scope, _once(body, receive), send)

    return guarded


async def _read(receive: Receive, bytes_max: int) -> bytes | None:
    """The whole body; None when it is too large or the client went away."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > bytes_max:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _once(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read, then whatever follows."""
    waiting = [body]

    async def again() -> MutableMapping[str, Any]:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


async def _answer(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _wsgi(
    app: Callable[..., Any], secret: str | Sequence[str], seen: SeenIds | None, body_bytes_max: int
) -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        size = int(length) if re.fullmatch(r"[0-9]{1,18}", length) else 0
        if size > body_bytes_max:
            return _refuse(start_response, "413 Content Too Large", "The body is too large.")
        body = environ["wsgi.input"].read(size)
        pairs = [
            (name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_WEBHOOK_")
        ]
        try:
            verify(body, pairs, secret, seen=seen)
        except SignatureRefused as refused:
            return _refuse(start_response, "401 Unauthorized", str(refused))
        answer: Iterable[bytes] = app({**environ, "wsgi.input": io.BytesIO(body)}, start_response)
        return answer

    return guarded


def _refuse(start_response: Callable[..., Any], status: str, text: str) -> Iterable[bytes]:
    body = text.encode()
    start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
