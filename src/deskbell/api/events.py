"""Events: publish, list, look at one, its trace, and make samples."""

from typing import Any

import msgspec
from starlette.responses import Response

from deskbell.api import show
from deskbell.api.answer import ApiAsk, json, page, place
from deskbell.api.shapes import Accepted, DeliveryShape, EventShape, Input
from deskbell.api.webhooks import actor
from deskbell.model.account import Permission
from deskbell.model.errors import FaultAt, Invalid, NotFound
from deskbell.model.event import Event
from deskbell.model.instant import Instant, parse_instant
from deskbell.model.query import EventFilter
from deskbell.rules.redaction import redact_json
from deskbell.server.masked import masked_paths
from deskbell.server.route import LIST, Param, Route

SAMPLES = ("minimal", "typical", "maximal", "unicode")


class TriggerInput(Input):
    """Which sample to make, and members to set in it by dotted path."""

    type: str
    sample: str = "typical"
    set: dict[str, Any] = msgspec.field(default_factory=dict)


class SendInput(Input):
    """The webhook that is to get the event."""

    webhook_id: str


def instant(ask: ApiAsk, name: str) -> Instant | None:
    """An ISO time given as a query parameter."""
    text = ask.query.get(name)
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise Invalid(str(error), faults=(FaultAt(pointer=f"/{name}", code="time", detail=str(error)),)) from None


def subject_of(ask: ApiAsk) -> tuple[str, str] | None:
    """A `type:id` given as a query parameter."""
    text = ask.query.get("subject")
    if text is None:
        return None
    kind, colon, subject_id = text.partition(":")
    if not colon or not kind or not subject_id:
        fault = FaultAt(pointer="/subject", code="form", detail="Write type:id, for example ticket:22282.")
        raise Invalid(fault.detail, faults=(fault,))
    return kind, subject_id


async def one(ask: ApiAsk) -> Event:
    """The event of the path."""
    found = await ask.rooms.store.events.get(ask.site, ask.path("id"))
    if found is None:
        raise NotFound
    return found


async def listing(ask: ApiAsk) -> Response:
    """Events, newest first."""
    before, limit = place(ask)
    which = EventFilter(
        type=ask.query.get("type"), subject=subject_of(ask), since=instant(ask, "from"), until=instant(ask, "to")
    )
    rows = await ask.rooms.store.events.page(ask.site, which, before, limit + 1)
    masked = await masked_paths(ask.caller, ask.rooms.store)
    return page(ask, rows, limit, lambda event: event.id, lambda event: show.event(event, masked=masked))


async def get(ask: ApiAsk) -> Response:
    """One event with its data."""
    return json(show.event(await one(ask), masked=await masked_paths(ask.caller, ask.rooms.store)))


async def trace(ask: ApiAsk) -> Response:
    """The webhooks considered for an event, each with the reason."""
    return json({"items": show.trace((await one(ask)).trace)})


async def payload(ask: ApiAsk) -> Response:
    """The exact bytes that a webhook would be sent for this event; a viewer sees them masked."""
    webhook_id = ask.query.get("webhook")
    if webhook_id is None:
        raise Invalid("Name the webhook: ?webhook=whk_…")
    event = await one(ask)
    await ask.rooms.registrations.get(ask.site, webhook_id)
    body = await ask.rooms.engine.preview(ask.site, event.id, webhook_id)
    masked = await masked_paths(ask.caller, ask.rooms.store)
    shown = body if masked is None else redact_json(body, masked)
    return Response(shown, media_type="application/json; charset=utf-8")


async def send(ask: ApiAsk) -> Response:
    """Send an event to a webhook that it did not match: a new delivery, with the webhook as it is now."""
    webhook_id = ask.json(SendInput).webhook_id
    made = await ask.rooms.engine.send_anyway(ask.site, ask.path("id"), webhook_id, by=actor(ask), origin=ask.origin)
    site = await ask.rooms.store.sites.get(ask.site)
    if site is None:
        raise NotFound
    owner = await ask.rooms.registrations.get(ask.site, made.webhook_id)
    return json(show.delivery(made, site, owner), 201, {"location": f"/api/v1/deliveries/{made.id}"})


async def trigger(ask: ApiAsk) -> Response:
    """Make a sample event of any type, marked `meta.test: true`."""
    given = ask.json(TriggerInput)
    if given.sample not in SAMPLES:
        fault = FaultAt(pointer="/sample", code="choice", detail=f"One of {', '.join(SAMPLES)}.")
        raise Invalid(fault.detail, faults=(fault,))
    event_id = await ask.rooms.engine.trigger(ask.site, given.type, given.sample, given.set, by=actor(ask))
    return json(Accepted(id=event_id), 202)


READ, REPLAY = Permission.EVENTS_READ, Permission.DELIVERIES_REPLAY
ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET",
        path="/events",
        permission=READ,
        handler=listing,
        summary="List events",
        response=EventShape,
        query=(
            *LIST,
            Param(name="type", description="An event type, or a group such as chat.*"),
            Param(name="subject", description="type:id, for example ticket:22282"),
            Param(name="from", description="Received at or after this ISO time."),
            Param(name="to", description="Received before this ISO time."),
        ),
    ),
    Route(
        method="POST",
        path="/events/trigger",
        permission=Permission.EVENTS_WRITE,
        handler=trigger,
        status=202,
        summary="Make a sample event",
        request=TriggerInput,
        response=Accepted,
    ),
    Route(method="GET", path="/events/{id}", permission=READ, handler=get, summary="One event", response=EventShape),
    Route(
        method="GET",
        path="/events/{id}/trace",
        permission=READ,
        handler=trace,
        summary="Why webhooks were called or not",
    ),
    Route(
        method="GET",
        path="/events/{id}/payload",
        permission=READ,
        handler=payload,
        summary="Preview of a payload",
        query=(Param(name="webhook", description="whk_… of the webhook"),),
    ),
    Route(
        method="POST",
        path="/events/{id}/send",
        permission=REPLAY,
        handler=send,
        summary="Send an event to a webhook that it did not match",
        status=201,
        request=SendInput,
        response=DeliveryShape,
        audit="event.send",
    ),
)
