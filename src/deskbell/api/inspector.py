"""The inspector by API: bins, their scripts and captures."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.responses import Response

from deskbell.api.answer import ApiAsk, json, nothing, page, place
from deskbell.api.people import mapping
from deskbell.api.shapes import Input, Listing
from deskbell.model.account import Permission
from deskbell.model.inspector import Bin, Capture
from deskbell.model.instant import format_instant
from deskbell.rules.masking import mask_capture
from deskbell.server.masked import masked_paths
from deskbell.server.route import LIST, Param, Route


class BinInput(Input):
    """A new bin."""

    name: str
    webhook_id: str | None = None
    script: str = "always ok"


def bin_shape(one: Bin, base_url: str) -> dict[str, Any]:
    """A bin with the address to write to."""
    return {
        "id": one.id,
        "name": one.name,
        "url": f"{base_url}/bin/{one.address}",
        "webhookId": one.webhook_id,
        "steps": [msgspec.to_builtins(step) for step in one.steps],
        "captured": one.seq,
        "createdAt": format_instant(one.created_at),
    }


def capture_shape(one: Capture) -> dict[str, Any]:
    """A capture; bodies that are not UTF-8 come as base64."""
    try:
        body: dict[str, str] = {"body": one.body.decode()}
    except UnicodeDecodeError:
        body = {"bodyBase64": base64.b64encode(one.body).decode()}
    return {
        "id": one.id,
        "seq": one.seq,
        "at": format_instant(one.at),
        "method": one.method,
        "path": one.path,
        "query": one.query,
        "headers": list(one.headers),
        **body,
        "bodyCut": one.body_cut,
        "answered": one.answered_status,
        "durationMs": one.duration_ms,
        "deliveryId": one.delivery_id,
        "attempt": one.attempt,
        "eventTypes": list(one.event_types),
        "signature": None if one.signature is None else {"finding": one.signature, "text": one.signature_text},
        "schemaFaults": None if one.schema_faults is None else list(one.schema_faults),
    }


async def shown(ask: ApiAsk) -> Callable[[Capture], dict[str, Any]]:
    """How this caller sees captures."""
    masked = await masked_paths(ask.caller, ask.rooms.store)
    return capture_shape if masked is None else (lambda one: capture_shape(mask_capture(one, masked)))


async def listing(ask: ApiAsk) -> Response:
    """The site's bins."""
    found = await ask.rooms.inspector.list(ask.site)
    return json(Listing(items=[bin_shape(one, ask.rooms.base_url) for one in found], next=None))


async def create(ask: ApiAsk) -> Response:
    """A new bin."""
    given = ask.json(BinInput)
    made = await ask.rooms.inspector.create(
        ask.caller, given.name, webhook_id=given.webhook_id, script=given.script, origin=ask.origin
    )
    return json(bin_shape(made, ask.rooms.base_url), 201, {"location": f"/api/v1/inspector/bins/{made.id}"})


async def get(ask: ApiAsk) -> Response:
    """One bin."""
    return json(bin_shape(await ask.rooms.inspector.get(ask.site, ask.path("id")), ask.rooms.base_url))


async def change(ask: ApiAsk) -> Response:
    """Name, webhook, or script: `script` names a ready-made one, `steps` is one's own."""
    changed = await ask.rooms.inspector.change(ask.caller, ask.path("id"), mapping(ask), origin=ask.origin)
    return json(bin_shape(changed, ask.rooms.base_url))


async def delete(ask: ApiAsk) -> Response:
    """Delete a bin and its captures."""
    await ask.rooms.inspector.delete(ask.caller, ask.path("id"), origin=ask.origin)
    return nothing()


async def captures(ask: ApiAsk) -> Response:
    """Captures, newest first."""
    before, limit = place(ask)
    rows = await ask.rooms.inspector.captures(ask.site, ask.path("id"), int(before) if before else None, limit + 1)
    return page(ask, rows, limit, lambda one: str(one.seq), await shown(ask))


async def capture(ask: ApiAsk) -> Response:
    """One capture."""
    return json((await shown(ask))(await ask.rooms.inspector.capture(ask.site, ask.path("id"))))


async def raw(ask: ApiAsk) -> Response:
    """The captured body, byte for byte, as a download."""
    found = await ask.rooms.inspector.capture(ask.site, ask.path("id"))
    masked = await masked_paths(ask.caller, ask.rooms.store)
    found = found if masked is None else mask_capture(found, masked)
    headers = {"content-disposition": f'attachment; filename="{found.id}.bin"'}
    return Response(found.body, media_type="application/octet-stream", headers=headers)


async def wait(ask: ApiAsk) -> Response:
    """Wait until so many requests were captured, at most 60 s."""
    items = await ask.rooms.inspector.wait(
        ask.site,
        ask.path("id"),
        count=ask.number("count", 1),
        timeout_s=float(ask.number("timeout", 10)),
        after_seq=ask.number("after", 0),
    )
    complete = len(items) >= ask.number("count", 1)
    see = await shown(ask)
    return json({"complete": complete, "items": [see(one) for one in items]})


READ, USE = Permission.EVENTS_READ, Permission.DELIVERIES_REPLAY
ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET", path="/inspector/bins", permission=Permission.WEBHOOKS_READ, handler=listing, summary="List bins"
    ),
    Route(
        method="POST",
        path="/inspector/bins",
        permission=USE,
        handler=create,
        summary="Make a bin",
        status=201,
        request=BinInput,
        audit="bin.create",
    ),
    Route(
        method="GET", path="/inspector/bins/{id}", permission=Permission.WEBHOOKS_READ, handler=get, summary="One bin"
    ),
    Route(
        method="PATCH",
        path="/inspector/bins/{id}",
        permission=USE,
        handler=change,
        summary="Change a bin",
        request=dict[str, Any],
        audit="bin.change",
    ),
    Route(
        method="DELETE",
        path="/inspector/bins/{id}",
        permission=USE,
        handler=delete,
        summary="Delete a bin",
        status=204,
        audit="bin.delete",
    ),
    Route(
        method="GET",
        path="/inspector/bins/{id}/captures",
        permission=READ,
        handler=captures,
        summary="Captures of a bin",
        query=LIST,
    ),
    Route(
        method="GET",
        path="/inspector/bins/{id}/wait",
        permission=READ,
        handler=wait,
        summary="Wait for captures",
        query=(
            Param(name="count", description="How many.", type="integer", low=1, high=500),
            Param(name="timeout", description="Seconds, at most 60.", type="integer", low=0, high=60),
            Param(name="after", description="Only captures after this seq.", type="integer", low=0, high=10**12),
        ),
    ),
    Route(method="GET", path="/inspector/captures/{id}", permission=READ, handler=capture, summary="One capture"),
    Route(
        method="GET", path="/inspector/captures/{id}/body", permission=READ, handler=raw, summary="The captured body"
    ),
)
