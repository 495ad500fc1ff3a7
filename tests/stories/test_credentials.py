"""Stories of receivers that want to know who is calling: passwords, tokens, client certificates."""

import base64
import json
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import trustme

from receiver import Receiver
from running import Running, running


class TokenServer(Receiver):
    """Gives numbered tokens, or what it was told to answer."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[tuple[int, Any]] = []  # used up in order, then good tokens
        self.given = 0

    def answer_to(self, request: Any) -> tuple[int, bytes]:
        """As a token server would."""
        if self.bodies:
            status, body = self.bodies.pop(0)
            return status, body if isinstance(body, bytes) else json.dumps(body).encode()
        self.given += 1
        token = {"access_token": f"tok-{self.given}", "token_type": "Bearer", "expires_in": 3600}
        return 200, json.dumps(token).encode()


async def attempts(desk: Running, hook: Any, count: int = 1) -> list[dict[str, Any]]:
    """The log of the webhook's newest delivery, once it has so many attempts."""
    found = await desk.delivery(lambda one: one["attempts"] >= count, webhook=hook["id"])
    return list((await desk.good("GET", f"/deliveries/{found['id']}"))["log"])


def database(data: Path) -> bytes:
    """Every byte of the database."""
    return b"".join(one.read_bytes() for one in data.glob("deskbell.db*"))


async def publish(desk: Running) -> None:
    """One event."""
    await desk.good("POST", "/events", {"type": "custom.case", "data": {"n": 1}})


@pytest.mark.parametrize(
    ("auth", "header", "secret"),
    [
        ({"type": "basic", "username": "desk", "password": "pä ss:word"}, None, "pä ss:word"),
        ({"type": "bearer", "token": "tok.en~9"}, "Bearer tok.en~9", "tok.en~9"),
    ],
)
async def test_fixed_credential_is_sent_sealed_and_never_shown(
    auth: dict[str, str], header: str | None, secret: str, tmp_path: Path
) -> None:
    """The receiver gets it; no answer, record, audit row or byte of the database holds it."""
    wanted = header or "Basic " + base64.b64encode(f"desk:{secret}".encode()).decode()
    async with running(tmp_path) as desk, Receiver() as receiver:
        hook = await desk.webhook(receiver.url, "custom.*", auth=auth)
        await publish(desk)
        (got,) = await receiver.wait(1)
        assert got.header("authorization") == wanted
        log = await attempts(desk, hook)
        shown = await desk.good("GET", f"/webhooks/{hook['id']}")
        attempt = await desk.good("GET", f"/attempts/{log[0]['id']}")
        audit = [await desk.good("GET", "/audit")]
    assert shown["auth"] == {"type": auth["type"], **({"username": "desk"} if "username" in auth else {}), "set": True}
    assert ["authorization", "••••"] in attempt["request"]["headers"]
    texts = json.dumps([hook, shown, attempt, audit], ensure_ascii=False)
    stored = database(tmp_path)
    for hidden in (secret, wanted.partition(" ")[2]):
        assert hidden not in texts
        assert hidden.encode() not in stored


async def test_token_is_fetched_once_kept_and_renewed_once(tmp_path: Path) -> None:
    """Two events need one token; a 401 brings a new one within the same attempt; a second 401 is the outcome."""
    async with running(tmp_path) as desk, Receiver() as receiver, TokenServer() as tokens:
        auth = {
            "type": "oauth2", "tokenUrl": tokens.url, "clientId": "desk:1", "clientSecret": "s3cret&x",
            "scope": "hooks write", "audience": "https://api.example",
        }  # fmt: skip
        hook = await desk.webhook(receiver.url, "custom.*", auth=auth)
        for count in (1, 2):
            await publish(desk)
            await receiver.wait(count)
        assert [one.header("authorization") for one in receiver.received] == ["Bearer tok-1"] * 2
        (asked,) = tokens.received
        assert parse_qs(asked.body.decode()) == {
            "grant_type": ["client_credentials"], "scope": ["hooks write"], "audience": ["https://api.example"],
        }  # fmt: skip
        assert asked.header("authorization") == "Basic " + base64.b64encode(b"desk%3A1:s3cret%26x").decode()
        receiver.answers = [(401, {})]
        await publish(desk)
        got = await receiver.wait(4)
        assert [one.header("authorization") for one in got[2:]] == ["Bearer tok-1", "Bearer tok-2"]
        assert got[2].header("webhook-id") == got[3].header("webhook-id")
        assert [one["outcome"]["name"] for one in await attempts(desk, hook)] == ["http_200"]
        receiver.answers = [(401, {}), (401, {})]
        await publish(desk)
        await receiver.wait(6)
        assert (await attempts(desk, hook))[0]["outcome"]["name"] == "http_401"
        assert len(tokens.received) == 3
        shown = await desk.good("GET", f"/webhooks/{hook['id']}")
    assert "s3cret" not in json.dumps([hook, shown])
    assert shown["auth"]["clientId"] == "desk:1"
    assert shown["auth"]["tokenUrl"].endswith("/…")
    stored = database(tmp_path)
    assert b"s3cret" not in stored
    assert b"tok-1" not in stored


@pytest.mark.parametrize(
    ("status", "body", "name", "words"),
    [
        (401, {"error": "invalid_client", "error_description": "s3cret is wrong"}, "token_refused", "invalid_client"),
        (500, b"<html>s3cret", "token_refused", "answered 500"),
        (200, b"<html>s3cret", "token_refused", "no JSON with an access_token"),
        (200, {"access_token": "a\r\nx: y", "token_type": "bearer"}, "token_refused", "no header can hold"),
        (200, {"access_token": "a", "token_type": "mac"}, "token_refused", "another type"),
        (302, b"", "token_refused", "answered 302"),
    ],
)
async def test_token_that_is_not_given_is_explained(
    status: int, body: Any, name: str, words: str, tmp_path: Path
) -> None:
    """The attempt fails with the reason, nothing goes to the receiver, and nothing the server wrote is told."""
    async with running(tmp_path) as desk, Receiver() as receiver, TokenServer() as tokens:
        tokens.bodies = [(status, body)]
        auth = {"type": "oauth2", "tokenUrl": tokens.url, "clientId": "desk", "clientSecret": "s3cret",
                "clientAuth": "body"}  # fmt: skip
        hook = await desk.webhook(receiver.url, "custom.*", auth=auth)
        await publish(desk)
        (attempt,) = await attempts(desk, hook)
        assert parse_qs(tokens.received[0].body.decode())["client_secret"] == ["s3cret"]
    assert (attempt["outcome"]["class"], attempt["outcome"]["name"]) == ("failed", name)
    assert words in attempt["outcome"]["text"]
    assert "s3cret" not in json.dumps(attempt)
    assert receiver.received == []


async def test_token_server_at_a_forbidden_address_is_blocked(tmp_path: Path) -> None:
    """A token URL is a receiver URL: the same grammar on save, the same vetting at the dial."""
    async with running(tmp_path, DESKBELL_ALLOW="127.0.0.0/8:*") as desk, Receiver() as receiver:
        for url, code in (("https://10.0.0.5/token", "url_literal"), ("ftp://a.example/", "url_scheme")):
            auth = {"type": "oauth2", "tokenUrl": url, "clientId": "a", "clientSecret": "b"}
            body = {"description": "d", "receiverUrl": receiver.url, "eventTypes": ["custom.*"], "auth": auth}
            answer = await desk.call("POST", "/webhooks", body)
            assert answer.status == 422
            assert [(one["pointer"], one["code"]) for one in answer.json["errors"]] == [("/auth/tokenUrl", code)]
        auth["tokenUrl"] = f"http://127.0.0.1:{desk.port}/api/v1/events"
        answer = await desk.call("POST", "/webhooks", {**body, "auth": auth})
        assert answer.json["errors"][0]["code"] == "url_ourselves"


async def test_client_certificate_is_shown_in_the_handshake(tmp_path: Path) -> None:
    """A receiver that wants a certificate gets it, and refuses attempts without; http and a foreign key are refused."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    own = authority.issue_cert("desk.example.com", common_name="desk")
    chain = b"".join(one.bytes() for one in own.cert_chain_pems).decode()
    key = own.private_key_pem.bytes().decode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    data = tmp_path / "data"
    async with (
        running(data, DESKBELL_CA_FILE=str(tmp_path / "authority.pem")) as desk,
        Receiver(tls=context) as receiver,
    ):
        url = f"https://127.0.0.1:{receiver.port}/hook"
        plain = await desk.webhook(url, "custom.*")
        hook = await desk.webhook(url, "custom.*", clientCertificate={"certificate": chain, "key": key})
        await publish(desk)
        (got,) = await receiver.wait(1)
        refused = {"tls_error", "connection_closed", "connection_reset"}  # TLS 1.3 tells only after the handshake
        assert (await attempts(desk, plain))[0]["outcome"]["name"] in refused
        assert (await attempts(desk, hook))[0]["outcome"]["name"] == "http_200"
        assert got.header("webhook-id") == (await attempts(desk, hook))[0]["deliveryId"]
        shown = await desk.good("GET", f"/webhooks/{hook['id']}")
        assert "CN=desk" in shown["clientCertificate"]["subject"]
        other = trustme.CA().issue_cert("x.example.com").private_key_pem.bytes().decode()
        bad = {"description": "d", "receiverUrl": url, "eventTypes": ["custom.*"]}
        for more, pointer, code in (
            ({"clientCertificate": {"certificate": chain, "key": other}}, "/clientCertificate/key", "pair"),
            ({"clientCertificate": {"certificate": "x", "key": key}}, "/clientCertificate/certificate", "pem"),
            ({"clientCertificate": {"certificate": chain, "key": key}, "receiverUrl": "http://127.0.0.1:9/x"},
             "/clientCertificate", "scheme"),
        ):  # fmt: skip
            answer = await desk.call("POST", "/webhooks", {**bad, **more})
            assert [(one["pointer"], one["code"]) for one in answer.json["errors"]] == [(pointer, code)]
        changed = await desk.good("PATCH", f"/webhooks/{hook['id']}", {"clientCertificate": None})
        assert changed["clientCertificate"] is None
    stored = database(data)
    assert key.splitlines()[1].encode() not in stored


async def test_credentials_are_changed_kept_and_removed_as_a_whole(tmp_path: Path) -> None:
    """What a patch does not name stays; null removes; two Authorization headers are refused; the audit shows a mark."""
    async with running(tmp_path) as desk, Receiver() as receiver:
        hook = await desk.webhook(receiver.url, "custom.*", auth={"type": "bearer", "token": "first"})
        path = f"/webhooks/{hook['id']}"
        await desk.good("PATCH", path, {"description": "other"})
        await publish(desk)
        answer = await desk.call("PATCH", path, {"headers": {"Authorization": "x"}})
        assert [(one["pointer"], one["code"]) for one in answer.json["errors"]] == [("/auth", "header_twice")]
        await desk.good("PATCH", path, {"auth": {"type": "bearer", "token": "second"}})
        await publish(desk)
        await receiver.wait(2)
        assert (await desk.good("PATCH", path, {"auth": None}))["auth"] is None
        await publish(desk)
        got = await receiver.wait(3)
        sent = [[value for name, value in one.headers if name == "authorization"] for one in got]
        assert sent == [["Bearer first"], ["Bearer second"], []]
        audit = json.dumps(await desk.good("GET", "/audit"))
        faults = await desk.call("PATCH", path, {"auth": {"type": "basic", "username": "a:b", "more": "x"}})
        found = {(one["pointer"], one["code"]) for one in faults.json["errors"]}
    assert found == {("/auth/password", "required"), ("/auth/username", "value"), ("/auth/more", "unknown_member")}
    assert "bearer" in audit
    assert "first" not in audit
    assert "second" not in audit
