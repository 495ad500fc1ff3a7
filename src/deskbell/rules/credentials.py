"""Credentials of a webhook for its receiver: which members they have, and what a client certificate must be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from deskbell.model.credential import AuthKind
from deskbell.model.errors import FaultAt
from deskbell.model.instant import Instant, from_seconds
from deskbell.rules.limits import Limits

AUTH, CERTIFICATE = "/auth", "/clientCertificate"
SECRET_MEMBERS = frozenset({"password", "token", "clientSecret"})
CLIENT_AUTHS = ("header", "body")
_VISIBLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_MEMBERS: Mapping[AuthKind, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        AuthKind.BASIC: (("username", "password"), ()),
        AuthKind.BEARER: (("token",), ()),
        AuthKind.OAUTH2: (("tokenUrl", "clientId", "clientSecret"), ("scope", "audience", "clientAuth")),
    }
)
"""Members that must be there, and those that may."""


@dataclass(frozen=True, kw_only=True)
class ReadCertificate:
    """What stands in a client certificate."""

    subject: str
    expires_at: Instant
    fingerprint: str


def check_auth(auth: Mapping[str, Any], limits: Limits) -> tuple[FaultAt, ...]:
    """Every fault of form of an `auth` object; its token URL is judged elsewhere, as any receiver URL."""
    kinds = ", ".join(AuthKind)
    if auth.get("type") not in list(AuthKind):
        return (FaultAt(pointer=f"{AUTH}/type", code="choice", detail=f"Choose one of {kinds}."),)
    required, optional = _MEMBERS[AuthKind(auth["type"])]
    faults = [
        FaultAt(pointer=f"{AUTH}/{name}", code="required", detail="This member is required.")
        for name in required
        if not auth.get(name)
    ]
    for name, value in auth.items():
        if name not in ("type", *required, *optional):
            faults.append(_fault(name, "unknown_member", f"{auth['type']} has no such member."))
        elif value and (detail := _detail(name, value, limits)):
            faults.append(_fault(name, "value", detail))
    return tuple(faults)


def _detail(name: str, value: Any, limits: Limits) -> str | None:
    """What is wrong with one member."""
    most = limits.header_value_chars_max
    if not isinstance(value, str):
        return "This must be a text."
    if len(value) > most:
        return f"At most {most:,} characters."
    if name == "clientAuth" and value not in CLIENT_AUTHS:
        return f"Choose one of {', '.join(CLIENT_AUTHS)}."
    if name == "username" and ":" in value:
        return "A user name for basic authentication holds no colon."
    if name == "token" and not _VISIBLE.fullmatch(value):
        return "A token has visible ASCII characters only, no spaces. Leave out the word Bearer."
    if not _PRINTABLE.fullmatch(value):
        return "This holds a control character or a line break."
    return None


def shown_members(auth: Mapping[str, str]) -> dict[str, str]:
    """The members of an `auth` object that are no secrets, without its type and token URL."""
    return {
        name: text for name, text in auth.items() if name not in SECRET_MEMBERS and name not in ("type", "tokenUrl")
    }


def read_certificate(given: Mapping[str, Any], now: Instant, limits: Limits) -> ReadCertificate | FaultAt:
    """A PEM certificate, its chain after it, with the key that belongs to it."""
    for name in ("certificate", "key"):
        text = given.get(name)
        if not isinstance(text, str) or not text.strip():
            return _at(name, "required", "Give the certificate and its key, both as PEM text.")
        if len(text) > limits.certificate_chars_max:
            return _at(name, "value", f"At most {limits.certificate_chars_max:,} characters.")
    if unknown := sorted(set(given) - {"certificate", "key"}):
        return _at(unknown[0], "unknown_member", "There is no such member.")
    try:
        first = x509.load_pem_x509_certificates(given["certificate"].encode())[0]
        ends = first.not_valid_after_utc
        subject = first.subject.rfc4514_string()
        public = first.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return _at("certificate", "pem", "This is no PEM certificate (-----BEGIN CERTIFICATE-----).")
    expires_at = from_seconds(ends.timestamp())
    if expires_at <= now:
        return _at("certificate", "expired", f"This certificate expired on {ends:%Y-%m-%d}.")
    try:
        key = load_pem_private_key(given["key"].encode(), password=None)
    except TypeError:
        return _at("key", "encrypted", "This key has a passphrase. Give it without; Deskbell stores it encrypted.")
    except (ValueError, UnsupportedAlgorithm):
        return _at("key", "pem", "This is no PEM private key (-----BEGIN PRIVATE KEY-----).")
    if key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != public:
        return _at("key", "pair", "This key does not belong to the certificate.")
    return ReadCertificate(
        subject=subject[:200], expires_at=expires_at, fingerprint=first.fingerprint(hashes.SHA256()).hex()
    )


def _fault(name: str, code: str, detail: str) -> FaultAt:
    return FaultAt(pointer=f"{AUTH}/{name.replace('~', '~0').replace('/', '~1')}", code=code, detail=detail)


def _at(name: str, code: str, detail: str) -> FaultAt:
    return FaultAt(pointer=f"{CERTIFICATE}/{name.replace('~', '~0').replace('/', '~1')}", code=code, detail=detail)
