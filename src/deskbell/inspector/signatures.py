"""The signature report of a capture: which secret fits, or why none does."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.inspector import Bin
from deskbell.model.instant import Instant, to_seconds
from deskbell.ports import Store
from deskbell.rules.verifying import Finding
from deskbell.rules.verifying_report import OtherSecret, report

SecretsOf = Callable[[SiteId, str], Awaitable[Sequence[str]]]
"""The secret texts of one webhook, the current one first."""

AllSecrets = Callable[[SiteId], Awaitable[Mapping[str, Sequence[str]]]]
"""The secret texts of every webhook of a site, by the webhook's id."""


class Signatures:
    """Verifies captures with the secrets of the bin's webhook, or of the webhook that the delivery names."""

    def __init__(self, *, store: Store, secrets_of: SecretsOf, all_secrets: AllSecrets) -> None:
        self._store = store
        self._secrets_of = secrets_of
        self._all_secrets = all_secrets

    async def check(
        self, row: Bin, delivery_id: str | None, headers: Sequence[tuple[str, str]], body: bytes, at: Instant
    ) -> Finding | None:
        """The first sentence of the report that holds; None when no webhook is known whose secret could verify."""
        webhook_id = row.webhook_id
        if webhook_id is None and delivery_id is not None:
            delivery = await self._store.deliveries.get(row.site, delivery_id)
            webhook_id = delivery.webhook_id if delivery else None
        secrets = await self._secrets_of(row.site, webhook_id) if webhook_id else ()
        if not secrets:
            return None
        finding = report(headers, body, secrets, to_seconds(at))[0]
        if finding.valid:
            return finding
        others = await self._others(row.site, webhook_id)  # all secrets of the site are opened for faults only
        return report(headers, body, secrets, to_seconds(at), others=others)[0]

    async def _others(self, site: SiteId, webhook_id: str | None) -> list[OtherSecret]:
        names = {one.id: one.description for one in await self._store.webhooks.all(site)}
        return [
            OtherSecret(webhook=names.get(WebhookId(other), other), secret=secret)
            for other, secrets in (await self._all_secrets(site)).items()
            if other != webhook_id
            for secret in secrets
        ]
