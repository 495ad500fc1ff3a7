"""What is masked before it is stored or logged: secrets in responses, header values, log lines."""

import html
import json
import re
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import quote

from deskbell.rules.redacting_paths import Paths, mask_paths
from deskbell.rules.secret_patterns import MASK, is_secret_name, scrub

__all__ = ["MASK", "mask_headers", "mask_own", "redact", "redact_json", "scrub", "scrub_log"]

_HINTS = ("pass", "pwd", "secret", "token", "authoriz", "key", "credential", "card", "cvv", "cvc", "iban", "ssn", "pin")
"""A text without any of these holds no secret name, so most responses are done after one look."""

_NAME = r"[A-Za-z0-9_.:-]{2,64}"
_MEMBER = re.compile(
    rf'("({_NAME})"\s*:\s*)("(?:[^"\\]|\\.)*+(?:"|\\?\Z)|-?[0-9][0-9.eE+-]*|\[[^\[\]{{}}]*(?:\]|\Z))', re.DOTALL
)
_ESCAPED_MEMBER = re.compile(rf'((\\+")({_NAME})\2\s*:\s*\2)[^"\\]+')
_PAIR = re.compile(rf"(?<![A-Za-z0-9_.:-])(({_NAME})=)[^&\s\"'<>;]+")
_ELEMENT = re.compile(rf"(<({_NAME})(?:\s[^<>]*)?>)[^<]+(?=<|\Z)")
_PLAIN = re.compile(r"[A-Za-z0-9._~-]*", re.ASCII)
_PREFIX = "whsec_"
_SECRET_CHARS_MIN = 4
_LINK = re.compile(r"(/(?:setup|invite|reset|desk/client|bin|sim)/)[A-Za-z0-9_-]{8,}", re.ASCII)
_URL = re.compile(r"(https?://)(?:[^\s/\"'<>@]*@)?([^\s/?#\"'<>]+)[/?#][^\s\"'<>]{12,}", re.ASCII | re.IGNORECASE)


def redact(body: bytes, secrets: Sequence[str] = ()) -> bytes:
    """A response as it may be stored: known secrets, secret members, secret patterns and card numbers masked."""
    text = mask_own(body.decode("utf-8", "surrogateescape"), secrets)
    lowered = text.lower()
    if any(hint in lowered for hint in _HINTS):
        text = _mask_named(text)
    return scrub(text).encode("utf-8", "surrogateescape")


def redact_json(body: bytes, paths: Paths = ()) -> bytes:
    """As `redact`, and still JSON: what a mask would break, such as a card number without quotes, is masked whole."""
    masked = redact(mask_paths(body, paths))
    try:
        json.loads(masked)
    except ValueError:
        return json.dumps(MASK, ensure_ascii=False).encode()
    return masked


def mask_own(text: str, secrets: Sequence[str]) -> str:
    """A text without the webhook's own secrets, however they are spelt in it."""
    for secret in sorted(secrets, key=len, reverse=True):
        if _SECRET_CHARS_MIN <= len(secret) <= len(text) + len(_PREFIX):
            for spelling in _spellings(secret):
                text = text.replace(spelling, MASK)
    return text


def mask_headers(
    headers: Sequence[tuple[str, str]], secret_names: Collection[str] = (), secrets: Sequence[str] = ()
) -> tuple[tuple[str, str], ...]:
    """Headers as they may be stored: credentials and the webhook's own values masked."""
    hidden = {name.lower() for name in secret_names}
    return tuple(
        (name, MASK if name.lower() in hidden or is_secret_name(name) else scrub(mask_own(value, secrets)))
        for name, value in headers
    )


def _spellings(secret: str) -> Iterator[str]:
    """How a receiver that echoes a secret may write it: as it is, in JSON, in a URL, in HTML; bare of its prefix."""
    for text in (secret, secret.removeprefix(_PREFIX)):
        if len(text) < _SECRET_CHARS_MIN:
            continue
        yield text
        if not _PLAIN.fullmatch(text):
            in_json = json.dumps(text)[1:-1]
            yield in_json
            yield in_json.replace("/", r"\/")
            yield quote(text, safe="")
            yield quote(text)
            yield html.escape(text)


def _mask_named(text: str) -> str:
    """Values of members, form fields and elements whose name says that they are secret."""
    text = _MEMBER.sub(lambda found: f'{found[1]}"{MASK}"' if is_secret_name(found[2]) else found[0], text)
    if '\\"' in text:
        text = _ESCAPED_MEMBER.sub(lambda found: found[1] + MASK if is_secret_name(found[3]) else found[0], text)
    if "=" in text:
        text = _PAIR.sub(lambda found: found[1] + MASK if is_secret_name(found[2]) else found[0], text)
    if "<" in text:
        text = _ELEMENT.sub(lambda found: found[1] + MASK if is_secret_name(found[2]) else found[0], text)
    return text


def scrub_log(text: str) -> str:
    """As it may stand in a log line: besides secret patterns no full URL, and no personal link."""
    text = scrub(text)
    if "://" in text:
        text = _URL.sub(r"\1\2/…", text)
    return _LINK.sub(rf"\1{MASK}", text) if "/" in text else text
