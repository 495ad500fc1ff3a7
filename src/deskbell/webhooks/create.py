"""Registering a webhook, and the check that the form uses too."""

from typing import Any

from deskbell.model.account import Caller
from deskbell.model.audit import Origin
from deskbell.model.changes import Insert
from deskbell.model.credential import SealedAuth, SealedCertificate
from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.ids import SiteId, WebhookId, shard_of
from deskbell.model.instant import Instant
from deskbell.model.site import Site
from deskbell.model.webhook import Secret, Webhook
from deskbell.rules.credentials import read_certificate
from deskbell.rules.rehearsal import Told
from deskbell.rules.signing import NEW_KEY_BYTES, fingerprint, new_secret
from deskbell.rules.urls import ReceiverUrl, UrlRefused, parse_receiver_url
from deskbell.webhooks.answers import Created
from deskbell.webhooks.audit_view import MASK, as_json, webhook_view
from deskbell.webhooks.checks import check_spec, kind_warnings
from deskbell.webhooks.checks_content import content_members, told_of
from deskbell.webhooks.checks_credentials import check_credentials
from deskbell.webhooks.ground import Ground, actor_of, refusal_of
from deskbell.webhooks.spec import INVALID, POINTERS, WebhookSpec


class Create(Ground):
    """From settings to a webhook with its secret."""

    def check(self, spec: WebhookSpec, site: Site, told: Told) -> tuple[FaultAt, ...]:
        """Every fault of the settings of a new webhook; `told` has those of filter and template."""
        credentials = check_credentials(
            spec, site, self._policy, self._limits, self._kinds, now=self._clock.now(),
            scheme=scheme_of(spec.receiver_url or ""), header_names=spec.headers,
        )  # fmt: skip
        faults = (*check_spec(spec, site, self._policy, self._limits, self._kinds), *credentials, *told.faults)
        if spec.receiver_url is not None:
            return faults
        return (FaultAt(pointer=POINTERS["receiver_url"], code="required", detail="Enter the receiver's URL."), *faults)

    async def create(self, caller: Caller, spec: WebhookSpec, *, origin: Origin) -> Created:
        """A webhook; its secret is in this one answer. Raises Invalid with every fault at once."""
        site = await self._site(caller.site)
        told = told_of(spec, site, self._limits, await self._declared(site))
        faults = self.check(spec, site, told)
        if faults:
            raise Invalid(INVALID, faults=faults)
        url = self._parsed_url(spec.receiver_url or "", site)
        webhook = self._new_webhook(caller, spec, url)
        secret_text = spec.secret or new_secret(self._random.secret(NEW_KEY_BYTES))
        secret = self._new_secret(webhook, secret_text, self._clock.now())
        after = {**webhook_view(webhook), "secret": f"{MASK} {fingerprint(secret_text)}"}
        refused = await self._publish(
            caller,
            (Insert(row=webhook), Insert(row=secret)),
            self._entry(caller, origin, "webhook.create", webhook.id, after=as_json(after)),
            self._draft(caller, "webhook.created", webhook, None),
        )
        if refused is not None:
            raise refusal_of(refused)
        warnings = (*told.warnings, *kind_warnings(spec, self._kinds))
        return Created(webhook=webhook, secret_text=secret_text, url_text=url.text, warnings=warnings)

    async def warnings(self, site_id: SiteId, spec: WebhookSpec) -> tuple[FaultAt, ...]:
        """What is odd in settings that are not saved yet, for "Save anyway"; none when they have faults."""
        site = await self._site(site_id)
        told = told_of(spec, site, self._limits, await self._declared(site))
        return () if told.faults else (*told.warnings, *kind_warnings(spec, self._kinds))

    async def _declared(self, site: Site) -> dict[str, str]:
        """The declared custom types that have a sample."""
        found = await self._store.sites.custom_types(site.site)
        return {one.name: one.sample for one in found if one.sample is not None}

    def _parsed_url(self, text: str, site: Site) -> ReceiverUrl:
        found = parse_receiver_url(
            text, self._policy, site=site.site, allowed_receivers=site.allowed_receivers, limits=self._limits
        )
        if isinstance(found, UrlRefused):
            fault = FaultAt(pointer=POINTERS["receiver_url"], code=found.code, detail=found.detail)
            raise Invalid(INVALID, faults=(fault,))
        return found

    def _new_webhook(self, caller: Caller, spec: WebhookSpec, url: ReceiverUrl) -> Webhook:
        webhook_id = WebhookId(self._fresh_id("whk"))
        return Webhook(
            site=caller.site,
            id=webhook_id,
            version=1,
            shard=shard_of(webhook_id),
            receiver_url=self._safe.seal_url(caller.site, webhook_id, url),
            created_at=self._clock.now(),
            created_by=actor_of(caller),
            headers=self._safe.seal_headers(caller.site, webhook_id, spec.headers),
            auth=self._sealed_auth(caller.site, webhook_id, spec),
            client_certificate=self._sealed_certificate(caller.site, webhook_id, spec),
            **plain_members(spec),
        )

    def _sealed_auth(self, site: SiteId, webhook_id: WebhookId, spec: WebhookSpec) -> SealedAuth | None:
        """The credential that was given, checked before; None when there is none."""
        if spec.auth is None:
            return None
        found = parse_receiver_url(spec.auth.get("tokenUrl", ""), self._policy, site=site, limits=self._limits)
        token_url = "" if isinstance(found, UrlRefused) else found.text
        return self._safe.seal_auth(site, webhook_id, spec.auth, token_url)

    def _sealed_certificate(self, site: SiteId, webhook_id: WebhookId, spec: WebhookSpec) -> SealedCertificate | None:
        """The client certificate that was given, checked before; None when there is none."""
        if spec.client_certificate is None:
            return None
        read = read_certificate(spec.client_certificate, self._clock.now(), self._limits)
        if isinstance(read, FaultAt):  # it expired in between
            raise Invalid(INVALID, faults=(read,))
        return self._safe.seal_certificate(site, webhook_id, spec.client_certificate, read)

    def _new_secret(self, webhook: Webhook, text: str, at: Instant) -> Secret:
        secret_id = self._fresh_id("sec")
        return Secret(
            site=webhook.site,
            webhook_id=webhook.id,
            id=secret_id,
            sealed=self._safe.seal_secret(webhook.site, webhook.id, secret_id, text),
            created_at=at,
        )


def scheme_of(url: str) -> str:
    """`http` or `https`, of a canonical, masked or typed URL."""
    return url.partition("://")[0].lower()


def plain_members(spec: WebhookSpec) -> dict[str, Any]:
    """The members that are stored as they are: all but URL, header values, credentials and secret."""
    return {
        **content_members(spec),
        "signature": spec.signature,
        "loop_protection": spec.loop_protection,
        "batch": spec.batch,
        "ordered_by": spec.ordered_by,
        "on_exhausted": spec.on_exhausted,
        "rate_per_second": spec.rate_per_second,
        "retry_schedule_s": spec.retry_schedule_s,
        "timeout_s": spec.timeout_s,
        "payload_bytes_max": spec.payload_bytes_max,
    }
