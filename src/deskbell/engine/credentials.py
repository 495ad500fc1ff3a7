"""A webhook's credentials in clear, as attempts need them."""

import json
from dataclasses import dataclass, field
from hashlib import sha256

from deskbell.model.credential import AuthKind, ClientIdentity, Grant
from deskbell.model.webhook import Webhook
from deskbell.rules.credentials import SECRET_MEMBERS
from deskbell.rules.sealed_fields import AUTH_FIELD, CERTIFICATE_FIELD
from deskbell.rules.sealing import Keyring, aad_field
from deskbell.rules.tokens import basic

_MARK_DIGITS = 32


@dataclass(frozen=True, kw_only=True)
class OpenedAuth:
    """Either a ready header value, or a grant by which one is fetched."""

    header: str | None = field(default=None, repr=False)
    grant: Grant | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)  # what redaction looks for


def open_auth(webhook: Webhook, keyring: Keyring) -> OpenedAuth | None:
    """The Authorization header's settings. Raises KeyringFault, or ValueError for what cannot be read."""
    if webhook.auth is None:
        return None
    aad = aad_field(webhook.site, webhook.id, AUTH_FIELD)
    members: dict[str, str] = json.loads(keyring.open(webhook.auth.sealed, aad))
    secrets = tuple(text for name, text in members.items() if name in SECRET_MEMBERS)
    if webhook.auth.kind is AuthKind.BASIC:
        value = basic(members["username"], members["password"])
        return OpenedAuth(header=value, secrets=(*secrets, value.removeprefix("Basic ")))
    if webhook.auth.kind is AuthKind.BEARER:
        return OpenedAuth(header=f"Bearer {members['token']}", secrets=secrets)
    grant = Grant(
        token_url=members["tokenUrl"],
        client_id=members["clientId"],
        client_secret=members["clientSecret"],
        scope=members.get("scope") or "",
        audience=members.get("audience") or "",
        client_auth=members.get("clientAuth") or "header",
    )
    return OpenedAuth(grant=grant, secrets=secrets)


def open_identity(webhook: Webhook, keyring: Keyring) -> ClientIdentity | None:
    """The client certificate with its key. Raises KeyringFault, or ValueError for what cannot be read."""
    if webhook.client_certificate is None:
        return None
    aad = aad_field(webhook.site, webhook.id, CERTIFICATE_FIELD)
    text = keyring.open(webhook.client_certificate.sealed, aad)
    members: dict[str, str] = json.loads(text)
    return ClientIdentity(
        chain=members["certificate"], key=members["key"], mark=sha256(text).hexdigest()[:_MARK_DIGITS]
    )
