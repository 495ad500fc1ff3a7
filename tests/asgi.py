"""One request to an ASGI app without a network: bytes in, bytes out, exactly as given."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

HOST = "desk.example"
LIMIT_S = 20.0
Headers = Iterable[tuple[str, str]]


@dataclass
class Answer:
    """What the app answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        """The only header of this name; None without one."""
        found = [value for known, value in self.headers if known == name]
        assert len(found) <= 1, found
        return found[0] if found else None


def scope_of(
    method: str, target: str, headers: Headers, *, host: str | None, server: tuple[str, int]
) -> dict[str, Any]:
    """A scope as the listener makes it."""
    raw, _, query = target.partition("?")
    pairs = [("host", host)] if host is not None else []
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw),
        "raw_path": raw.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in [*pairs, *headers]],
        "client": ("192.0.2.7", 50_000),
        "server": server,
        "state": {},
    }


async def ask(
    app: Any,
    method: str,
    target: str,
    headers: Headers = (),
    body: bytes | Sequence[bytes] = b"",
    *,
    host: str | None = HOST,
    server: tuple[str, int] = ("10.0.0.5", 8080),
    endless: bool = False,
) -> Answer:
    """Ask and wait for the whole answer. The body may come in parts; an endless one stops without saying so."""
    parts = [body] if isinstance(body, bytes) else list(body)
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if not endless:
        messages[-1]["more_body"] = False
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()  # the client is still there and says nothing
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async with asyncio.timeout(LIMIT_S):
        await app(scope_of(method, target, headers, host=host, server=server), receive, send)
    start = sent[0]
    found = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    return Answer(status=start["status"], headers=found, body=b"".join(one.get("body", b"") for one in sent[1:]))
