"""Identifiers of the desk's nouns: the seed's forms, and the keys by which people are named."""

import re

from deskbell.model.ids import SiteId, make_id
from deskbell.model.instant import Instant, unix_ms, unix_seconds
from deskbell.ports import Random

USER_ID = re.compile(r"([a-z][a-z0-9]{0,31})~([cm])~([1-9][0-9]{0,15})", re.ASCII)
CHAT_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
NUMBER_KEY = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)
EXTERNAL_KEY = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
ENTITY_ID_MAX = 10**16 - 1


def new_chat_id(at: Instant, random: Random) -> str:
    """`<unix seconds>-<4 upper-case hex>`; may collide, so the caller tries again when it exists."""
    return f"{unix_seconds(at)}-{random.bits(16):04X}"


def new_message_id(at: Instant, random: Random, user_id: str) -> str:
    """`<unix ms>-<2 hex>-<userId>`; may collide, so the caller tries again when it exists."""
    return f"{unix_ms(at)}-{random.bits(8):02x}-{user_id}"


def new_note_id(at: Instant, random: Random) -> str:
    """`<unix ms>-<8 hex>`, so that notes sort by time."""
    return f"{unix_ms(at)}-{random.bits(32):08x}"


def new_rule_id(at: Instant, random: Random) -> str:
    """`tmr_…` of a dwell rule."""
    return make_id("tmr", unix_ms=unix_ms(at), chance=random.bits(74))


def person_key(site: SiteId, letter: str, text: int | str) -> str:
    """The store's key of a person named by number, by `userId` of this site, or by another desk's own key."""
    text = str(text)
    found = USER_ID.fullmatch(text)
    if found and found[1] == site and found[2] == letter:
        return found[3]
    return text
