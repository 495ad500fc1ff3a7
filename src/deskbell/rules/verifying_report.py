"""The signature report: of every scheme that is present, the first sentence that holds and what to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from deskbell.rules.signing import SigningKey, decode_secret
from deskbell.rules.verifying import (
    HEADER_NAMES,
    TOLERANCE_S,
    Finding,
    Headers,
    Stamp,
    match,
    read_secrets,
    read_stamp,
    stale,
)
from deskbell.rules.verifying_mistakes import body_alone, changed_bytes, first_difference, signed_bytes, wrong_key
from deskbell.rules.verifying_schemes import OTHER_SCHEMES, judge_scheme

SIGNED_CHARS_MAX = 2_000

_WRONG_KEY = {
    "secret_as_text": "The secret was used as text. Remove `whsec_`, base64-decode the rest: those bytes are the key.",
    "prefix_left_on": "The prefix `whsec_` was left on. Remove it, base64-decode the rest: those bytes are the key.",
    "signature_hex": "The signature is read or written as hex. Standard Webhooks base64-encodes the bytes of the HMAC.",
}


@dataclass(frozen=True, kw_only=True)
class OtherSecret:
    """A secret of another webhook of the site."""

    webhook: str  # how people know it: description or id
    secret: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the judgement may use."""

    secrets: tuple[str, ...]  # the webhook's, the current one first
    keys: tuple[SigningKey, ...]
    valid_until: tuple[str | None, ...]
    others: tuple[OtherSecret, ...]
    now_s: float
    tolerance_s: float


def report(
    headers: Headers,
    body: bytes,
    secrets: Sequence[str],
    now_s: float,
    *,
    valid_until: Sequence[str | None] = (),
    others: Sequence[OtherSecret] = (),
    tolerance_s: float = TOLERANCE_S,
) -> tuple[Finding, ...]:
    """A finding for each scheme whose headers came, Standard Webhooks first; never empty.

    `secrets` are the webhook's, the current one first; `valid_until` (ISO texts or None) belong to them in order.
    """
    pairs = [(name.lower(), value) for name, value in _pairs(headers)]
    keys = read_secrets(secrets)
    if isinstance(keys, Finding):
        return (keys,)
    known = Known(
        secrets=tuple(secrets),
        keys=keys,
        valid_until=tuple(valid_until),
        others=tuple(one for one in others if decode_secret(one.secret) is not None),
        now_s=now_s,
        tolerance_s=tolerance_s,
    )
    findings = [
        judge_scheme(name, value, body, keys, now_s, tolerance_s) for name, value in pairs if name in OTHER_SCHEMES
    ][: len(OTHER_SCHEMES)]
    if findings and not any(name in HEADER_NAMES for name, _ in pairs):
        return tuple(findings)
    return (_standard(pairs, body, known), *findings)


def _pairs(headers: Headers) -> list[tuple[str, str]]:
    return list(headers.items() if isinstance(headers, Mapping) else headers)


def _standard(pairs: list[tuple[str, str]], body: bytes, known: Known) -> Finding:
    """The first sentence that holds for Standard Webhooks."""
    stamp = read_stamp(pairs)
    if isinstance(stamp, Finding):
        return stamp
    difference_s = known.now_s - stamp.ts
    index = match(stamp, body, known.keys)
    if index is not None and abs(difference_s) > known.tolerance_s:
        return stale(stamp, index, difference_s)
    if index is not None:
        return _valid(stamp, index, difference_s, known)
    found = _other_webhook(stamp, body, known) or _mistake(stamp, body, known) or _changed(stamp, body, known)
    found = found or _nothing(stamp, body, known)
    return replace(found, clock_difference_s=difference_s, message_id=stamp.message_id)


def _valid(stamp: Stamp, index: int, difference_s: float, known: Known) -> Finding:
    until = known.valid_until[index] if index < len(known.valid_until) else None
    which = "the current secret" if index == 0 else "the previous secret" + (f" (valid until {until})" if until else "")
    return Finding(
        valid=True,
        name="valid",
        text=f"Valid with {which}; clock difference {difference_s:.0f} s.",
        secret_index=index,
        clock_difference_s=difference_s,
        message_id=stamp.message_id,
    )


def _other_webhook(stamp: Stamp, body: bytes, known: Known) -> Finding | None:
    for other in known.others:
        if match(stamp, body, (SigningKey(other.secret),)) is not None:
            text = f"Signed for the webhook {other.webhook}: this URL is registered there too. Use that secret for it."
            return _invalid("other_webhook", text)
    return None


def _mistake(stamp: Stamp, body: bytes, known: Known) -> Finding | None:
    for secret in known.secrets:
        if (kind := wrong_key(stamp, body, secret)) is not None:
            return _invalid(kind, _WRONG_KEY[kind])
    if any(body_alone(stamp, body, secret) for secret in known.secrets):
        text = "The body alone was signed. The signed text is `id.timestamp.body`, with the two header values in front."
        return _invalid("body_alone", text)
    return None


def _changed(stamp: Stamp, body: bytes, known: Known) -> Finding | None:
    for happened, before in changed_bytes(body):
        if match(stamp, before, known.keys) is not None:
            at = first_difference(before, body)
            text = (
                f"Something on the way changed the bytes: {happened}. Verify the raw body before parsing it. "
                f"The first byte that differs is number {at}."
            )
            return replace(_invalid("bytes_changed", text), differs_at=at)
    return None


def _nothing(stamp: Stamp, body: bytes, known: Known) -> Finding:
    text = "Not signed by this webhook, or the body, the id or the time were changed."
    return replace(
        _invalid("no_match", text),
        signed_text=signed_bytes(stamp, body)[:SIGNED_CHARS_MAX].decode("utf-8", "replace"),
        expected=known.keys[0].v1(stamp.message_id, stamp.ts, body),
        received=" ".join(stamp.entries),
    )


def _invalid(name: str, text: str) -> Finding:
    return Finding(valid=False, name=name, text=text)
