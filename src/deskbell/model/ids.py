"""Identifiers: a prefix, then 26 characters of Crockford base 32 over a UUIDv7, so ids sort by time."""

import re
from typing import Literal, NewType

SiteId = NewType("SiteId", str)
EventId = NewType("EventId", str)
WebhookId = NewType("WebhookId", str)
DeliveryId = NewType("DeliveryId", str)
AttemptId = NewType("AttemptId", str)

Prefix = Literal[
    "evt", "whk", "dlv", "att", "key", "usr", "rpl", "bin", "cap", "tmr", "apr", "lgn", "sec", "frm", "pol",
    "rcp", "req", "lnk", "aud",
]  # fmt: skip

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_FORM = re.compile(r"[a-z]{3}_[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)
_RANDOM_BITS = 74


def make_id(prefix: Prefix, *, unix_ms: int, chance: int) -> str:
    """An id from the time and at least 74 random bits (more are cut)."""
    chance &= (1 << _RANDOM_BITS) - 1
    number = (unix_ms << 80) | (0x7 << 76) | ((chance >> 62) << 64) | (0b10 << 62) | (chance & ((1 << 62) - 1))
    pairs = _PAIRS
    return prefix + "_" + "".join(
        [
            pairs[number >> 120],
            pairs[number >> 110 & 1023],
            pairs[number >> 100 & 1023],
            pairs[number >> 90 & 1023],
            pairs[number >> 80 & 1023],
            pairs[number >> 70 & 1023],
            pairs[number >> 60 & 1023],
            pairs[number >> 50 & 1023],
            pairs[number >> 40 & 1023],
            pairs[number >> 30 & 1023],
            pairs[number >> 20 & 1023],
            pairs[number >> 10 & 1023],
            pairs[number & 1023],
        ]
    )  # fmt: skip


def is_id(text: str, prefix: Prefix) -> bool:
    """Whether the text has the form of an id with this prefix."""
    return text.startswith(prefix + "_") and _FORM.fullmatch(text) is not None


def shard_of(webhook_id: str) -> int:
    """The last 8 bits of the id's UUID: 0..255."""
    return (_VALUES[webhook_id[-2]] << 5 | _VALUES[webhook_id[-1]]) & 0xFF


def id_number(text: str) -> int:
    """The UUID inside an id, as a number of 128 bits."""
    number = 0
    for letter in text[-26:]:
        number = number << 5 | _VALUES[letter]
    return number


def id_unix_ms(text: str) -> int:
    """The time inside an id, Unix milliseconds."""
    return id_number(text) >> 80
