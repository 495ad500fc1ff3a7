"""Redaction: what a receiver echoes is masked in every spelling, and what only looks similar is left alone."""

import base64
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskbell.rules.redaction import MASK, mask_headers, redact, scrub
from deskbell.rules.secret_patterns import is_secret_name, passes_luhn
from deskbell.rules.urls import url_secrets

SECRET = "whsec_" + base64.b64encode(bytes(range(200, 232))).decode()
KEY = "dbk_abcdefgh_" + "Ab1" * 14 + "x"
CANARY = "canary-5f2e-value"


@pytest.mark.parametrize(
    "echo",
    [
        SECRET, SECRET.removeprefix("whsec_"), json.dumps({"h": SECRET}), json.dumps({"h": SECRET}).replace("/", r"\/"),
        quote(SECRET, safe=""), html.escape(f"<p>{SECRET}</p>"),
    ],
)  # fmt: skip
def test_own_secret_is_masked(echo: str) -> None:
    """The webhook's own secret is masked in each way in which a receiver may write it."""
    masked = redact(echo.encode(), [SECRET]).decode()
    assert MASK in masked
    assert not any(part in masked for part in (SECRET[6:], quote(SECRET[6:], safe=""), SECRET[6:].replace("/", r"\/")))


def test_own_header_value_is_masked_as_json_wrote_it() -> None:
    """A header value with quotes is found behind JSON's escapes."""
    assert redact(json.dumps({"x": 'a"b\\c<d'}).encode(), ['a"b\\c<d']).decode() == f'{{"x": "{MASK}"}}'


@pytest.mark.parametrize(
    "text",
    [
        f'{{"password":"{CANARY}"}}', f'{{"PassWord" : "{CANARY}"}}', f'{{"access_token":"{CANARY}"}}',
        f'{{"accessToken":"{CANARY}"}}', f'{{"client-secret":"{CANARY}"}}', f'{{"x-api-key":"{CANARY}"}}',
        f'{{"tokens":["{CANARY}","b"]}}', f'{{"authorization":"{CANARY}"}}', f'{{"passwd":"a\\"{CANARY}"}}',
        f'{{"token":"{CANARY}', f'{{"token":"{CANARY}\\', f'{{"m":"{{\\"password\\":\\"{CANARY}\\"}}"}}',
        f"grant_type=x&client_secret={CANARY}&y=1", f"<Password>{CANARY}</Password>", f'<token id="1">{CANARY}</token>',
        f"Authorization: Bearer {CANARY}", f"authorization: bearer  {CANARY}", f"Basic {CANARY}", f"DdApi {CANARY}",
        f"whsec_{CANARY}", f"whsk_{CANARY}", f"dbk_{CANARY}", f"key=whsec_{CANARY}",
    ],
)  # fmt: skip
def test_named_and_known_secrets_are_masked(text: str) -> None:
    """Members, form fields and elements with secret names, schemes and prefixes, cut off in the middle or not."""
    masked = redact(text.encode()).decode()
    assert CANARY not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    "text",
    [
        '{"ok":true,"id":"1586985009-627B","at":1586985009627}', '{"key":"title","author":"x","discard":"no"}',
        "Bearer authentication required", "WWW-Authenticate: Bearer token missing", "basic auth", "a bearer of news",
        '{"spinning":"a","passenger":"b","tokenType":"c"}', "0.4111111111111111", "4111111111111112",
        "14111111111111111", "+43 1 234 5678", "0000000000000000",
    ],
)  # fmt: skip
def test_similar_texts_stay(text: str) -> None:
    """What a person needs for the diagnosis is kept byte for byte."""
    assert redact(text.encode()) == text.encode()


@pytest.mark.parametrize(
    "card",
    ["4111111111111111", "5500 0000 0000 0004", "3400-0000-0000-009", "6011000000000004", "30000000000004",
     "4222222222222"],
)  # fmt: skip
def test_cards_are_masked(card: str) -> None:
    """Card numbers that pass their check digit are masked, spaces or hyphens inside or not."""
    assert passes_luhn(card)
    assert scrub(f"paid with {card}, thanks") == f"paid with {MASK}, thanks"
    assert scrub(f"No.{card}") == f"No.{MASK}"
    wrong = card[:-1] + str((int(card[-1]) + 1) % 10)
    assert scrub(wrong) == wrong


@given(st.binary(max_size=300), st.text(min_size=4, max_size=40))
def test_any_bytes_are_redacted(body: bytes, secret: str) -> None:
    """No response makes redaction fail, and a planted secret never survives."""
    if any("\ud800" <= letter <= "\udfff" for letter in secret) or secret in MASK:
        return
    masked = redact(body + secret.encode() + body, [secret])
    assert secret.encode() not in masked
    redact(body)
    scrub(body.decode("utf-8", "surrogateescape"))


def test_headers_are_masked() -> None:
    """Credentials by name and the webhook's own headers lose their value; in others, patterns are masked."""
    pairs = [("Set-Cookie", "a=b"), ("X-Team", "t"), ("X-Auth-Token", "t"), ("Server", f"x {KEY}"), ("Date", "today")]
    assert mask_headers(pairs, ["x-team"]) == (
        ("Set-Cookie", MASK), ("X-Team", MASK), ("X-Auth-Token", MASK), ("Server", f"x {MASK}"), ("Date", "today"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["api_key", "API-Key", "apiKeys", "signing.secret", "card_number", "cvv", "refreshToken"]
)
def test_secret_names(name: str) -> None:
    """Names are recognised in any usual spelling."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://a.example/", ()),
        ("https://a.example/hooks/incoming", ()),
        ("https://a.example/in/0123456789ab", ("/in/0123456789ab", "0123456789ab")),
        ("https://a.example/in?code=0123456789ab&a=1", ("/in?code=0123456789ab&a=1", "0123456789ab")),
        ("https://0123456789abcdef.example/in", ()),
    ],
)
def test_what_of_a_url_may_be_a_credential(url: str, found: tuple[str, ...]) -> None:
    """Long pieces of path and query, and the whole target with them; words and the host are none."""
    assert url_secrets(url) == found


def test_headers_lose_the_webhooks_own_secrets() -> None:
    """A receiver may give a secret back in a header of any name."""
    headers = (("x-echo", "key=own-value-1 and more"), ("location", "/in/0123456789ab"), ("server", "x"))
    masked = mask_headers(headers, secrets=("own-value-1", "0123456789ab"))
    assert masked == (("x-echo", f"key={MASK} and more"), ("location", f"/in/{MASK}"), ("server", "x"))
