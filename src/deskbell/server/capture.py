"""`/bin/…`: captures whatever is sent, raw, and answers as the bin's script says. No login, no cookie is read."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from deskbell.model.errors import NotFound, Refusal, Throttled
from deskbell.rules.limits import Limits
from deskbell.server.problem import problem

_PREFIX = b"/bin/"
_CSP = (b"content-security-policy", b"sandbox; default-src 'none'")
_HANG_S = 60.0


class Answer(Protocol):
    """What the inspector says to answer."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def delay_ms(self) -> int: ...
    @property
    def fault(self) -> str | None: ...
    @property
    def seconds(self) -> float | None: ...
    @property
    def bytes_per_second(self) -> int | None: ...


class Receiving(Protocol):
    """The inspector's receiving side."""

    async def receive(
        self,
        address: str,
        *,
        method: str,
        path: str,
        query: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        body_cut: bool,
        peer: str,
    ) -> Answer: ...

    def held(self, address: str) -> AbstractAsyncContextManager[None]: ...


@dataclass(frozen=True, kw_only=True)
class CaptureDoor:
    """In front of the routes: everything below /bin/ goes to the inspector."""

    app: ASGIApp
    inspector: Receiving
    limits: Limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        raw: bytes = scope.get("raw_path") or b""
        if scope["type"] != "http" or not raw.startswith(_PREFIX):
            await self.app(scope, receive, send)
            return
        address, slash, rest = raw[len(_PREFIX) :].partition(b"/")
        body, cut = await self._read(receive)
        peer = scope["client"][0] if scope.get("client") else ""
        try:
            answer = await self.inspector.receive(
                address.decode("latin-1"),
                method=scope["method"],
                path=(slash + rest).decode("latin-1") or "/",
                query=scope["query_string"].decode("latin-1"),
                headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
                body=body,
                body_cut=cut,
                peer=peer,
            )
        except Refusal as refusal:
            shown = NotFound() if isinstance(refusal, NotFound) else refusal
            await problem(shown, scope.get("deskbell.request_id", ""))(scope, receive, send)
            return
        try:
            if answer.fault in ("hang", "slow_drip") or answer.delay_ms:
                async with self.inspector.held(address.decode("latin-1")):
                    await self._answer(answer, scope, receive, send)
            else:
                await self._answer(answer, scope, receive, send)
        except Throttled as refusal:
            await problem(refusal, scope.get("deskbell.request_id", ""))(scope, receive, send)

    async def _read(self, receive: Receive) -> tuple[bytes, bool]:
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            part = message.get("body", b"")
            size += len(part)
            parts.append(part)
            more = message.get("more_body", False) and size <= self.limits.capture_read_bytes
        body = b"".join(parts)
        kept = body[: self.limits.capture_body_bytes]
        return kept, size > len(kept)

    async def _answer(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope.get("deskbell.transport")
        if answer.delay_ms:
            await wait_or_gone(receive, answer.delay_ms / 1000)
        if answer.fault == "hang":
            await wait_or_gone(receive, min(answer.seconds or _HANG_S, _HANG_S))
        if answer.fault in ("hang", "reset") and transport is not None:
            transport.abort()
            return
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers]
        length = (b"content-length", str(len(answer.body)).encode())
        start = {"type": "http.response.start", "status": answer.status, "headers": [*headers, length, _CSP]}
        await send(start)
        await send_body(answer, receive, send)


async def send_body(answer: Answer, receive: Receive, send: Send) -> None:
    """The body at once, or drop by drop for at most a minute."""
    if answer.fault != "slow_drip" or not answer.bytes_per_second:
        await send({"type": "http.response.body", "body": answer.body})
        return
    dripping_max = int(_HANG_S * answer.bytes_per_second)
    for n in range(min(len(answer.body), dripping_max)):
        await send({"type": "http.response.body", "body": answer.body[n : n + 1], "more_body": True})
        if await wait_or_gone(receive, 1 / answer.bytes_per_second):
            return
    await send({"type": "http.response.body", "body": answer.body[dripping_max:]})


async def wait_or_gone(receive: Receive, seconds: float) -> bool:
    """Wait, but no longer than the client; answers whether it has gone."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass  # what is left of a body that was too long to capture
    except TimeoutError:
        return False
    return True
