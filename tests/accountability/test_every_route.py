"""Every changing route of API and portal leaves exactly one row: who, what, which object, what changed, no secret."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accountability.bench import Bench, bench
from accountability.deeds import API, PORTAL, sign_in
from deskbell.api.routes import API_ROUTES, ROOT_ROUTES
from deskbell.model.account import Permission
from deskbell.portal.routes import ROUTES
from deskbell.server.route import Route
from portal_kit import OWNER, Browser
from sign_on.provider import SECRET

TOLD_ELSEWHERE = re.compile(r"(user|second_factor)\.|site\.(second_factor|restored)|login\.")
"""Accounts, sign-in and restoring have tests of their own: tests/accounts, tests/portal, tests/operation, and below."""
SECRETS = re.compile(r"whsec_[A-Za-z0-9+/=]{20}|dbk_[0-9A-Za-z]{8}_|hook-of-a-test-1234567890|BEGIN ")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One Deskbell for all."""
    with bench(tmp_path_factory.mktemp("audited")) as made:
        yield made


def named(routes: tuple[Route[Any], ...]) -> dict[str, Route[Any]]:
    """The routes that say that they are recorded."""
    return {f"{one.method} {one.path}": one for one in routes if one.audit != "none"}


def check(rows: list[Any], operation: str, kind: str) -> None:
    """Exactly one row, which tells everything and no secret."""
    assert [row["operation"] for row in rows] == [operation]
    (row,) = rows
    assert row["actor"]["kind"] == kind
    assert row["actor"]["id"]
    assert row["objectId"]
    assert row["address"] == "127.0.0.1"
    assert row["requestId"].startswith("req_")
    text = json.dumps(row)
    assert not SECRETS.search(text), text
    assert SECRET not in text
    assert OWNER["password"] not in text
    verb = operation.partition(".")[2]
    if not operation.startswith(("user.", "client_link.", "replay.")) and verb in (
        "create",
        "change",
        "delete",
        "revoke",
        "slider",
        "rotate",
    ):
        assert row["before"] is not None or row["after"] is not None, row


@pytest.mark.parametrize("name", sorted(API))
def test_api(running: Bench, name: str) -> None:
    """By API."""
    route = named((*API_ROUTES, *ROOT_ROUTES))[name]
    path, body = API[name](running)
    before = running.rows()[0]["seq"]
    running.good(route.method, path, body)
    check(running.since(before), route.audit, "key")


@pytest.mark.parametrize("name", sorted(PORTAL))
def test_portal(running: Bench, name: str) -> None:
    """By a form."""
    route = named(ROUTES)[name]
    path, fields = PORTAL[name](running)
    browser = Browser(running.base_url) if route.permission is Permission.PUBLIC else running.browser
    before = running.rows()[0]["seq"]
    answer = browser.post(path, fields)
    assert answer.status < 400, (answer.status, answer.text[:900])
    rows = running.since(before)
    if route.permission is Permission.PUBLIC:  # the set-up link also signs in
        assert rows.pop()["operation"] == "login.create"
    check(rows, route.audit, "person")


def test_every_route_is_looked_at() -> None:
    """A new route that changes something is asked for above, or its operation is one that is told elsewhere."""
    for routes, deeds in (((*API_ROUTES, *ROOT_ROUTES), API), (ROUTES, PORTAL)):
        known = named(routes)
        assert set(deeds) <= set(known)
        assert [one for one in set(known) - set(deeds) if not TOLD_ELSEWHERE.match(known[one].audit)] == []


def test_what_leaves_no_row() -> None:
    """Only what the event or the attempt records itself, what changes nothing, and what a browser keeps."""
    free = {Permission.DESK_WRITE, Permission.EVENTS_WRITE, Permission.DELIVERIES_REPLAY}
    quiet = {
        f"{one.method} {one.path}" for one in (*API_ROUTES, *ROOT_ROUTES, *ROUTES)
        if one.method not in ("GET", "HEAD") and one.audit == "none" and one.permission not in free
    }  # fmt: skip
    checks = {
        "POST /webhooks/verify",
        "POST /webhooks/preview",
        "POST /webhook/check-signature",
        "POST /webhook/preview",
    }
    own = {"POST /preferences"}
    assert {one for one in quiet - checks - own if not one.startswith("POST /desk/client/")} == set()


def test_logins(running: Bench) -> None:
    """In, not in, again, out, and ended from elsewhere: a row each."""
    browser = Browser(running.base_url)
    browser.get("/login")
    before = running.rows()[0]["seq"]
    assert sign_in(browser, "a wrong password, surely") == 401
    assert sign_in(browser, OWNER["password"]) == 303
    browser.get("/webhook")
    assert browser.post("/logout").status == 303
    rows = running.since(before)
    assert [row["operation"] for row in rows] == ["login.refuse", "login.create", "login.end"]
    assert {row["actor"]["name"] for row in rows} == {OWNER["name"]}
    running.second_browser()
    before = running.rows()[0]["seq"]
    logins = json.loads(running.browser.get("/api/v1/logins").text)["items"]
    sent = {"Origin": running.base_url, "Sec-Fetch-Site": "same-origin", "deskbell-csrf": running.browser.csrf}
    newest = next(one["id"] for one in logins if one["endedAt"] is None)
    assert running.browser._send("DELETE", f"/api/v1/logins/{newest}", None, sent).status == 204
    assert [row["operation"] for row in running.since(before)] == ["login.end"]


def test_refusals(running: Bench) -> None:
    """A permission that is lacking, and somebody whom the provider knows and we do not."""
    weak = Bench(
        **{**vars(running), "key": running.good("POST", "/keys", {"name": "w", "scopes": ["desk:read"]})["key"]}
    )
    before = running.rows()[0]["seq"]
    assert [weak.call("GET", "/webhooks")[0] for _ in range(3)] == [403] * 3
    assert [(row["operation"], row["objectId"]) for row in running.since(before)] == [
        ("permission.refuse", "webhooks:read")
    ]
    path = running.way_back()
    before = running.rows()[0]["seq"]
    assert running.browser.get(path).status == 403
    assert [row["operation"] for row in running.since(before)] == ["login.refuse"]


def test_the_chain_is_whole_after_all(running: Bench, tmp_path: Path) -> None:
    """Whatever was done, nothing is missing."""
    found = running.good("GET", "/audit/check")
    assert found["whole"], found
    assert found["rows"] == running.rows()[0]["seq"]
