"""The Catalogue by API, and its schemas at stable addresses."""

from typing import Any

import msgspec
from starlette.responses import Response

from deskbell.api.answer import ApiAsk, json
from deskbell.model.account import Permission
from deskbell.model.errors import NotFound
from deskbell.rules.catalogue import CATALOGUE, SAMPLE_NAMES, EventType, find, sample
from deskbell.rules.schemas import schema
from deskbell.server.route import Param, Route

DIALECTS = ("draft-07", "seed", "power-platform")


def shape(one: EventType) -> dict[str, Any]:
    """An event type on the wire."""
    return {
        "name": one.name,
        "group": one.group,
        "title": one.title,
        "description": one.description,
        "firesWhen": one.fires_when,
        "fields": [{"path": note.path, "meaning": note.meaning, "whenNull": note.when_null} for note in one.fields],
    }


async def listing(ask: ApiAsk) -> Response:
    """Every event type."""
    return json({"items": [shape(one) for one in CATALOGUE], "next": None})


async def get(ask: ApiAsk) -> Response:
    """One event type with its samples."""
    found = find(ask.path("name"))
    if found is None:
        raise NotFound
    samples = {name: json_text(sample(found.name, name, site=ask.site)) for name in SAMPLE_NAMES}
    return json({**shape(found), "samples": samples})


def json_text(body: bytes) -> Any:
    """JSON bytes as they are inside an answer."""
    return msgspec.Raw(body)


async def schemas(ask: ApiAsk) -> Response:
    """A schema, for tools that read it by address."""
    found = schema(ask.path("name"), ask.query.get("dialect", "draft-07"), ask.query.get("of", "list"))
    if found is None:
        raise NotFound("There is no schema of this name in this dialect. The names are those of the Catalogue.")
    return json(found)


ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET", path="/event-types", permission=Permission.WEBHOOKS_READ, handler=listing, summary="The Catalogue"
    ),
    Route(
        method="GET",
        path="/event-types/{name}",
        permission=Permission.WEBHOOKS_READ,
        handler=get,
        summary="One event type with its samples",
    ),
)
ROOT_ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET",
        path="/schemas/{name}.json",
        permission=Permission.PUBLIC,
        handler=schemas,
        summary="JSON schema of an event type or group",
        query=(
            Param(name="dialect", description="Which kind of schema.", choices=DIALECTS),
            Param(name="of", description="Of the payload (list) or of one snapshot (item).", choices=("list", "item")),
        ),
    ),
)
