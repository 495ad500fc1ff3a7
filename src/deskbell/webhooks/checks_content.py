"""Filter, changed fields and template of a webhook: read, and tried on the samples of its event types."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from deskbell.model.errors import FaultAt
from deskbell.model.ids import WebhookId
from deskbell.model.instant import Instant
from deskbell.model.people import SYSTEM
from deskbell.model.site import Site
from deskbell.model.webhook import Format, SealedUrl, Webhook
from deskbell.rules.event_types import check_choice
from deskbell.rules.limits import Limits
from deskbell.rules.rehearsal import Told, rehearse_fields, rehearse_filter, rehearse_template, samples_of
from deskbell.webhooks.spec import POINTERS, WebhookSpec

CONTENT = ("event_types", "kind", "format", "template", "filter", "changed_fields")
"""Members that say which events are sent, and as what."""

_NO_URL = SealedUrl(sealed=b"", masked="", host="", fingerprint="")


def told_of(spec: WebhookSpec, site: Site, limits: Limits, declared: Mapping[str, str]) -> Told:
    """Every fault and every warning. `declared`: samples of declared custom types, JSON text of `data`."""
    found = list(_told(spec, site, limits, declared))
    return Told(
        faults=tuple(one for told in found for one in told.faults),
        warnings=tuple(one for told in found for one in told.warnings),
    )


def _told(spec: WebhookSpec, site: Site, limits: Limits, declared: Mapping[str, str]) -> Iterator[Told]:
    if spec.format == Format.TEMPLATE and spec.template is None:
        yield Told(faults=(FaultAt(pointer=POINTERS["template"], code="required", detail="Enter the template."),))
    if spec.template is None and spec.filter is None and not spec.changed_fields:
        return
    choices = [one for one in spec.event_types[: limits.event_types_max] if check_choice(one) is None]
    samples = samples_of(choices, site.site, declared)
    if spec.template is not None:
        webhook = as_webhook(replace(spec, format=Format.TEMPLATE.value, template=None), site)
        yield rehearse_template(spec.template, samples, webhook, site, limits)
    if spec.filter is not None:
        yield rehearse_filter(spec.filter, samples, limits)
    yield rehearse_fields(spec.changed_fields, samples, limits)


def has_same_content(one: WebhookSpec, other: WebhookSpec) -> bool:
    """Whether a change leaves alone what is sent: then it is not judged again."""
    return all(getattr(one, name) == getattr(other, name) for name in CONTENT)


def as_webhook(spec: WebhookSpec, site: Site, webhook_id: str = "whk_preview") -> Webhook:
    """A webhook that is not saved, without URL and secrets: enough to render and to match."""
    return Webhook(
        site=site.site,
        id=WebhookId(webhook_id),
        version=1,
        shard=0,
        receiver_url=_NO_URL,
        created_at=Instant(0),
        created_by=SYSTEM,
        **content_members(spec),
    )


def content_members(spec: WebhookSpec) -> dict[str, Any]:
    """The members that say what a webhook is, which events it wants, and as what."""
    return {
        "description": spec.description,
        "event_types": tuple(dict.fromkeys(spec.event_types)),
        "kind": spec.kind,
        "preset": spec.preset,
        "settings": dict(spec.settings),
        "format": Format(spec.format),
        "template": template_text(spec.template),
        "filter": spec.filter,
        "changed_fields": spec.changed_fields,
    }


def template_text(template: Any) -> str | None:
    """A template as it is stored: compact JSON."""
    return None if template is None else msgspec.json.encode(template).decode()
