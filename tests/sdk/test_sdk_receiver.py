"""The guard in front of an app lets only genuine requests through."""

import io
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from deskbell.rules.signing import new_secret
from deskbell.sdk import SeenIds, receiver, sign

SECRET = new_secret(b"s" * 32)
BODY = b'[{"id":"x"}]'


async def echo(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """An ASGI app that answers with the body it was given."""
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


async def ask(app: Any, headers: dict[str, str], *chunks: bytes) -> tuple[int, bytes]:
    """Status and body of one request, its body sent in these chunks."""
    messages = [{"type": "http.request", "body": one, "more_body": True} for one in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await app({"type": "http", "headers": raw}, receive, send)
    return sent[0]["status"], sent[1]["body"]


async def test_asgi_app_sees_the_raw_body_of_genuine_requests() -> None:
    """A body in pieces reaches the app whole."""
    assert await ask(receiver(echo, SECRET), sign(BODY, SECRET), BODY[:3], BODY[3:]) == (200, BODY)


async def test_asgi_refuses_forged_and_large_requests() -> None:
    """401 for what does not verify, 413 for what is too large; the app is not called."""
    guarded = receiver(echo, SECRET, body_bytes_max=20)
    assert (await ask(guarded, sign(BODY, SECRET), b"forged"))[0] == 401
    assert (await ask(guarded, {}, BODY))[0] == 401
    assert (await ask(guarded, sign(BODY, SECRET), b"x" * 21))[0] == 413


async def test_asgi_takes_an_id_once_with_a_memory() -> None:
    """The second request with the same id is refused."""
    guarded = receiver(echo, SECRET, seen=SeenIds())
    headers = sign(BODY, SECRET)
    assert [(await ask(guarded, headers, BODY))[0] for _ in range(2)] == [200, 401]


async def test_asgi_passes_other_scopes_on() -> None:
    """Start and end of the app's life are its own."""
    heard = []

    class App:
        async def __call__(self, scope: dict[str, Any], receive: object, send: object) -> None:
            heard.append(scope["type"])

    await receiver(App(), SECRET)({"type": "lifespan"}, None, None)
    assert heard == ["lifespan"]


def wsgi_echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """A WSGI app that answers with the body it was given."""
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


@pytest.mark.parametrize(
    ("sent", "length", "status"),
    [
        (BODY, None, "200 OK"),
        (b"forged", None, "401 Unauthorized"),
        (BODY, "99", "413 Content Too Large"),
        (BODY, "x", "401 Unauthorized"),
    ],
)
def test_wsgi_is_guarded_alike(sent: bytes, length: str | None, status: str) -> None:
    """The same rules hold for WSGI."""
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sign(BODY, SECRET).items()}
    environ |= {"CONTENT_LENGTH": length or str(len(sent)), "wsgi.input": io.BytesIO(sent)}
    answered: list[str] = []
    body = receiver(wsgi_echo, SECRET, body_bytes_max=20)(environ, lambda status, headers: answered.append(status))
    assert answered == [status]
    assert (b"".join(body) == BODY) is (status == "200 OK")
