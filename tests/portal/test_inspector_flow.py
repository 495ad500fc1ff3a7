"""The inspector without script: bins, scripts, captures, reports."""

import re

import pytest

from portal_kit import DeskApp, Page, make_ticket, make_webhook, until


def make_bin(app: DeskApp, script: str = "always ok") -> tuple[str, str]:
    """A bin's id and its path."""
    text = app.browser.follow("/inspector", {"name": "playground", "script": script}).text
    found = re.search(r"/inspector/(bin_[0-9A-Z]{26})/script", text)
    address = re.search(r"/bin/([0-9a-z]{26})", text)
    assert found
    assert address
    return found[1], f"/bin/{address[1]}"


def write(app: DeskApp, path: str, body: str, kind: str = "application/json") -> int:
    """A request from outside."""
    return app.browser._send("POST", path, body, {"content-type": kind, "cookie": ""}).status


def test_an_empty_bin_waits_with_its_address(desk_app: DeskApp) -> None:
    """Large, with a line to try."""
    bin_id, path = make_bin(desk_app)
    page = Page(desk_app.browser.get(f"/inspector/{bin_id}").text).text
    assert "Waiting for the first request." in page
    assert f"curl -X POST {desk_app.base_url}{path}" in page


@pytest.mark.parametrize("name", ["", "x" * 5_000])
def test_a_bin_needs_a_name(desk_app: DeskApp, name: str) -> None:
    """422 at the field."""
    answer = desk_app.browser.post("/inspector", {"name": name})
    assert answer.status == 422
    assert Page(answer.text).all("span", id="e-name")


def test_a_capture_is_shown_in_every_view(desk_app: DeskApp) -> None:
    """Tree, text, hex, headers, query; markup stays text."""
    bin_id, path = make_bin(desk_app)
    assert write(desk_app, f"{path}/deep?x=%3Cb%3E", '{"<script>":[1,{"a":null}]}') == 200
    text = desk_app.browser.get(f"/inspector/{bin_id}").text
    capture = re.search(r"(cap_[0-9A-Z]{26})", text)
    assert capture
    at = f"/inspector/{bin_id}/{capture[1]}"
    for view, words in (
        ("tree", "2 items"),
        ("text", "&lt;script&gt;"),
        ("hex", "7b 22 3c"),
        ("headers", "content-type"),
        ("query", "x=%3Cb%3E"),
    ):
        shown = desk_app.browser.get(f"{at}?view={view}")
        assert words in shown.text, view
        assert "<script>:" not in shown.text
        assert '"<script>' not in shown.text


def test_a_bin_as_receiver_reports_signature_and_schema(desk_app: DeskApp) -> None:
    """Used in a webhook it says that all is well, and links the delivery."""
    bin_id, path = make_bin(desk_app)
    form = Page(desk_app.browser.get(f"/webhook/new?offer=ticket&bin={bin_id}").text)
    url = form.all("input", id="f-url")[0]["value"]
    assert url == f"{desk_app.base_url}{path}"
    whk = make_webhook(desk_app, url, "ticket.*", description="Bin")
    make_ticket(desk_app)
    page = until(
        lambda: (
            text if "valid" in (text := desk_app.browser.get(f"/inspector/{bin_id}").text) and "cap_" in text else ""
        )
    )
    shown = Page(page).text
    assert "Signature: valid" in shown
    assert "Schema: valid for ticket.created" in shown
    assert Page(page).all("a", class_="btn")
    assert "Open the delivery" in shown
    assert whk in desk_app.browser.get(f"/deliveries?webhook={whk}").text


def test_a_tampered_request_says_why(desk_app: DeskApp) -> None:
    """A webhook whose secret verifies, and a request that it did not sign."""
    bin_id, path = make_bin(desk_app)
    whk = make_webhook(desk_app, f"{desk_app.base_url}{path}", description="Checks")
    desk_app.browser.follow(f"/inspector/{bin_id}/script", {"script": "always ok", "webhook": whk})
    write(desk_app, path, "{}")
    page = Page(
        until(lambda: text if "cap_" in (text := desk_app.browser.get(f"/inspector/{bin_id}").text) else "")
    ).text
    assert "Signature: not valid" in page
    assert "The request has no header webhook-id" in page


def test_scripts_answer_in_turn(desk_app: DeskApp) -> None:
    """Two failures, then ok; and the script can be changed."""
    bin_id, path = make_bin(desk_app, "fails 2 times then ok")
    assert [write(desk_app, path, "{}") for _ in range(3)] == [503, 503, 200]
    desk_app.browser.follow(f"/inspector/{bin_id}/script", {"script": "410"})
    assert write(desk_app, path, "{}") == 410


def test_a_bin_and_its_captures_can_be_deleted(desk_app: DeskApp) -> None:
    """Then its address answers nobody."""
    bin_id, path = make_bin(desk_app)
    desk_app.browser.follow(f"/inspector/{bin_id}/delete")
    assert desk_app.browser.get(f"/inspector/{bin_id}").status == 404
    assert write(desk_app, path, "{}") == 404


def test_a_form_sent_twice_makes_one_bin(desk_app: DeskApp) -> None:
    """Its random name is the key."""
    form: dict[str, object] = {"name": "once", "form_id": "7" * 32}
    first = desk_app.browser.post("/inspector", form).headers["location"]
    assert desk_app.browser.post("/inspector", form).headers["location"] == first


def test_a_test_event_needs_a_webhook(desk_app: DeskApp) -> None:
    """409 says what to choose first."""
    bin_id, _ = make_bin(desk_app)
    answer = desk_app.browser.post(f"/inspector/{bin_id}/test")
    assert answer.status == 409
    assert "Checks with" in answer.text
