"""Sign-in at the receiver, in the portal: set, kept, replaced and removed; secrets never come back."""

import re
from pathlib import Path

import pytest
import trustme

from portal_kit import DeskApp, Page, Receiver, make_webhook

FORM = {"description": "H", "types": ["chat.*"], "kind": "generic", "format": "desk"}


def save(app: DeskApp, whk: str, **fields: object) -> str:
    """Save the form with these fields; the page after it."""
    version = Page(app.browser.get(f"/webhook/{whk}/edit").text).all("input", name="version")[0]["value"]
    return app.browser.follow(f"/webhook/{whk}/edit", {**FORM, "version": version, **fields}).text


def sent_header(app: DeskApp, whk: str, receiver: Receiver) -> str | None:
    """What the receiver gets as Authorization."""
    count = len(receiver.got)
    app.browser.follow(f"/webhook/{whk}/test", {"event_type": "test.ping"})
    while len(receiver.got) == count:
        app.browser.get(f"/webhook/{whk}/edit")
    return receiver.got[-1].headers.get("authorization")


def test_password_is_set_kept_and_removed(desk_app: DeskApp, receiver: Receiver) -> None:
    """The choice shows what is set; saving anything else keeps it; no page holds the password."""
    whk = make_webhook(desk_app, receiver.url)
    after = save(desk_app, whk, auth_kind="basic", auth_username="desk", auth_password=" hunter2 hunter2")
    page = desk_app.browser.get(f"/webhook/{whk}/edit").text
    assert "as now: user and password (desk)" in page
    assert "hunter2" not in page + after
    assert sent_header(desk_app, whk, receiver) == "Basic ZGVzazogaHVudGVyMiBodW50ZXIy"
    save(desk_app, whk, auth_kind="keep")
    assert sent_header(desk_app, whk, receiver) is not None
    save(desk_app, whk)
    assert sent_header(desk_app, whk, receiver) is not None
    save(desk_app, whk, auth_kind="none")
    assert sent_header(desk_app, whk, receiver) is None
    assert "hunter2" not in desk_app.browser.get("/audit").text


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"auth_kind": "basic", "auth_username": "a"}, "auth_password", "required"),
        ({"auth_kind": "bearer", "auth_token": "Bearer x"}, "auth_token", "Leave out the word Bearer"),
        ({"auth_kind": "oauth2", "auth_token_url": "https://10.0.0.5/", "auth_client_id": "a",
          "auth_client_secret": "b"}, "auth_token_url", "DESKBELL_ALLOW"),
        ({"certificate": "x", "certificate_key": "y"}, "certificate", "no PEM certificate"),
    ],
)  # fmt: skip
def test_faults_stand_at_their_fields(
    fields: dict[str, str], field: str, words: str, desk_app: DeskApp, receiver: Receiver
) -> None:
    """The summary links to the field, the part of the form is open."""
    whk = make_webhook(desk_app, receiver.url)
    version = Page(desk_app.browser.get(f"/webhook/{whk}/edit").text).all("input", name="version")[0]["value"]
    answer = desk_app.browser.post(f"/webhook/{whk}/edit", {**FORM, "version": version, **fields})
    assert answer.status == 422
    assert f'href="#f-{field}"' in answer.text
    fault = re.search(rf'id="e-{field}".*?</span></span>', answer.text, re.S)
    assert fault is not None
    assert words in fault[0]
    assert re.search(r'id="sign-in"\s+open', answer.text)


def test_certificate_is_shown_by_what_stands_in_it(desk_app: DeskApp, tmp_path: Path) -> None:
    """Its subject and end, never its key; it stays when nothing is typed, and goes when ticked."""
    own = trustme.CA().issue_cert("desk.example.com", common_name="desk")
    chain, key = own.cert_chain_pems[0].bytes().decode(), own.private_key_pem.bytes().decode()
    whk = make_webhook(desk_app, "https://example.com/hook")
    save(desk_app, whk, certificate=chain, certificate_key=key)
    save(desk_app, whk, description="other")
    page = desk_app.browser.get(f"/webhook/{whk}/edit").text
    assert "CN=desk" in page
    assert key.splitlines()[1] not in page
    save(desk_app, whk, drop_certificate="yes")
    assert "CN=desk" not in desk_app.browser.get(f"/webhook/{whk}/edit").text
