"""Verifying a Standard Webhooks signature. Standard library only, because receivers use it through the SDK.

Nothing here raises: whatever the headers hold, the answer is a finding.
"""

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deskbell.rules.signing import SigningKey, decode_secret

HEADER_NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")
TOLERANCE_S = 300
ENTRIES_MAX = 10
_TIMESTAMP = re.compile(r"[0-9]{1,12}")

Headers = Mapping[str, str] | Iterable[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What came of verifying one request."""

    valid: bool
    name: str  # stable word: valid, header_missing, header_repeated, no_match, too_old …
    text: str  # one or two sentences for people
    scheme: str = "webhook-signature"  # the header that was judged
    secret_index: int | None = None  # which of the secrets matched, 0 = the first
    clock_difference_s: float | None = None  # our clock minus the timestamp; positive = sent in the past
    message_id: str | None = None
    signed_text: str | None = None  # what must have been signed, cut, when nothing matches
    expected: str | None = None
    received: str | None = None
    differs_at: int | None = None  # first differing byte of the body, when bytes were changed on the way


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """The three headers, read."""

    message_id: str
    ts: int  # Unix seconds
    entries: tuple[str, ...]  # of webhook-signature, every version


def verify_signature(
    headers: Headers, body: bytes, secrets: Sequence[str], now_s: float, tolerance_s: float = TOLERANCE_S
) -> Finding:
    """Judge a request by its raw body; `secrets` are texts, the current one first, `now_s` is Unix seconds."""
    keys = read_secrets(secrets)
    if isinstance(keys, Finding):
        return keys
    stamp = read_stamp(headers)
    if isinstance(stamp, Finding):
        return stamp
    index = match(stamp, body, keys)
    difference_s = now_s - stamp.ts
    if index is None:
        return Finding(
            valid=False,
            name="no_match",
            text="The signature was not made with any of these secrets, or body, id or time were changed.",
            clock_difference_s=difference_s,
            message_id=stamp.message_id,
        )
    if abs(difference_s) > tolerance_s:
        return stale(stamp, index, difference_s)
    return Finding(
        valid=True,
        name="valid",
        text="The signature is valid.",
        secret_index=index,
        clock_difference_s=difference_s,
        message_id=stamp.message_id,
    )


def stale(stamp: Stamp, index: int, difference_s: float) -> Finding:
    """A genuine signature outside the time that is tolerated."""
    past = difference_s > 0
    when = f"{abs(difference_s):.0f} s {'ago' if past else 'in the future'}"
    why = "a stored request was sent again, or a clock is wrong" if past else "one of the clocks is wrong"
    return Finding(
        valid=False,
        name="too_old" if past else "too_new",
        text=f"Genuine, but sent {when}: {why}. "
        f"The request says {stamp.ts}, the clock here says {stamp.ts + difference_s:.0f} (Unix seconds).",
        secret_index=index,
        clock_difference_s=difference_s,
        message_id=stamp.message_id,
    )


def read_secrets(secrets: Sequence[str]) -> tuple[SigningKey, ...] | Finding:
    """The secrets prepared, or the refusal of the first that is none."""
    if not secrets:
        return _refused("secret_missing", "No signing secret was given. Copy it from Display detail of the webhook.")
    for position, secret in enumerate(secrets, 1):
        if decode_secret(secret) is None:
            which = "The signing secret" if len(secrets) == 1 else f"Signing secret number {position}"
            return _refused(
                "secret_form", f"{which} is not `whsec_` and base64 of 24 to 64 bytes. Copy it again, whole."
            )
    return tuple(SigningKey(secret) for secret in secrets)


def read_stamp(headers: Headers) -> Stamp | Finding:
    """The three headers, each exactly once; names in any case."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    found: dict[str, list[str]] = {name: [] for name in HEADER_NAMES}
    for name, value in pairs:
        if (lower := name.lower()) in found:
            found[lower].append(value)
    missing = [name for name in HEADER_NAMES if not found[name]]
    if missing:
        return _refused("header_missing", f"The request has no header {' and no '.join(missing)}.")
    repeated = [name for name in HEADER_NAMES if len(found[name]) > 1]
    if repeated:
        return _refused("header_repeated", f"The header {' and '.join(repeated)} stands more than once.")
    return _stamp(*(found[name][0] for name in HEADER_NAMES))


def match(stamp: Stamp, body: bytes, keys: Sequence[SigningKey]) -> int | None:
    """Which key made one of the `v1` entries. Every entry is compared with every key, in constant time."""
    hit: int | None = None
    given = [entry.encode("utf-8", "surrogatepass") for entry in stamp.entries if entry.startswith("v1,")]
    for index, key in enumerate(keys):
        expected = key.v1(stamp.message_id, stamp.ts, body).encode("ascii")
        for entry in given:
            if hmac.compare_digest(expected, entry) and hit is None:
                hit = index
    return hit


def _stamp(message_id: str, timestamp: str, signature: str) -> Stamp | Finding:
    if not message_id or "." in message_id or not _encodable(message_id):
        return _refused("id_form", "The header webhook-id is empty, holds a dot, or cannot be read.")
    if _TIMESTAMP.fullmatch(timestamp) is None:
        return _refused("timestamp_form", "The header webhook-timestamp is not Unix seconds in 1 to 12 digits.")
    if signature.count(" ") >= 2 * ENTRIES_MAX:
        return _refused("signature_many", f"The header webhook-signature has more than {ENTRIES_MAX} entries.")
    entries = tuple(entry for entry in signature.split(" ") if entry)
    if len(entries) > ENTRIES_MAX:
        return _refused("signature_many", f"The header webhook-signature has more than {ENTRIES_MAX} entries.")
    if not any(entry.startswith("v1,") and len(entry) > len("v1,") for entry in entries):
        return _refused("signature_form", "The header webhook-signature has no entry `v1,` followed by base64.")
    return Stamp(message_id=message_id, ts=int(timestamp), entries=entries)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refused(name: str, text: str) -> Finding:
    return Finding(valid=False, name=name, text=text)
