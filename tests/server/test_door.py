"""Bodies, query parameters, and how refusals are told."""

import asyncio

import pytest
from starlette.requests import Request

from asgi import scope_of
from deskbell.model.errors import Unreadable
from deskbell.server.door import read_body
from server.small import BODY_MAX, Small

PART = b"x" * 4_096


@pytest.mark.parametrize(("size", "status"), [(0, 200), (BODY_MAX, 200), (BODY_MAX + 1, 413), (4 * BODY_MAX, 413)])
@pytest.mark.parametrize("declared", [True, False])
async def test_size_of_the_body(small: Small, size: int, status: int, declared: bool) -> None:
    """413 with the limit in words, whether the length was declared or comes in parts."""
    key = await small.key("webhooks:write")
    length = [("Content-Length", str(size))] if declared else [("Transfer-Encoding", "chunked")]
    parts = [b"x" * min(4_096, size - n) for n in range(0, size, 4_096)] or [b""]
    answer = await small.ask("POST", "/things", key, *length, body=parts)
    assert answer.status == status
    if status == 413:
        assert "65,536" in answer.json["detail"]
    else:
        assert answer.json["bytes"] == size


async def test_too_long_is_known_early(small: Small) -> None:
    """A declared length is believed at once; without one, reading stops at the limit of a body without end."""
    key = await small.key("webhooks:write")
    assert (await small.ask("POST", "/things", key, ("Content-Length", "65537"), endless=True)).status == 413
    assert (await small.ask("POST", "/things", key, body=[PART] * 17, endless=True)).status == 413


@pytest.mark.parametrize(
    ("length", "status"), [("²", 200), ("-1", 200), ("x", 200), ("9" * 5_000, 413), ("0" * 5_000 + "5", 200)]
)
async def test_odd_lengths_are_no_bug_of_ours(small: Small, length: str, status: int) -> None:
    """Whatever stands in Content-Length, the bytes that come are what counts."""
    answer = await small.ask("POST", "/things", await small.key("webhooks:write"), ("Content-Length", length))
    assert answer.status == status


async def test_a_body_that_never_ends() -> None:
    """After its time the request is refused."""

    async def dripping() -> dict[str, object]:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"", "more_body": True}

    scope = scope_of("POST", "/things", (), host="desk.example", server=("10.0.0.5", 8080))
    with pytest.raises(Unreadable):
        await read_body(Request(scope, dripping), 10, seconds_max=0.01)  # type: ignore[arg-type]  # a dict is a message


async def test_broken_off() -> None:
    """A client that goes away in the middle is refused, not a fault of ours."""

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    scope = scope_of("POST", "/things", (), host="desk.example", server=("10.0.0.5", 8080))
    with pytest.raises(Unreadable):
        await read_body(Request(scope, receive), 10)  # type: ignore[arg-type]  # a dict is a message


@pytest.mark.parametrize(
    ("query", "status", "found"),
    [
        ("", 200, {}),
        ("limit=1", 200, {"limit": "1"}),
        ("limit=200", 200, {"limit": "200"}),
        ("limit=", 200, {}),
        ("limit=007", 200, {"limit": "007"}),
        ("state=on", 200, {"state": "on"}),
        ("held=true", 200, {"held": "true"}),
        ("type=a&type=b", 200, {"type": "a,b"}),
        ("type=%F0%9F%98%80", 200, {"type": "😀"}),
        ("limit=0", 422, "limit"),
        ("limit=201", 422, "limit"),
        ("limit=-1", 422, "limit"),
        ("limit=1.0", 422, "limit"),
        ("limit=1e2", 422, "limit"),
        ("limit=+1", 422, "limit"),
        ("limit=%D9%A1", 422, "limit"),
        ("limit=" + "9" * 5_000, 422, "limit"),
        ("limit=ten", 422, "limit"),
        ("state=Off", 422, "state"),
        ("held=1", 422, "held"),
        ("sort=signing_secret", 400, "sort"),
        ("Limit=1", 400, "Limit"),
        ("=1", 400, ""),
        ("limit=1&limit=2", 400, "limit"),
        ("api_key=x", 400, "api_key"),
    ],
)
async def test_query_parameters(small: Small, query: str, status: int, found: object) -> None:
    """Only declared ones, each once, each in its range; a refusal names the parameter."""
    answer = await small.ask("GET", f"/things?{query}", await small.key("webhooks:read"))
    assert answer.status == status, answer.body
    if status == 200:
        assert answer.json["query"] == found
    else:
        assert str(found) in answer.json["detail"]
        pointers = [one["pointer"] for one in answer.json["errors"]]
        assert pointers == ([f"/{found}"] if status == 422 else [])


@pytest.mark.parametrize(
    ("path", "status", "seconds"),
    [("/often", 429, "61"), ("/busy", 503, "5"), ("/full", 503, "10"), ("/store", 503, "5"), ("/bug", 500, None)],
)
async def test_refusals_say_when_to_come_back(small: Small, path: str, status: int, seconds: str | None) -> None:
    """Problem documents with Retry-After where waiting helps; a bug of ours shows nothing of itself."""
    answer = await small.ask("GET", path)
    assert (answer.status, answer.header("retry-after")) == (status, seconds)
    assert answer.header("content-type") == "application/problem+json"
    document = answer.json
    assert set(document) == {"type", "title", "status", "detail", "errors", "requestId"}
    assert (document["status"], document["requestId"]) == (status, "req_small")
    assert b"canary" not in answer.body
    assert b"ValueError" not in answer.body


@pytest.mark.parametrize(("method", "path"), [("PUT", "/things"), ("GET", "/none"), ("OPTIONS", "/things")])
async def test_methods_of_the_table_only(small: Small, method: str, path: str) -> None:
    """405 where the path is known, 404 where it is not."""
    assert (await small.ask(method, path)).status == (404 if path == "/none" else 405)
