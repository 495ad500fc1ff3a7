"""The tabs Payload Sample and Webhook Security."""

import json
import re
import subprocess
import time
from importlib import resources
from pathlib import Path

import pytest

from deskbell.rules.catalogue import CATALOGUE, check_against
from deskbell.rules.signing import sign_v1
from portal_kit import DeskApp, Page, Receiver, make_webhook, secrets_in

CODE = Path(str(resources.files("deskbell.portal") / "templates" / "code"))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw1234567890A="
BODY = b'[{"msp":"dd","id":"1"}]'
NODE = Path(".venv/bin/node")


def shown(app: DeskApp, query: str) -> bytes:
    """What Copy copies."""
    answer = app.browser.get(f"/webhook/sample.json?{query}")
    assert answer.status == 200, query
    assert answer.headers["content-disposition"].startswith("attachment;")
    return answer.text.encode()


@pytest.mark.parametrize("name", [one.name for one in CATALOGUE])
def test_the_copied_sample_is_valid_for_the_copied_schema(desk_app: DeskApp, name: str) -> None:
    """Every type in both dialects; the original schema is offered for chats alone, with its note."""
    sample = shown(desk_app, f"type={name}&size=maximal")
    assert isinstance(json.loads(sample), list)
    for dialect in ("draft-07", "power-platform"):
        assert json.loads(shown(desk_app, f"type={name}&view={dialect}"))
        assert check_against(name, dialect, sample) == ()
    page = desk_app.browser.get(f"/webhook?tab=sample&type={name}&view=seed").text
    assert ("its own sample fails" in page) == name.startswith("chat.")


@pytest.mark.parametrize(("form", "member"), [("standard", "timestamp"), ("cloudevents", "specversion")])
def test_other_formats_are_rendered_as_they_are_sent(desk_app: DeskApp, form: str, member: str) -> None:
    """By the code that makes real payloads."""
    assert member in json.loads(shown(desk_app, f"type=chat.missed&format={form}"))


def test_an_unknown_type_is_not_found(desk_app: DeskApp) -> None:
    """404, and no stack of ours."""
    assert desk_app.browser.get("/webhook?tab=sample&type=chat.nothing").status == 404


def test_schemas_have_a_stable_address(desk_app: DeskApp) -> None:
    """Told beside the schema, and served without a login."""
    page = desk_app.browser.get("/webhook?tab=sample&type=ticket.updated&view=draft-07").text
    found = re.search(r'href="(/schemas/[^"]+)"', page)
    assert found
    assert desk_app.browser.get(found[1].replace("&amp;", "&")).status == 200


def headers(body: bytes, secret: str, when: int | None = None) -> str:
    """Header lines of a signed request."""
    at = int(time.time()) if when is None else when
    return f"webhook-id: dlv_1\nwebhook-timestamp: {at}\nwebhook-signature: {sign_v1(secret, 'dlv_1', at, body)}"


def test_the_check_says_what_is_wrong(desk_app: DeskApp, receiver: Receiver) -> None:
    """Valid, changed, old, other webhook, JSON written anew: one sentence each."""
    whk = make_webhook(desk_app, receiver.url)
    (secret,) = secrets_in(desk_app.browser.post(f"/webhook/{whk}/detail").text)
    other = make_webhook(desk_app, receiver.url, description="Another")
    (others,) = secrets_in(desk_app.browser.post(f"/webhook/{other}/detail").text)
    spaced = b'[ {"msp": "dd", "id": "1"} ]'
    cases = {
        "Valid with the current secret": (headers(BODY, secret), BODY),
        "Not signed by this webhook": (headers(b"else", secret), BODY),
        "a stored request was sent again": (headers(BODY, secret, 1_700_000_000), BODY),
        "Signed for the webhook “Another”": (headers(BODY, others), BODY),
        "Something on the way changed the bytes": (headers(BODY, secret), spaced),
        "has no header webhook-signature": ("webhook-id: 1\nwebhook-timestamp: 2", BODY),
    }
    for words, (lines, body) in cases.items():
        fields: dict[str, object] = {"webhook": whk, "headers": lines, "body": body.decode()}
        answer = desk_app.browser.post("/webhook/check-signature", fields)
        assert answer.status == 200
        assert words in Page(answer.text).text, words
        part = desk_app.browser.post("/webhook/check-signature", fields, **{"HX-Request": "true"})
        assert "<html" not in part.text
        assert words in Page(part.text).text


def test_pasted_text_is_shown_as_text(desk_app: DeskApp, receiver: Receiver) -> None:
    """Whatever was captured."""
    whk = make_webhook(desk_app, receiver.url)
    bad = "</textarea><script>alert(1)</script>"
    answer = desk_app.browser.post("/webhook/check-signature", {"webhook": whk, "headers": bad, "body": bad})
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("language", ["python", "node", "csharp", "php", "go", "shell"])
def test_every_language_is_shown_as_it_is_stored(desk_app: DeskApp, language: str) -> None:
    """And says whether our tests run it."""
    page = desk_app.browser.get(f"/webhook?tab=security&lang={language}").text
    assert ("Run by Deskbell’s own tests" in page) == (language in ("python", "node"))
    assert Page(page).all("pre", id="code")


def test_the_python_example_works() -> None:
    """The very text of the page."""
    space: dict[str, object] = {}
    exec(compile((CODE / "python.txt").read_text("utf-8"), "python.txt", "exec"), space)
    receive = space["receive"]
    assert callable(receive)
    lines = dict(line.split(": ", 1) for line in headers(BODY, SECRET).splitlines())
    assert receive(SECRET, lines, BODY) == 204
    assert receive(SECRET, lines, BODY + b" ") == 400


@pytest.mark.skipif(not NODE.exists(), reason="Node is not installed here")
def test_the_node_example_works(tmp_path: Path) -> None:
    """The very text of the page."""
    lines = dict(line.split(": ", 1) for line in headers(BODY, SECRET).splitlines())
    program = (CODE / "node.txt").read_text("utf-8") + (
        f"\nconst h = {json.dumps(lines)}, s = {json.dumps(SECRET)}, b = {json.dumps(BODY.decode())};\n"
        "console.log(receive(s, h, Buffer.from(b)), receive(s, h, Buffer.from(b + ' ')));\n"
    )
    path = tmp_path / "example.mjs"
    path.write_text(program, "utf-8")
    done = subprocess.run([str(NODE.absolute()), str(path)], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["204", "400"]
