"""Judging the schemes besides Standard Webhooks: the seed system's own, GitHub style, Stripe style.

All three are keyed by the secret's text, `whsec_` included, and two of them sign the body alone.
"""

import hmac
import re
from collections.abc import Callable, Sequence
from functools import partial

from deskbell.rules.signing import SigningKey
from deskbell.rules.verifying import Finding
from deskbell.rules.verifying_mistakes import changed_bytes, first_difference

OTHER_SCHEMES = ("x-dd-signature", "x-hub-signature-256", "stripe-signature")
_STRIPE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-fA-F]{64})(?:,.*)?")


def judge_scheme(
    scheme: str, value: str, body: bytes, keys: Sequence[SigningKey], now_s: float, tolerance_s: float
) -> Finding:
    """The finding for one of OTHER_SCHEMES; `keys` the webhook's, the current one first."""
    if scheme != "stripe-signature":
        return _over_body(scheme, value, body, keys)
    read = _STRIPE.fullmatch(value)
    if read is None:
        return _refused(scheme, "signature_form", "The header stripe-signature is not `t=seconds,v1=hex`.")
    ts, signature = int(read[1]), f"t={read[1]},v1={read[2].lower()}"
    index = _first(keys, signature, lambda key: (key.stripe(ts, body),))
    if index is None:
        return _nothing(scheme, value, keys[0].stripe(ts, body))
    difference_s = now_s - ts
    if abs(difference_s) > tolerance_s:
        text = f"Genuine, but its time differs by {difference_s:.0f} s from the clock here."
        return Finding(
            valid=False,
            name="too_old" if difference_s > 0 else "too_new",
            text=text,
            scheme=scheme,
            secret_index=index,
            clock_difference_s=difference_s,
        )
    return _valid(scheme, index)


def _over_body(scheme: str, value: str, body: bytes, keys: Sequence[SigningKey]) -> Finding:
    prefix, _, signature = value.partition("=")
    if prefix != "sha256" or not signature:
        return _refused(scheme, "signature_form", f"The header {scheme} does not begin with `sha256=`.")
    given = value.lower() if re.fullmatch(r"[0-9a-fA-F]{64}", signature) else value
    index = _first(keys, given, partial(_spellings, scheme, body))
    if index is not None:
        return _valid(scheme, index)
    for happened, before in changed_bytes(body):
        if _first(keys, given, partial(_spellings, scheme, before)) is not None:
            return Finding(
                valid=False,
                name="bytes_changed",
                text=f"Something on the way changed the bytes: {happened}. Verify the raw body before parsing it.",
                scheme=scheme,
                differs_at=first_difference(before, body),
            )
    return _nothing(scheme, value, keys[0].github(body))


def _spellings(scheme: str, body: bytes, key: SigningKey) -> tuple[str, ...]:
    if scheme == "x-hub-signature-256":
        return (key.github(body),)
    return tuple(one for one in (key.dd(body, "hex"), key.dd(body, "base64")) if one is not None)


def _first(keys: Sequence[SigningKey], given: str, made: Callable[[SigningKey], tuple[str, ...]]) -> int | None:
    received = given.encode("utf-8", "surrogatepass")
    for index, key in enumerate(keys):
        if any(hmac.compare_digest(one.encode("ascii"), received) for one in made(key)):
            return index
    return None


def _valid(scheme: str, index: int) -> Finding:
    which = "current" if index == 0 else "previous"
    return Finding(valid=True, name="valid", text=f"Valid with the {which} secret.", scheme=scheme, secret_index=index)


def _nothing(scheme: str, received: str, expected: str) -> Finding:
    text = "Not signed by this webhook with its current secret, or the body was changed."
    return Finding(valid=False, name="no_match", text=text, scheme=scheme, expected=expected, received=received)


def _refused(scheme: str, name: str, text: str) -> Finding:
    return Finding(valid=False, name=name, text=text, scheme=scheme)
