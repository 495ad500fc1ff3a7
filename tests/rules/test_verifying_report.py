"""The signature report says the first sentence that holds."""

import base64
import hashlib
import hmac
import json

import pytest

from deskbell.rules.signing import SigningKey, sign_v1
from deskbell.rules.verifying import Finding
from deskbell.rules.verifying_report import OtherSecret, report

CURRENT = "whsec_" + base64.b64encode(bytes(range(32))).decode()
PREVIOUS = "whsec_" + base64.b64encode(b"o" * 32).decode()
OTHER = OtherSecret(webhook="Teams of the night shift", secret="whsec_" + base64.b64encode(b"x" * 32).decode())
NOW = 1_700_000_000
BODY = b'{"a":1.50,"t":"x y"}'
KEY = SigningKey(CURRENT)


def headers(signature: str, ts: int = NOW) -> dict[str, str]:
    """The three headers with this signature."""
    return {"Webhook-Id": "dlv_1", "Webhook-Timestamp": str(ts), "Webhook-Signature": signature}


def found(signature: str, body: bytes = BODY, ts: int = NOW) -> Finding:
    """The report's only finding."""
    (finding,) = report(
        headers(signature, ts), body, [CURRENT, PREVIOUS], NOW, valid_until=[None, "2023-11-15T00:00Z"], others=[OTHER]
    )
    return finding


def hmac_v1(key: bytes, signed: bytes) -> bytes:
    """The HMAC of a sender or receiver that does it its own way."""
    return hmac.new(key, signed, hashlib.sha256).digest()


def b64(digest: bytes) -> str:
    """An entry of the signature header."""
    return "v1," + base64.b64encode(digest).decode()


SIGNED = b"dlv_1.%d.%b" % (NOW, BODY)


def test_valid_says_which_secret_and_the_clock_difference() -> None:
    """Current and previous are told apart, the previous one with its end."""
    current = found(KEY.v1("dlv_1", NOW - 7, BODY), ts=NOW - 7)
    assert (current.valid, current.text) == (True, "Valid with the current secret; clock difference 7 s.")
    previous = found(sign_v1(PREVIOUS, "dlv_1", NOW, BODY))
    assert previous.valid
    assert "previous secret (valid until 2023-11-15T00:00Z)" in previous.text


@pytest.mark.parametrize(("ts", "name"), [(NOW - 301, "too_old"), (NOW + 301, "too_new")])
def test_genuine_but_not_now(ts: int, name: str) -> None:
    """Both times are shown."""
    finding = found(KEY.v1("dlv_1", ts, BODY), ts=ts)
    assert (finding.valid, finding.name) == (False, name)
    assert str(ts) in finding.text
    assert str(NOW) in finding.text


def test_another_webhook_is_named() -> None:
    """A request of another webhook of the site says whose it is."""
    finding = found(sign_v1(OTHER.secret, "dlv_1", NOW, BODY))
    assert finding.name == "other_webhook"
    assert OTHER.webhook in finding.text


@pytest.mark.parametrize(
    ("signature", "name"),
    [
        (b64(hmac_v1(CURRENT.encode(), SIGNED)), "secret_as_text"),
        (b64(hmac_v1(CURRENT[6:].encode(), SIGNED)), "secret_as_text"),
        (b64(hmac_v1(base64.b64decode(CURRENT.replace("_", "/")[:48]), SIGNED)), "prefix_left_on"),
        ("v1," + hmac_v1(bytes(range(32)), SIGNED).hex(), "signature_hex"),
        (b64(hmac_v1(bytes(range(32)), BODY)), "body_alone"),
        ("v1," + hmac_v1(CURRENT.encode(), BODY).hex(), "body_alone"),
    ],
)
def test_known_mistakes_are_recognised(signature: str, name: str) -> None:
    """Each usual mistake has its own sentence."""
    finding = found(signature)
    assert (finding.valid, finding.name) == (False, name)


@pytest.mark.parametrize(
    ("sent", "came", "at"),
    [
        (BODY, BODY + b"\n", len(BODY)),
        (BODY, BODY + b"\r\n", len(BODY)),
        (BODY + b"\n", BODY, len(BODY)),
        (BODY, b'{ "a": 1.50,\n "t": "x y" }', 1),
        ('{"n":"ä"}'.encode(), b'{"n": "\\u00e4"}', 5),
        (b'{"n":"\\u00e4"}', '{"n":"ä"}'.encode(), 6),
    ],
)
def test_changed_bytes_are_recognised(sent: bytes, came: bytes, at: int) -> None:
    """A body written anew on the way is told, with the first byte that differs."""
    finding = found(KEY.v1("dlv_1", NOW, sent), body=came)
    assert (finding.name, finding.differs_at) == ("bytes_changed", at)


def test_nothing_matches_shows_what_was_expected() -> None:
    """The signed text, the expected and the received value are shown."""
    finding = found("v1,bm90IG91cnM=")
    assert finding.name == "no_match"
    assert finding.signed_text == SIGNED.decode()
    assert finding.expected == KEY.v1("dlv_1", NOW, BODY)
    assert finding.received == "v1,bm90IG91cnM="


def test_missing_headers_are_named() -> None:
    """A request without signature headers says which are missing."""
    (finding,) = report([("x", "y")], BODY, [CURRENT], NOW)
    assert finding.name == "header_missing"
    assert "webhook-id" in finding.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-DD-Signature", KEY.dd(BODY, "hex")),
        ("x-dd-signature", KEY.dd(BODY, "base64")),
        ("x-hub-signature-256", KEY.github(BODY)),
        ("stripe-signature", KEY.stripe(NOW, BODY)),
    ],
)
def test_other_schemes_are_judged_alone_and_beside(name: str, value: str) -> None:
    """A scheme that came alone is the whole report, else it follows Standard Webhooks."""
    (alone,) = report({name: value}, BODY, [CURRENT], NOW)
    assert (alone.valid, alone.scheme) == (True, name.lower())
    first, second = report({**headers("v1,bm8="), name: value}, BODY, [CURRENT], NOW)
    assert (first.valid, second.valid) == (False, True)


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("x-dd-signature", "nonsense", "signature_form"),
        ("x-dd-signature", "sha256=00", "no_match"),
        (
            "x-dd-signature",
            KEY.dd(json.dumps(json.loads(BODY), separators=(",", ":")).encode(), "hex"),
            "bytes_changed",
        ),
        ("stripe-signature", "t=1", "signature_form"),
        ("stripe-signature", f"t={NOW},v1={'0' * 64}", "no_match"),
        ("stripe-signature", KEY.stripe(NOW - 400, BODY), "too_old"),
    ],
)
def test_other_schemes_say_what_is_wrong(name: str, value: str, word: str) -> None:
    """Form, time, changed bytes and strangers are told apart."""
    (finding,) = report({name: value}, BODY, [CURRENT], NOW)
    assert (finding.valid, finding.name) == (False, word)


@pytest.mark.parametrize("body", [b"\xff" * 1000, b"[" * 200_000, b'"\\' * 200_000, b'{"a":"\\ud800"}', b""])
def test_hostile_bodies_end_in_a_finding(body: bytes) -> None:
    """No body makes the report raise or run away."""
    assert found("v1,bm8=", body=body).name == "no_match"
