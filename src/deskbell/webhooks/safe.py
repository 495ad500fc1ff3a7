"""Sealing and opening what a webhook keeps secret: URL, own header values, signing secrets."""

import json
from collections.abc import Mapping

from deskbell.model.credential import AuthKind, SealedAuth, SealedCertificate
from deskbell.model.errors import KeyringFault
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.webhook import SealedUrl, Secret, Webhook
from deskbell.ports import Random
from deskbell.rules.credentials import ReadCertificate, shown_members
from deskbell.rules.sealed_fields import AUTH_FIELD, CERTIFICATE_FIELD, URL_FIELD, header_field
from deskbell.rules.sealing import NONCE_BYTES, TAG_BYTES, Keyring, aad_field, aad_secret
from deskbell.rules.urls import ReceiverUrl, mask_url


class Safe:
    """The keyring with a fresh nonce for each record."""

    def __init__(self, keyring: Keyring, random: Random) -> None:
        self._keyring = keyring
        self._random = random

    def seal_url(self, site: SiteId, webhook_id: WebhookId, url: ReceiverUrl) -> SealedUrl:
        """The URL at rest, with what lists may show beside it."""
        return SealedUrl(
            sealed=self._seal(url.text, aad_field(site, webhook_id, URL_FIELD)),
            masked=mask_url(url.text),
            host=url.host,
            fingerprint=self._keyring.fingerprint(url.text),
        )

    def open_url(self, webhook: Webhook) -> str:
        """The canonical URL in full. Raises KeyringFault."""
        aad = aad_field(webhook.site, webhook.id, URL_FIELD)
        return self._keyring.open(webhook.receiver_url.sealed, aad).decode()

    def seal_headers(self, site: SiteId, webhook_id: WebhookId, headers: Mapping[str, str]) -> dict[str, bytes]:
        """Own headers with sealed values."""
        return {
            name: self._seal(text, aad_field(site, webhook_id, header_field(name))) for name, text in headers.items()
        }

    def seal_auth(self, site: SiteId, webhook_id: WebhookId, auth: Mapping[str, str], token_url: str) -> SealedAuth:
        """The settings of an Authorization header at rest; `token_url` is the canonical one, or empty."""
        members = {**auth, "tokenUrl": token_url} if token_url else dict(auth)
        shown = {**({"tokenUrl": mask_url(token_url)} if token_url else {}), **shown_members(auth)}
        sealed = self._seal(json.dumps(members), aad_field(site, webhook_id, AUTH_FIELD))
        return SealedAuth(kind=AuthKind(auth["type"]), sealed=sealed, shown=shown)

    def seal_certificate(
        self, site: SiteId, webhook_id: WebhookId, given: Mapping[str, str], read: ReadCertificate
    ) -> SealedCertificate:
        """A client certificate with its key at rest."""
        text = json.dumps({"certificate": given["certificate"], "key": given["key"]})
        return SealedCertificate(
            sealed=self._seal(text, aad_field(site, webhook_id, CERTIFICATE_FIELD)),
            subject=read.subject,
            expires_at=read.expires_at,
            fingerprint=read.fingerprint,
        )

    def seal_secret(self, site: SiteId, webhook_id: WebhookId, secret_id: str, text: str) -> bytes:
        """A signing secret at rest."""
        return self._seal(text, aad_secret(site, webhook_id, secret_id))

    def open_secret(self, secret: Secret) -> str:
        """A signing secret in clear. Raises KeyringFault."""
        return self._keyring.open(secret.sealed, aad_secret(secret.site, secret.webhook_id, secret.id)).decode()

    def has_url(self, webhook: Webhook, url: ReceiverUrl) -> bool:
        """Whether a webhook sends to this URL; its fingerprint would not tell once the key that made it is gone."""
        try:
            return webhook.receiver_url.host == url.host and self.open_url(webhook) == url.text
        except KeyringFault:
            return False

    def _seal(self, text: str, aad: bytes) -> bytes:
        return self._keyring.seal(text.encode(), aad, self._random.secret(NONCE_BYTES))


def value_bytes(record: bytes) -> int:
    """How long a sealed value is in clear; known without opening it."""
    return len(record) - (2 + record[1] + NONCE_BYTES + TAG_BYTES)
