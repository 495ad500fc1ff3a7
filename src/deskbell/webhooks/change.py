"""Changing a webhook's settings: JSON merge patch with an optional check of the version."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deskbell.model.account import Caller
from deskbell.model.audit import Origin
from deskbell.model.errors import Conflict, FaultAt, Invalid
from deskbell.model.instant import Instant
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.limits import Limits
from deskbell.rules.rehearsal import Told
from deskbell.webhooks.answers import Changed
from deskbell.webhooks.checks import check_spec
from deskbell.webhooks.checks_content import has_same_content, told_of
from deskbell.webhooks.checks_credentials import check_credentials
from deskbell.webhooks.create import Create, plain_members, scheme_of
from deskbell.webhooks.ground import Step, must_be
from deskbell.webhooks.safe import value_bytes
from deskbell.webhooks.spec import INVALID, Patched, patch, spec_of


class Change(Create):
    """Id and secret stay, whatever changes; a new URL replaces the old one."""

    async def update(
        self,
        caller: Caller,
        webhook_id: str,
        members: Mapping[str, Any],
        *,
        if_version: int | None = None,
        origin: Origin,
    ) -> Changed:
        """Members of the API set, null goes back to the default. Raises Invalid, or Conflict with the present state."""
        site = await self._site(caller.site)
        declared = await self._declared(site)
        warnings: tuple[FaultAt, ...] = ()

        async def step(before: Webhook, now: Instant) -> Step:
            nonlocal warnings
            must_be(before, *_NOT_DELETED, possible="Restore it first.")
            check_version(before, if_version)
            wanted = patch(spec_of(before), members)
            told = Told() if has_same_content(wanted.spec, spec_of(before)) else self._told(wanted, site, declared)
            warnings = told.warnings
            return Step(operation="webhook.change", after=self._patched(before, site, wanted, told))

        after = await self._take_step(caller, webhook_id, origin, step)
        return Changed(webhook=after, url_text=self._safe.open_url(after), warnings=warnings)

    def _told(self, wanted: Patched, site: Site, declared: Mapping[str, str]) -> Told:
        return told_of(wanted.spec, site, self._limits, declared)

    def _patched(self, before: Webhook, site: Site, wanted: Patched, told: Told) -> Webhook:
        """The webhook after the patch; raises Invalid with every fault at once."""
        kept = kept_headers(before, wanted)
        faults = check_spec(wanted.spec, site, self._policy, self._limits, self._kinds, kept_headers=kept)
        auth = None if "auth" in wanted.dropped else before.auth
        certificate = None if "client_certificate" in wanted.dropped else before.client_certificate
        credentials = check_credentials(
            wanted.spec, site, self._policy, self._limits, self._kinds, now=self._clock.now(),
            scheme=scheme_of(wanted.spec.receiver_url or before.receiver_url.masked),
            header_names=(*kept, *wanted.spec.headers), keeps_auth=auth is not None,
            keeps_certificate=certificate is not None,
        )  # fmt: skip
        faults = (*wanted.faults, *faults, *credentials, *check_kept_bytes(wanted, kept, self._limits), *told.faults)
        if faults:
            raise Invalid(INVALID, faults=faults)
        text = wanted.spec.receiver_url
        url = None if text is None else self._safe.seal_url(before.site, before.id, self._parsed_url(text, site))
        fresh = self._safe.seal_headers(before.site, before.id, wanted.spec.headers)
        auth = self._sealed_auth(before.site, before.id, wanted.spec) or auth
        certificate = self._sealed_certificate(before.site, before.id, wanted.spec) or certificate
        members_now: dict[str, Any] = plain_members(wanted.spec)
        return replace(
            before, receiver_url=url or before.receiver_url, headers={**kept, **fresh}, auth=auth,
            client_certificate=certificate, **members_now,
        )  # fmt: skip


_NOT_DELETED = (WebhookState.ENABLED, WebhookState.PAUSED, WebhookState.DISABLED)


def check_version(webhook: Webhook, if_version: int | None) -> None:
    """Raises Conflict when somebody changed it since the version that the caller knows."""
    if if_version is not None and if_version != webhook.version:
        detail = (
            f"This webhook has changed: you know version {if_version}, now it is version {webhook.version} "
            f"and {webhook.state.value}. Read it again, then change it."
        )
        raise Conflict(detail, reason="version")


def kept_headers(before: Webhook, wanted: Patched) -> dict[str, bytes]:
    """Own headers that are neither dropped nor set anew; names differ regardless of case."""
    if "*" in wanted.dropped_headers:
        return {}
    gone = wanted.dropped_headers | {name.lower() for name in wanted.spec.headers}
    return {name: value for name, value in before.headers.items() if name.lower() not in gone}


def check_kept_bytes(wanted: Patched, kept: Mapping[str, bytes], limits: Limits) -> tuple[FaultAt, ...]:
    """The bound on all headers together, those that stay included."""
    staying = sum(len(name) + value_bytes(value) for name, value in kept.items())
    fresh = sum(len(name) + len(value) for name, value in wanted.spec.headers.items())
    if not fresh or fresh > limits.webhook_headers_bytes_max or staying + fresh <= limits.webhook_headers_bytes_max:
        return ()
    detail = f"All headers together, those that stay included: at most {limits.webhook_headers_bytes_max:,} bytes."
    return (FaultAt(pointer="/headers", code="header_bytes", detail=detail),)
