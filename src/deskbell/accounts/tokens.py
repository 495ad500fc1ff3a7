"""Tokens: random texts that are credentials; only their SHA-256 is stored."""

import base64
import hashlib

from deskbell.model.ids import Prefix, make_id
from deskbell.model.instant import unix_ms
from deskbell.ports import Clock, Random

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY_PREFIX = "dbk_"
LOOKUP_CHARS = 8
_KEY_CHARS = 43
_TOKEN_BYTES = 32


def new_token(random: Random) -> str:
    """256 random bits, safe in URLs and cookies."""
    return base64.urlsafe_b64encode(random.secret(_TOKEN_BYTES)).decode().rstrip("=")


def new_key(random: Random) -> str:
    """`dbk_` + 8 characters to look it up by + `_` + 43 characters that nobody can guess."""
    number = int.from_bytes(random.secret(48))
    letters = []
    for _ in range(LOOKUP_CHARS + _KEY_CHARS):
        number, digit = divmod(number, 62)
        letters.append(_BASE62[digit])
    text = "".join(letters)
    return f"{KEY_PREFIX}{text[:LOOKUP_CHARS]}_{text[LOOKUP_CHARS:]}"


def lookup_of(key: str) -> str | None:
    """The look-up part of a key's text; None when it has not the form of a key."""
    rest = key.removeprefix(KEY_PREFIX)
    formed = len(rest) == LOOKUP_CHARS + 1 + _KEY_CHARS and rest[LOOKUP_CHARS] == "_" and key.startswith(KEY_PREFIX)
    return rest[:LOOKUP_CHARS] if formed and rest.replace("_", "", 1).isalnum() and key.isascii() else None


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def fresh_id(prefix: Prefix, clock: Clock, random: Random) -> str:
    """A fresh id."""
    return make_id(prefix, unix_ms=unix_ms(clock.now()), chance=random.bits(74))
