"""The API's input as a spec."""

from collections.abc import Mapping
from typing import Any

from deskbell.api.shapes import WebhookInput
from deskbell.webhooks import WebhookSpec


def as_spec(given: WebhookInput) -> WebhookSpec:
    """The settings that were posted."""
    schedule = given.retry_schedule
    return WebhookSpec(
        description=given.description,
        receiver_url=given.receiver_url,
        event_types=tuple(given.event_types),
        kind=given.kind,
        preset=given.preset,
        settings=given.settings,
        format=given.format,
        template=given.template,
        filter=given.filter,
        changed_fields=tuple(given.changed_fields),
        headers=given.headers,
        signature=given.signature,
        loop_protection=given.loop_protection,
        batch=given.batch,
        ordered_by=given.ordered_by,
        on_exhausted=given.on_exhausted,
        rate_per_second=given.rate_per_second,
        retry_schedule_s=None if schedule is None else tuple(schedule),
        timeout_s=given.timeout_seconds,
        payload_bytes_max=given.payload_bytes_max,
        secret=given.secret,
    )


def as_patch(given: dict[str, Any]) -> Mapping[str, Any]:
    """A merge patch is judged by the room; it is passed on as it came."""
    return given
