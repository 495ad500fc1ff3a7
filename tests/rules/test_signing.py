"""Signatures against vectors and libraries that are not ours."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Library

from deskbell.rules import signing

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = signing.SigningKey(SECRET)


def test_vector_of_the_contract() -> None:
    """The published vector comes out."""
    made = signing.sign_v1(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(key=st.binary(min_size=24, max_size=64), body=st.text(max_size=200))
def test_the_library_signs_the_same(key: bytes, body: str) -> None:
    """For any secret of 24 to 64 bytes and any text, the other library makes the same signature."""
    secret = "whsec_" + base64.b64encode(key).decode()
    at = datetime.fromtimestamp(1_700_000_000, UTC)
    theirs = Library(secret).sign("dlv_1", at, body)
    assert signing.sign_v1(secret, "dlv_1", 1_700_000_000, body.encode()) == theirs


def test_dd_is_keyed_by_the_text() -> None:
    """The seed system's scheme takes the secret as shown, prefix included, over the raw body."""
    digest = hmac.new(SECRET.encode(), b"[]", hashlib.sha256)
    assert signing.sign_dd(SECRET, b"[]", "hex") == f"sha256={digest.hexdigest()}"
    assert signing.sign_dd(SECRET, b"[]", "base64") == f"sha256={base64.b64encode(digest.digest()).decode()}"
    assert signing.sign_dd(SECRET, b"[]", "off") is None
    assert signing.sign_github(SECRET, b"[]") == f"sha256={digest.hexdigest()}"


def test_stripe_signs_time_and_body() -> None:
    """The time in the header is the time that was signed."""
    expected = hmac.new(SECRET.encode(), b"17.[]", hashlib.sha256).hexdigest()
    assert signing.sign_stripe(SECRET, 17, b"[]") == f"t=17,v1={expected}"


@pytest.mark.parametrize("size", [24, 25, 26, 32, 64])
def test_secrets_of_every_allowed_size_pass(size: int) -> None:
    """24 to 64 bytes are taken, with or without padding in the base64."""
    assert signing.check_secret("whsec_" + base64.b64encode(b"k" * size).decode()) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_" + base64.b64encode(b"k" * 23).decode(),
        "whsec_" + base64.b64encode(b"k" * 65).decode(),
        "whsec_" + base64.b64encode(b"k" * 25).decode().rstrip("="),
        "whsec_" + base64.b64encode(b"k" * 25).decode()[:-3] + "x==",
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 24).decode(),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSẅ",
    ],
)
def test_other_secrets_are_refused(text: str) -> None:
    """Wrong prefix, size, alphabet or spelling is a fault at /secret."""
    fault = signing.check_secret(text)
    assert fault is not None
    assert (fault.pointer, fault.code) == ("/secret", "secret_form")
    with pytest.raises(ValueError, match="whsec_"):
        signing.SigningKey(text)


def test_new_secrets_hold_their_32_bytes() -> None:
    """A new secret is whsec_ and the random bytes."""
    made = signing.new_secret(bytes(range(32)))
    assert signing.decode_secret(made) == bytes(range(32))
    with pytest.raises(ValueError, match="32"):
        signing.new_secret(b"short")


def test_a_key_shows_only_its_fingerprint() -> None:
    """Neither text nor bytes of a secret appear when a key is printed."""
    assert signing.fingerprint(SECRET).startswith("…LaSw ")
    assert repr(KEY) == f"SigningKey({signing.fingerprint(SECRET)})"
    assert SECRET not in repr(KEY)
