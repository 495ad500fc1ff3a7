"""What makes a genuine signature look wrong: the known mistakes of senders, receivers and what lies between them."""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Iterator
from contextlib import suppress

from deskbell.rules.signing import PREFIX, decode_secret
from deskbell.rules.verifying import Stamp

_STRING_OR_SPACE = re.compile(rb'("(?:[^"\\]|\\.)*+")|[ \t\r\n]+', re.DOTALL)
_COMPACT_BYTES_MAX = 4_194_304


def wrong_key(stamp: Stamp, body: bytes, secret: str) -> str | None:
    """Which known misuse of this secret made the signature; None if none did.

    `secret_as_text`, `prefix_left_on` or `signature_hex`.
    """
    signed = signed_bytes(stamp, body)
    if _matches(stamp, hmac.digest(secret.encode(), signed, "sha256")):
        return "secret_as_text"
    if _matches(stamp, hmac.digest(secret.removeprefix(PREFIX).encode(), signed, "sha256")):
        return "secret_as_text"
    if any(_matches(stamp, hmac.digest(key, signed, "sha256")) for key in _prefix_left_on(secret)):
        return "prefix_left_on"
    key = decode_secret(secret)
    if key is not None and _matches_hex(stamp, hmac.digest(key, signed, "sha256")):
        return "signature_hex"
    return None


def body_alone(stamp: Stamp, body: bytes, secret: str) -> bool:
    """Whether the signature is over the body without id and timestamp."""
    key = decode_secret(secret)
    if key is None:
        return False
    digests = [hmac.digest(one, body, "sha256") for one in (key, secret.encode())]
    return any(_matches(stamp, digest) or _matches_hex(stamp, digest) for digest in digests)


def changed_bytes(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Bodies that this one may have been before something on the way wrote it anew; each with what happened."""
    if body.endswith((b"\n", b"\r")):
        yield "a line break was added at the end", body.rstrip(b"\r\n")
    else:
        yield "the line break at the end was removed", body + b"\n"
        yield "the line break at the end was removed", body + b"\r\n"
    if len(body) > _COMPACT_BYTES_MAX:
        return
    for one in _compact(body):
        if one != body:
            yield "the JSON was written anew", one


def _compact(body: bytes) -> Iterator[bytes]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return
    yield _STRING_OR_SPACE.sub(rb"\1", body)  # keeps the spelling of numbers and texts
    for ascii_only in (False, True):
        text = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))
        yield text.encode("utf-8", "replace")


def first_difference(before: bytes, after: bytes) -> int:
    """Position of the first byte that differs."""
    for position, (one, other) in enumerate(zip(before, after, strict=False)):
        if one != other:
            return position
    return min(len(before), len(after))


def signed_bytes(stamp: Stamp, body: bytes) -> bytes:
    """What a Standard Webhooks signature is over."""
    return b"%b.%d.%b" % (stamp.message_id.encode(), stamp.ts, body)


def _prefix_left_on(secret: str) -> Iterator[bytes]:
    """Keys of lenient decoders that were given the prefix too."""
    for letters in (secret.replace("-", "+").replace("_", "/"), secret.replace("_", "").replace("-", "")):
        bare = letters.rstrip("=")
        bare = bare[: len(bare) - (len(bare) % 4 == 1)]
        with suppress(binascii.Error, ValueError):
            yield base64.b64decode(bare + "=" * (-len(bare) % 4))


def _matches(stamp: Stamp, digest: bytes) -> bool:
    return _has_entry(stamp, base64.b64encode(digest).decode("ascii"))


def _matches_hex(stamp: Stamp, digest: bytes) -> bool:
    return _has_entry(stamp, digest.hex())


def _has_entry(stamp: Stamp, signature: str) -> bool:
    expected = f"v1,{signature}".encode("ascii")
    return any(hmac.compare_digest(expected, entry.encode("utf-8", "surrogatepass")) for entry in stamp.entries)
