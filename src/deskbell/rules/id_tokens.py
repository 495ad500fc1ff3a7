"""ID tokens: signed by a key of the provider's own set, then every claim. No token says where its key is found."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ALGORITHMS = ("RS256", "ES256", "EdDSA")
LEEWAY_S = 60
_TOKEN_CHARS_MAX = 65_536
_SUBJECT_CHARS_MAX = 255
_KINDS = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}


class TokenRefused(Exception):
    """The token is not what the provider would have given us for this login; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the token must say."""

    issuer: str
    client_id: str
    nonce: str


def is_available() -> bool:
    """Whether the library that checks signatures is installed: deskbell[sso]."""
    try:
        import joserfc  # noqa: F401  # only whether it is there
    except ModuleNotFoundError:
        return False
    return True


def read_id_token(text: str, key_set: Mapping[str, Any], expected: Expected, now_s: float) -> Mapping[str, Any]:
    """The claims. Raises TokenRefused for whatever is wrong."""
    claims = _verified(text, key_set)
    fault = claim_fault(claims, expected, now_s)
    if fault is not None:
        raise TokenRefused(fault)
    return claims


def _verified(text: str, key_set: Mapping[str, Any]) -> Mapping[str, Any]:
    from joserfc import jwk, jwt
    from joserfc.errors import JoseError, SecurityWarning

    if len(text) > _TOKEN_CHARS_MAX:
        raise TokenRefused("it is too long")
    keys = [one for one in key_set.get("keys", ()) if _can_sign(one)]
    if not keys:
        raise TokenRefused("the provider publishes no key that it could be signed with")
    try:
        found = jwk.KeySet.import_key_set({"keys": keys})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # EdDSA has a new name, which providers do not use yet
            return dict(jwt.decode(text, found, algorithms=list(ALGORITHMS)).claims)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as fault:
        raise TokenRefused(f"its signature is not one of the provider's ({type(fault).__name__})") from None


def _can_sign(key: Any) -> bool:
    """Public keys for signatures of the algorithms that are taken; never a shared secret."""
    if not isinstance(key, dict) or key.get("kty") not in _KINDS or key.get("use", "sig") != "sig":
        return False
    curve = {"EC": "P-256", "OKP": "Ed25519"}.get(key["kty"])
    return key.get("crv") == curve and key.get("alg", _KINDS[key["kty"]]) == _KINDS[key["kty"]]


def claim_fault(claims: Mapping[str, Any], expected: Expected, now_s: float) -> str | None:
    """What is wrong with the claims, None when nothing is."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    party = claims.get("azp", expected.client_id)
    if claims.get("iss") != expected.issuer:
        return "it is of another issuer"
    if (
        expected.client_id not in audiences
        or party != expected.client_id
        or (len(audiences) > 1 and "azp" not in claims)
    ):
        return "it is for another program"
    times: dict[str, Any] = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if not {"exp", "iat"} <= set(times) or not all(_is_time(one) for one in times.values()):
        return "it does not say from when to when it is good"
    if times["exp"] <= now_s - LEEWAY_S:
        return "it is over"
    if max(times["iat"], times.get("nbf", 0)) > now_s + LEEWAY_S:
        return "it is from the future"
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= _SUBJECT_CHARS_MAX:
        return "it does not say whom it is about"
    return None


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53


def has_nonce(claims: Mapping[str, Any], nonce: str) -> bool:
    """Whether it was made for this login."""
    return bool(nonce) and claims.get("nonce") == nonce


def document_of(body: bytes) -> dict[str, Any]:
    """A JSON object of the provider. Raises ValueError for anything else."""
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found
