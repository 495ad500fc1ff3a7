"""The tab Payload Sample: every event type, format and schema dialect; what is copied here is what is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from deskbell.model.errors import NotFound
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.instant import Instant, parse_instant
from deskbell.model.people import SYSTEM
from deskbell.model.rendering import Frozen
from deskbell.model.webhook import Format, SealedUrl, Webhook
from deskbell.portal.page import PageAsk
from deskbell.receivers import KINDS
from deskbell.rules.catalogue import (
    CATALOGUE,
    SEED_NOTE,
    FieldNote,
    check_against,
    find,
    sample,
    schema,
)
from deskbell.rules.limits import Limits

FORMATS = {"desk": "desk (JSON list)", "standard": "standard", "cloudevents": "cloudevents"}
VIEWS = {
    "sample": "Sample",
    "draft-07": "JSON schema",
    "power-platform": "For Power Automate",
    "seed": "Original schema",
}


@dataclass(frozen=True, kw_only=True)
class SampleView:
    """What the tab shows."""

    type: str
    format: str
    size: str
    view: str
    types: Sequence[str]
    body: bytes  # pretty: what is shown and copied
    faults: Sequence[str]  # of the sample against the schema in view
    note: str  # why the original schema refuses its own sample
    fields: Sequence[FieldNote]
    has_seed: bool
    schema_path: str  # stable address, or nothing

    @property
    def query(self) -> str:
        """The choices as a query."""
        return f"type={self.type}&format={self.format}&size={self.size}"


async def sample_view(ask: PageAsk) -> SampleView:
    """The tab for the choices in the URL."""
    event_type = ask.query.get("type", "chat.missed")
    found = find(event_type)
    if found is None:
        raise NotFound(f"There is no event type {event_type[:64]!r}.")
    form, size, view = (
        ask.query.get("format", "desk"),
        ask.query.get("size", "typical"),
        ask.query.get("view", "sample"),
    )
    custom = await ask.rooms.store.sites.custom_types(ask.site)
    own = next((one.sample for one in custom if one.name == event_type and one.sample), None)
    has_seed = found.group == "chat"
    view = "sample" if view == "seed" and not has_seed else view
    snapshot = (
        with_data(sample(event_type, size, site=ask.site), own) if own else sample(event_type, size, site=ask.site)
    )
    payload = rendered(event_type, form, snapshot, ask.site)
    shown = payload if view == "sample" else msgspec.json.encode(schema(event_type, view, "list"))
    dialect = "draft-07" if view == "sample" else view
    return SampleView(
        type=event_type,
        format=form,
        size=size,
        view=view,
        types=[*(one.name for one in CATALOGUE), *(one.name for one in custom)],
        body=msgspec.json.format(shown, indent=2),
        faults=check_against(event_type, dialect, b"[" + snapshot + b"]"),
        note=SEED_NOTE if view == "seed" else "",
        fields=found.fields,
        has_seed=has_seed,
        schema_path="" if view == "sample" else f"/schemas/{event_type}.json?dialect={view}",
    )


def with_data(snapshot: bytes, data: str) -> bytes:
    """A custom snapshot with the declared sample as its data."""
    members = msgspec.json.decode(snapshot, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**members, "data": msgspec.Raw(data.encode())})


def rendered(event_type: str, form: str, snapshot: bytes, site: SiteId) -> bytes:
    """The payload in this format, made by the code that makes real ones."""
    meta = msgspec.json.decode(snapshot, type=dict[str, msgspec.Raw]).get("meta", msgspec.Raw(b"{}"))
    told = msgspec.json.decode(meta, type=dict[str, Any])
    at = occurred(told)
    webhook = Webhook(
        site=site,
        id=WebhookId("whk_sample"),
        version=1,
        shard=0,
        description="sample",
        receiver_url=SealedUrl(sealed=b"", masked="", host="", fingerprint=""),
        event_types=(event_type,),
        created_at=at,
        created_by=SYSTEM,
        format=Format(form),
    )
    frozen = Frozen(
        webhook=webhook,
        delivery_id=DeliveryId("dlv_sample"),
        event_ids=(EventId(str(told.get("eventId", "evt_"))),),
        event_types=(event_type,),
        occurred_at=(at,),
        snapshots=(snapshot,),
        created_at=at,
    )
    return KINDS["generic"].render(frozen, Limits()).body


def occurred(meta: Mapping[str, Any]) -> Instant:
    """When the sample happened, as it says itself."""
    return parse_instant(str(meta.get("occurredDateTime", "2026-01-01T00:00:00Z")))


async def download(ask: PageAsk) -> Response:
    """The shown text as a file."""
    view = await sample_view(ask)
    name = f"{view.type}.{'sample' if view.view == 'sample' else view.view}.json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(view.body, media_type="application/json", headers=headers)
