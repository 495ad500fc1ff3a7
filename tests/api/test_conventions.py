"""Conventions of the API: permissions, lists, problems, the description."""

import re
from typing import Any

import pytest
from openapi_spec_validator import validate

from deskbell.api.openapi import describe
from deskbell.api.routes import API_ROUTES
from deskbell.model.account import Permission
from deskbell.rules.permissions import SCOPES, key_permissions
from running import Running


def test_openapi_is_valid() -> None:
    """The description is valid OpenAPI 3.1 and names each operation once."""
    document = describe()
    validate(document)
    ids = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


async def test_every_route_with_every_scope(desk: Running) -> None:
    """A key with one scope passes the permission check of exactly the routes that name it."""
    for scope in sorted(SCOPES):
        made = await desk.good("POST", "/keys", {"name": scope.value, "scopes": [scope.value]})
        for route in API_ROUTES:
            if route.path == "/stream":
                continue  # it never ends; its permission is checked like any other
            path = re.sub(r"{\w+}", "none", route.path)
            body = {} if route.method in ("POST", "PUT", "PATCH") else None
            answer = await desk.call(route.method, path, body, key=made["key"])
            if {route.permission, *route.also} <= key_permissions((scope,), None) - {Permission.PUBLIC}:
                assert answer.status not in (401, 403), (scope, route.method, route.path, answer.body)
            else:
                assert answer.status == 403, (scope, route.method, route.path, answer.status)


@pytest.mark.parametrize(
    "route", [r for r in API_ROUTES if r.method in ("POST", "PUT", "PATCH")], ids=lambda r: f"{r.method} {r.path}"
)
async def test_no_bytes_are_a_fault_of_ours(desk: Running, route: Any) -> None:
    """Bodies that are no JSON, no UTF-8, or another kind of JSON get a refusal, on every route that reads one."""
    path = re.sub(r"{\w+}", "none", route.path)
    for body in (
        b'{"a":"\xff"}',
        b'{"\xff":1}',
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        b'{"a":"\\ud800"}',
        b"[" * 9_999,
        b"1",
        b"[]",
        b"",
    ):
        answer = await desk.call(route.method, path, body)
        assert answer.status < 500, (body[:20], answer.status, answer.body)


@pytest.mark.parametrize(
    "route", [r for r in API_ROUTES if r.permission is not Permission.PUBLIC], ids=lambda r: f"{r.method} {r.path}"
)
async def test_every_route_without_a_key(desk: Running, route: Any) -> None:
    """Without a credential every route is 401 with one body."""
    path = re.sub(r"{\w+}", "none", route.path)
    answer = await desk.call(route.method, path, {} if route.method != "GET" else None, key="")
    assert answer.status == 401
    assert answer.json["type"] == "/docs/problems/unauthenticated"


async def test_a_repeated_post_is_done_once(desk: Running) -> None:
    """The same key and request: one company and its answer; one webhook, whose secret is told once."""
    headers = {"Idempotency-Key": "again-1"}
    first = await desk.call("POST", "/desk/companies", {"name": "Acme", "identifier": "acme"}, headers=headers)
    again = await desk.call("POST", "/desk/companies", {"name": "Acme", "identifier": "acme"}, headers=headers)
    assert (again.status, again.json) == (first.status, first.json)
    assert len((await desk.good("GET", "/desk/companies"))["items"]) == 1
    body = {"description": "x", "receiverUrl": "https://x.example/in", "eventTypes": ["*"]}
    made = await desk.call("POST", "/webhooks", body, headers={"Idempotency-Key": "again-2"})
    refused = await desk.call("POST", "/webhooks", body, headers={"Idempotency-Key": "again-2"})
    assert (made.status, refused.status, refused.json["code"]) == (201, 409, "answered_with_secret")
    assert made.headers["location"] in refused.json["detail"]
    assert len((await desk.good("GET", "/webhooks"))["items"]) == 1


async def test_lists_are_stable_under_inserts(desk: Running) -> None:
    """A walk with cursors returns every earlier row exactly once, whatever is added meanwhile."""
    for n in range(7):
        await desk.good("POST", "/events", {"type": "custom.x", "data": n})
    seen: list[int] = []
    cursor = ""
    while True:
        page = await desk.good("GET", f"/events?type=custom.x&limit=3{cursor}")
        seen += [one["data"] for one in page["items"]]
        await desk.good("POST", "/events", {"type": "custom.x", "data": 100})
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert [n for n in seen if n < 100] == [6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/events?limit=0", 422),
        ("/events?limit=-1", 422),
        ("/events?limit=201", 422),
        ("/events?sort=x", 400),
        ("/events?cursor=abc", 400),
        ("/events?from=yesterday", 422),
        ("/deliveries?state=nonsense", 422),
        ("/webhooks/whk_none", 404),
        ("/deliveries/dlv_none", 404),
        ("/attempts/att_none", 404),
        ("/nothing", 404),
    ],
)
async def test_bad_queries(desk: Running, path: str, status: int) -> None:
    """An unknown or bad parameter says what is possible; an unknown id is 404."""
    answer = await desk.call("GET", path)
    assert answer.status == status, answer.body


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/site", 405), ("TRACE", "/site", 405)]
)
async def test_unknown_paths_are_problems_too(desk: Running, method: str, path: str, status: int) -> None:
    """Where no route is, the answer is a problem below /api and a page elsewhere."""
    answer = await desk.call(method, path)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    page = await desk.call("GET", "/webhook/nothing/here", key="")
    assert page.status == 404
    assert page.headers["content-type"].startswith("text/html")


async def test_cursor_of_another_list_is_refused(desk: Running) -> None:
    """A cursor is bound to its list and its filters."""
    for n in range(2):
        await desk.good("POST", "/events", {"type": "custom.x", "data": n})
    page = await desk.good("GET", "/events?type=custom.x&limit=1")
    assert (await desk.call("GET", f"/deliveries?cursor={page['next']}")).status == 400
    assert (await desk.call("GET", f"/events?type=custom.y&cursor={page['next']}")).status == 400


async def test_problem_pages_are_served(desk: Running) -> None:
    """The type of a problem is a page that says what it means."""
    answer = await desk.call("GET", "/webhooks", key="")
    page = await desk.call("GET", answer.json["type"], key="")
    assert page.status == 200
    assert b"401" in page.body


async def test_schemas_are_public(desk: Running) -> None:
    """Tools read schemas without a login, in three dialects."""
    for dialect in ("draft-07", "seed", "power-platform"):
        answer = await desk.call("GET", f"/schemas/chat.created.json?dialect={dialect}", key="")
        assert answer.status == 200
    assert (await desk.call("GET", "/schemas/nonsense.json", key="")).status == 404


async def test_secrets_stand_nowhere_in_clear(desk: Running) -> None:
    """Neither database nor log files hold a signing secret, a full receiver URL or a header value."""
    made = await desk.good(
        "POST",
        "/webhooks",
        {
            "description": "d",
            "receiverUrl": "https://hooks.example.com/canary-url-9f2c",
            "eventTypes": ["chat.*"],
            "headers": {"X-Token": "canary-header-9f2c"},
        },
    )
    folder = desk.house.config.data
    for path in folder.glob("deskbell.db*"):
        content = path.read_bytes()
        for canary in (made["secret"], "canary-url-9f2c", "canary-header-9f2c", desk.key):
            assert canary.encode() not in content, (path.name, canary)
