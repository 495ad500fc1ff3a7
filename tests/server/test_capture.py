"""Below /bin/ everything is captured raw; nothing there is a page of ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from asgi import ask, scope_of
from deskbell.model.errors import NotFound, Throttled
from deskbell.rules.limits import Limits
from deskbell.server.capture import CaptureDoor
from deskbell.server.shield import Shield
from server.small import BASE_URL

LIMITS = replace(Limits(), capture_body_bytes=1_024, capture_read_bytes=4_096)


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """What the script says."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"ok"
    delay_ms: int = 0
    fault: str | None = None
    seconds: float | None = None
    bytes_per_second: int | None = None


@dataclass
class Inspector:
    """Keeps what comes and answers as scripted."""

    answer: Scripted | Exception = field(default_factory=Scripted)
    came: list[dict[str, Any]] = field(default_factory=list)
    full: bool = False

    async def receive(self, address: str, **request: Any) -> Scripted:
        """One capture."""
        self.came.append({"address": address, **request})
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @asynccontextmanager
    async def held(self, address: str) -> AsyncIterator[None]:
        """One held connection."""
        if self.full:
            raise Throttled(retry_after_s=1)
        yield


class Aborted:
    """A transport that can be cut."""

    was_cut = False

    def abort(self) -> None:
        """Cut."""
        self.was_cut = True


def door(inspector: Inspector) -> Any:
    """The capture door behind the shield."""

    async def rest(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b"elsewhere"})

    app = CaptureDoor(app=rest, inspector=inspector, limits=LIMITS)
    return Shield(app, base_url=BASE_URL, hosts=(), new_id=lambda: "req_small")


@pytest.mark.parametrize("rest", ["", "/", "/a/../b", "/%2e%2e/x", "//x", "/%00%2f", "/a?b=c&b=%41"])
async def test_everything_is_captured_as_it_came(rest: str) -> None:
    """Path and query raw, headers in order with their repetitions, whatever the method."""
    inspector = Inspector()
    headers = (("X-B", "1"), ("X-A", "2"), ("X-B", "3"), ("Cookie", "__Host-deskbell=x"), ("Authorization", "Bearer y"))
    answer = await ask(door(inspector), "PROPFIND", f"/bin/tok{rest}", headers, b"raw \xff")
    assert (answer.status, answer.body) == (200, b"ok")
    came = inspector.came[0]
    path, _, query = rest.partition("?")
    assert (came["address"], came["path"], came["query"]) == ("tok", path or "/", query)
    assert (came["method"], came["body"], came["body_cut"], came["peer"]) == (
        "PROPFIND",
        b"raw \xff",
        False,
        "192.0.2.7",
    )
    assert came["headers"][1:] == tuple((name.lower(), value) for name, value in headers)


async def test_answers_are_no_pages_of_ours() -> None:
    """The answer is sandboxed, whatever its script says of itself."""
    inspector = Inspector(answer=Scripted(status=418, headers=(("Content-Type", "text/html"),), body=b"<script>"))
    answer = await ask(door(inspector), "GET", "/bin/tok")
    assert (answer.status, answer.body) == (418, b"<script>")
    assert answer.header("content-security-policy") == "sandbox; default-src 'none'"
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("content-length") == "8"


@pytest.mark.parametrize(("size", "kept", "cut"), [(1_024, 1_024, False), (1_025, 1_024, True), (4_096, 1_024, True)])
async def test_long_bodies_are_cut(size: int, kept: int, cut: bool) -> None:
    """Kept up to the limit and flagged."""
    inspector = Inspector()
    await ask(door(inspector), "POST", "/bin/tok", body=[b"x" * 512] * (size // 512) + [b"x" * (size % 512)])
    assert (len(inspector.came[0]["body"]), inspector.came[0]["body_cut"]) == (kept, cut)


async def test_bodies_without_end_are_not_read_to_their_end() -> None:
    """Once more than the limit has come, the answer is sent."""
    inspector = Inspector()
    answer = await ask(door(inspector), "POST", "/bin/tok", body=[b"x" * 512] * 9, endless=True)
    assert answer.status == 200
    assert inspector.came[0]["body_cut"]


@pytest.mark.parametrize(("error", "status"), [(NotFound("whose?"), 404), (Throttled(retry_after_s=7), 429)])
async def test_refusals(error: Exception, status: int) -> None:
    """An unknown address is an ordinary 404; too many requests say when to come back."""
    answer = await ask(door(Inspector(answer=error)), "POST", "/bin/tok")
    assert answer.status == status
    assert answer.header("retry-after") == ("7" if status == 429 else None)
    assert b"whose" not in answer.body


async def test_hang_ends_the_connection() -> None:
    """After its time the connection is cut without an answer; the rest of a long body does not shorten it."""
    inspector = Inspector(answer=Scripted(fault="hang", seconds=0.05))
    app, transport = CaptureDoor(app=door(inspector), inspector=inspector, limits=LIMITS), Aborted()
    messages = [{"type": "http.request", "body": b"x" * 5_000, "more_body": True}] * 2

    async def receive() -> Any:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop()

    async def send(message: Any) -> None:
        raise AssertionError(message)

    scope = scope_of("POST", "/bin/tok", (), host=None, server=("x", 1)) | {"deskbell.transport": transport}
    await app(scope, receive, send)
    assert transport.was_cut
    assert messages == []


async def test_held_connections_are_few() -> None:
    """Beyond the number that may hang, 429."""
    inspector = Inspector(answer=Scripted(fault="hang"), full=True)
    assert (await ask(door(inspector), "POST", "/bin/tok")).status == 429


async def test_everything_else_goes_on() -> None:
    """Only /bin/ is captured."""
    inspector = Inspector()
    for path in ("/", "/bin", "/bins/x", "/api/v1/bin/x"):
        assert (await ask(door(inspector), "GET", path)).status == 299
    assert inspector.came == []
