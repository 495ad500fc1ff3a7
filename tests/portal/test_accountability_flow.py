"""API keys and the audit without script."""

import csv
import io
import json
import re
from http.client import HTTPConnection

import pytest

from portal_kit import OWNER, DeskApp, Page

KEY = re.compile(r"dbk_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}")


pytestmark = pytest.mark.xdist_group("accountability")  # one after the other: the audit tells of the key before


def status(app: DeskApp, key: str, path: str = "/api/v1/webhooks") -> int:
    """What the API answers to this key."""
    line = HTTPConnection(app.base_url.removeprefix("http://"), timeout=20)
    line.request("GET", path, headers={"Authorization": f"Bearer {key}"})
    found = line.getresponse().status
    line.close()
    return found


def form_of(app: DeskApp, **fields: object) -> dict[str, object]:
    """The form as it was got, filled in."""
    page = Page(app.browser.get("/keys/new").text)
    return {"form_id": page.all("input", name="form_id")[0]["value"], "days": "365", **fields}


def test_the_life_of_a_key(desk_app: DeskApp) -> None:
    """Made, shown once, listed without its text, used, revoked after a question; a second click makes no second key."""
    form = form_of(desk_app, name="Zapier", scopes=["webhooks:read", "events:write"], days="7")
    answer = desk_app.browser.post("/keys/new", form)
    (key,) = set(KEY.findall(answer.text))
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    again = desk_app.browser.follow("/keys/new", form)
    assert not KEY.search(again.text)
    page = Page(again.text)
    assert "1 key will stop working within 30 days" in page.text
    assert status(desk_app, key) == 200
    assert status(desk_app, key, "/api/v1/audit") == 403
    (key_id,) = re.findall(r'id="(key_[0-9A-Z]+)"><td class="full"><span class="t1">Zapier<', again.text)
    path = f"/keys/{key_id}/revoke"
    assert "Revoke “Zapier”?" in Page(desk_app.browser.get(path).text).text
    assert status(desk_app, key) == 200
    gone = Page(desk_app.browser.follow(path).text)
    assert "“Zapier” is revoked." in gone.text
    assert status(desk_app, key) == 401
    assert desk_app.browser.get("/keys/key_00000000000000000000000000/revoke").status == 404


def test_faults_stand_at_their_fields(desk_app: DeskApp) -> None:
    """What was typed is kept; nothing was made."""
    answer = desk_app.browser.post("/keys/new", form_of(desk_app, name="", sources="10.0.0.0/99 10.0.0.1"))
    page = Page(answer.text)
    assert answer.status == 422
    for name in ("name", "scopes", "sources"):
        assert page.all("span", id=f"e-{name}"), name
        assert page.all("a", href=f"#f-{name}"), name
    assert page.all("input", name="sources")[0]["value"] == "10.0.0.0/99 10.0.0.1"
    wrong = form_of(desk_app, name="n", scopes=["site:admin"], password="not mine, surely")
    assert "This is not your password." in desk_app.browser.post("/keys/new", wrong).text
    right = form_of(desk_app, name="n", scopes=["site:admin"], password=OWNER["password"])
    assert KEY.search(desk_app.browser.post("/keys/new", right).text)


def test_a_key_from_elsewhere(desk_app: DeskApp) -> None:
    """A key that may be used from one network is refused from every other."""
    for sources, found in (("192.0.2.0/24", 401), ("127.0.0.0/8, ::1", 200)):
        form = form_of(desk_app, name="narrow", scopes=["webhooks:read"], sources=sources, days="")
        assert status(desk_app, KEY.findall(desk_app.browser.post("/keys/new", form).text)[0]) == found


def test_the_audit_is_read_searched_checked_and_taken_away(desk_app: DeskApp) -> None:
    """Differences in words; one sentence about the chain; a file, which is itself a row."""
    page = Page(desk_app.browser.get("/audit").text)
    assert "API key created" in page.text
    assert "Publish events" not in page.text
    assert "events:write" in page.text
    found = Page(desk_app.browser.get("/audit?operation=key.revoke&actor=Ana+Ruiz").text)
    assert "API key revoked" in found.text
    assert "API key created" not in found.text
    assert "Nothing matches" in Page(desk_app.browser.get("/audit?object=nothing").text).text
    checked = Page(desk_app.browser.get("/audit?check=1").text)
    assert "The chain is whole: all" in checked.text
    bad = desk_app.browser.get("/audit?from=soon")
    assert (bad.status, "Use a day like 2026-01-31." in Page(bad.text).text) == (422, True)
    assert "Nothing matches" in Page(desk_app.browser.get("/audit?to=2001-01-01").text).text
    file = desk_app.browser.post("/audit/export", {"format": "csv", "operation": "key.*"})
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert file.headers["content-disposition"] == 'attachment; filename="audit-desk.csv"'
    assert {row["operation"] for row in rows} == {"key.create", "key.revoke"}
    lines = desk_app.browser.post("/audit/export", {"format": "jsonl", "operation": "audit.export"}).text.splitlines()
    assert json.loads(lines[0])["after"] == {"operation": "key.*"}
    assert "Audit exported" in Page(desk_app.browser.get("/audit?operation=audit.*").text).text
