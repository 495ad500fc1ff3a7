"""Payload formats of wire.md 2. Snapshots are joined as bytes, never parsed and written anew."""

import msgspec

from deskbell.model.instant import format_instant
from deskbell.model.rendering import Frozen, Rendered, RenderRefused
from deskbell.model.webhook import Format
from deskbell.rules.limits import Limits
from deskbell.rules.templates import LIMIT_CODES, TemplateFault, compiled, root_of, zone_of

JSON_PLAIN = "application/json"
JSON = "application/json; charset=utf-8"
CLOUDEVENTS = "application/cloudevents+json"
CLOUDEVENTS_BATCH = "application/cloudevents-batch+json"


class FormatFault(ValueError):
    """The webhook's payload format cannot be rendered here."""


def render(frozen: Frozen, limits: Limits) -> Rendered:
    """The payload in the webhook's format. Raises FormatFault, or RenderRefused when a template gives none."""
    match frozen.webhook.format:
        case Format.DESK:
            return Rendered(body=desk_list(frozen.snapshots), content_type=JSON)
        case Format.STANDARD:
            return Rendered(body=standard(frozen), content_type=JSON, stored=True)
        case Format.CLOUDEVENTS:
            return cloudevents(frozen)
        case Format.TEMPLATE:
            return Rendered(body=from_template(frozen, limits), content_type=JSON_PLAIN, stored=True)
    raise FormatFault(f"the payload format {frozen.webhook.format} cannot be rendered")


def desk_list(snapshots: tuple[bytes, ...]) -> bytes:
    """The seed's shape: a JSON list of snapshots."""
    return b"[" + b",".join(snapshots) + b"]"


def standard(frozen: Frozen) -> bytes:
    """One object `{"type","timestamp","data"}` as Standard Webhooks recommends; for one event only."""
    if len(frozen.snapshots) != 1:
        raise FormatFault("the format `standard` takes one event at a time")
    kind, at = msgspec.json.encode(frozen.event_types[0]), format_instant(frozen.occurred_at[0]).encode()
    return b'{"type":' + kind + b',"timestamp":"' + at + b'","data":' + frozen.snapshots[0] + b"}"


def cloudevents(frozen: Frozen) -> Rendered:
    """Structured CloudEvents 1.0; the batch form for more than one event."""
    found = [_cloud_event(frozen, index) for index in range(len(frozen.snapshots))]
    if len(found) == 1:
        return Rendered(body=found[0], content_type=CLOUDEVENTS, stored=True)
    return Rendered(body=desk_list(tuple(found)), content_type=CLOUDEVENTS_BATCH, stored=True)


def from_template(frozen: Frozen, limits: Limits) -> bytes:
    """What the webhook's own template makes of the events."""
    if frozen.webhook.template is None:
        raise RenderRefused("template", "there is no template")
    try:
        template = compiled(frozen.webhook.template, limits)
        largest = max(map(len, frozen.snapshots))
        return template.render(root_of(frozen), data_bytes=largest, zone=zone_of(frozen))
    except TemplateFault as fault:
        name = "template_limit" if fault.code in LIMIT_CODES else "template"
        raise RenderRefused(name, fault.sentence) from None


def _cloud_event(frozen: Frozen, index: int) -> bytes:
    head = msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": frozen.event_ids[index],
            "source": f"/sites/{frozen.webhook.site}",
            "type": frozen.event_types[index],
            "time": format_instant(frozen.occurred_at[index]),
            "datacontenttype": "application/json",
        }
    )
    return head[:-1] + b',"data":' + frozen.snapshots[index] + b"}"
