"""How a webhook proves to its receiver who it is, beside signatures: at rest, and ready to be used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from deskbell.model.instant import Instant


class AuthKind(StrEnum):
    """What goes into the Authorization header."""

    BASIC = "basic"
    BEARER = "bearer"
    OAUTH2 = "oauth2"  # a token fetched by client credentials


@dataclass(frozen=True, kw_only=True)
class SealedAuth:
    """The settings of an Authorization header at rest."""

    kind: AuthKind
    sealed: bytes  # JSON of all members
    shown: Mapping[str, str]  # members that may be shown, under the names of the API; a token URL is masked


@dataclass(frozen=True, kw_only=True)
class SealedCertificate:
    """A client certificate at rest; what is clear here stands in the certificate, which is no secret."""

    sealed: bytes  # JSON of certificate chain and key, PEM
    subject: str
    expires_at: Instant
    fingerprint: str  # SHA-256 of the certificate, hex


@dataclass(frozen=True, kw_only=True)
class ClientIdentity:
    """A client certificate with its key, to be shown in a TLS handshake."""

    chain: str = field(repr=False)  # PEM, the own certificate first
    key: str = field(repr=False)  # PEM, not encrypted
    mark: str  # differs whenever certificate or key differ; connections are told apart by it


@dataclass(frozen=True, kw_only=True)
class Grant:
    """How a token is asked for: OAuth 2.0, client credentials."""

    token_url: str  # canonical
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    audience: str = ""
    client_auth: str = "header"  # header, body: where id and secret stand


@dataclass(frozen=True, kw_only=True)
class Token:
    """What a token server gave."""

    text: str = field(repr=False)
    good_for_s: float  # from the moment of its arrival
