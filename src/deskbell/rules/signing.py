"""Signatures of an attempt: Standard Webhooks, the seed system's own scheme, and two styles that are widely read.

Standard library only, because the SDK uses it in receivers. The Standard Webhooks key is the decoded secret; every
other scheme is keyed by the secret's text as shown, `whsec_` included.
"""

import base64
import binascii
import hashlib
import hmac

from deskbell.model.errors import FaultAt

PREFIX = "whsec_"
KEY_BYTES_MIN = 24
KEY_BYTES_MAX = 64
NEW_KEY_BYTES = 32


def new_secret(random32: bytes) -> str:
    """A signing secret over 32 random bytes."""
    if len(random32) != NEW_KEY_BYTES:
        raise ValueError(f"a new secret is made of {NEW_KEY_BYTES} random bytes, not {len(random32)}")
    return PREFIX + base64.b64encode(random32).decode("ascii")


def decode_secret(secret_text: str) -> bytes | None:
    """The key bytes; None unless the text is `whsec_` and canonical base64 of 24 to 64 bytes."""
    if not secret_text.startswith(PREFIX):
        return None
    encoded = secret_text[len(PREFIX) :]
    try:
        key = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    if base64.b64encode(key).decode("ascii") != encoded or not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        return None  # another spelling of the same bytes would sign differently as text
    return key


def check_secret(secret_text: str) -> FaultAt | None:
    """What is wrong with a secret that somebody brings along; None when it can be used."""
    if decode_secret(secret_text) is not None:
        return None
    detail = (
        f"A signing secret is `{PREFIX}` followed by base64 of {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes, "
        "padded with = where base64 needs it. Leave it out and one is made for you."
    )
    return FaultAt(pointer="/secret", code="secret_form", detail=detail)


def fingerprint(secret_text: str) -> str:
    """What may be shown and logged of a secret: its last 4 characters and 8 digits of its hash."""
    return f"…{secret_text[-4:]} {hashlib.sha256(secret_text.encode()).hexdigest()[:8]}"


class SigningKey:
    """A secret prepared once and used for every attempt."""

    __slots__ = ("_decoded", "_text", "fingerprint")

    def __init__(self, secret_text: str) -> None:
        """Raises ValueError when the text is no signing secret."""
        decoded = decode_secret(secret_text)
        if decoded is None:
            raise ValueError("not a signing secret: whsec_ and base64 of 24 to 64 bytes")
        self._decoded = decoded
        self._text = secret_text.encode("ascii")
        self.fingerprint = fingerprint(secret_text)

    def __repr__(self) -> str:
        return f"SigningKey({self.fingerprint})"

    def v1(self, message_id: str, ts: int, body: bytes) -> str:
        """The `v1,…` entry of `webhook-signature`; `ts` in Unix seconds."""
        signed = b"%b.%d.%b" % (message_id.encode(), ts, body)
        return "v1," + base64.b64encode(hmac.digest(self._decoded, signed, "sha256")).decode("ascii")

    def dd(self, body: bytes, encoding: str) -> str | None:
        """The value of `x-dd-signature`; encoding `hex`, `base64`, or `off` for None."""
        if encoding == "off":
            return None
        digest = hmac.digest(self._text, body, "sha256")
        return "sha256=" + (digest.hex() if encoding == "hex" else base64.b64encode(digest).decode("ascii"))

    def github(self, body: bytes) -> str:
        """The value of `x-hub-signature-256`."""
        return "sha256=" + hmac.digest(self._text, body, "sha256").hex()

    def stripe(self, ts: int, body: bytes) -> str:
        """The value of `stripe-signature`; `ts` in Unix seconds."""
        return f"t={ts},v1={hmac.digest(self._text, b'%d.%b' % (ts, body), 'sha256').hex()}"


def sign_v1(secret_text: str, message_id: str, ts: int, body: bytes) -> str:
    """`SigningKey.v1` for a single use."""
    return SigningKey(secret_text).v1(message_id, ts, body)


def sign_dd(secret_text: str, body: bytes, encoding: str) -> str | None:
    """`SigningKey.dd` for a single use."""
    return SigningKey(secret_text).dd(body, encoding)


def sign_github(secret_text: str, body: bytes) -> str:
    """`SigningKey.github` for a single use."""
    return SigningKey(secret_text).github(body)


def sign_stripe(secret_text: str, ts: int, body: bytes) -> str:
    """`SigningKey.stripe` for a single use."""
    return SigningKey(secret_text).stripe(ts, body)
