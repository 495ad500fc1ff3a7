"""A webhook's secrets in clear, opened once and held in memory by the owner of its shard."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from deskbell.engine.credentials import open_auth, open_identity
from deskbell.model.credential import ClientIdentity, Grant
from deskbell.model.errors import KeyringFault
from deskbell.model.exchange import SendPolicy
from deskbell.model.instant import Instant
from deskbell.model.site import Site
from deskbell.model.webhook import Secret, Webhook
from deskbell.rules.limits import RETRY_SCHEDULE_S, Limits
from deskbell.rules.sealed_fields import URL_FIELD, header_field
from deskbell.rules.sealing import Keyring, aad_field, aad_secret
from deskbell.rules.signing import SigningKey, fingerprint
from deskbell.rules.urls import url_secrets

MASK = "••••"


@dataclass(frozen=True, kw_only=True)
class LiveKey:
    """One signing secret, ready to sign."""

    text: str
    key: SigningKey
    valid_until: Instant | None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What an attempt needs of the present webhook. `fault` is set when something could not be decrypted."""

    webhook: Webhook
    policy: SendPolicy
    schedule_s: tuple[int, ...]
    payload_bytes_max: int
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()  # own ones
    masked_headers: tuple[tuple[str, str], ...] = ()
    grant: Grant | None = None  # where the token for Authorization comes from
    identity: ClientIdentity | None = None  # shown in the TLS handshake
    keys: tuple[LiveKey, ...] = ()  # newest first
    newest_fingerprint: str | None = None
    redact: tuple[str, ...] = ()  # members of answers that the site has masked
    secrets: tuple[str, ...] = field(default=(), repr=False)  # what redaction looks for
    fault: str | None = None

    def live_keys(self, now: Instant) -> list[LiveKey]:
        """The secrets that sign now, newest first."""
        return [one for one in self.keys if one.valid_until is None or one.valid_until > now]


def open_webhook(webhook: Webhook, secrets: Sequence[Secret], site: Site, keyring: Keyring, limits: Limits) -> Opened:
    """Decrypt what attempts need; a fault is kept, not raised: it concerns this webhook alone."""
    try:
        return _with_secrets(_sealed(webhook, site, limits), secrets, keyring)
    except (KeyringFault, ValueError) as error:
        return unopened(webhook, site, limits, type(error).__name__)


def unopened(webhook: Webhook, site: Site, limits: Limits, fault: str) -> Opened:
    """A webhook whose secrets are not to be had: every attempt is a fault of ours."""
    text = f"the webhook's secrets could not be opened ({fault})"
    return replace(_sealed(webhook, site, limits), fault=text)


def _sealed(webhook: Webhook, site: Site, limits: Limits) -> Opened:
    return Opened(
        webhook=webhook,
        policy=SendPolicy(
            total_s=webhook.timeout_s or limits.attempt_timeout_s,
            response_bytes_max=limits.response_bytes_max,
            allowed_receivers=site.allowed_receivers,
        ),
        schedule_s=RETRY_SCHEDULE_S if webhook.retry_schedule_s is None else webhook.retry_schedule_s,
        payload_bytes_max=webhook.payload_bytes_max or limits.payload_bytes_max,
        redact=site.redact,
    )


def _with_secrets(sealed: Opened, secrets: Sequence[Secret], keyring: Keyring) -> Opened:
    webhook = sealed.webhook
    url = keyring.open(webhook.receiver_url.sealed, aad_field(webhook.site, webhook.id, URL_FIELD)).decode()
    headers = tuple(
        (name, keyring.open(value, aad_field(webhook.site, webhook.id, header_field(name))).decode())
        for name, value in webhook.headers.items()
    )
    auth = open_auth(webhook, keyring)
    if auth is not None and auth.header is not None:
        headers = (*headers, ("authorization", auth.header))
    masked = tuple((name, MASK) for name, _ in headers)
    identity = open_identity(webhook, keyring)
    texts = [keyring.open(one.sealed, aad_secret(one.site, one.webhook_id, one.id)).decode() for one in secrets]
    keys = tuple(
        LiveKey(text=text, key=SigningKey(text), valid_until=one.valid_until)
        for text, one in zip(texts, secrets, strict=True)
    )
    return Opened(
        webhook=webhook,
        policy=sealed.policy,
        schedule_s=sealed.schedule_s,
        payload_bytes_max=sealed.payload_bytes_max,
        redact=sealed.redact,
        url=url,
        headers=headers,
        masked_headers=masked if auth is None or auth.grant is None else (*masked, ("authorization", MASK)),
        grant=None if auth is None else auth.grant,
        identity=identity,
        keys=keys,
        newest_fingerprint=fingerprint(texts[0]) if texts else None,
        secrets=(*texts, *url_secrets(url), *(value for _, value in headers), *(() if auth is None else auth.secrets)),
    )
