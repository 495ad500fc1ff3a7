"""Signing secrets and full URLs: reveal, rotate, end the overlap."""

from typing import Any

from starlette.responses import Response

from deskbell.api import show
from deskbell.api.answer import ApiAsk, json, nothing
from deskbell.api.shapes import Input
from deskbell.api.webhooks import body
from deskbell.model.account import Permission
from deskbell.model.instant import format_instant
from deskbell.server.once import Keeps
from deskbell.server.route import Route


class RotateInput(Input):
    """How long the old secret stays valid."""

    overlap_seconds: int | None = None


async def reveal(ask: ApiAsk) -> Response:
    """The full receiver URL and the live signing secrets; audited."""
    found = await ask.rooms.registrations.reveal(ask.caller, ask.path("id"), origin=ask.origin)
    secrets = [
        {
            "id": one.id,
            "secret": one.text,
            "createdAt": format_instant(one.created_at),
            "validUntil": show.time(one.valid_until),
        }
        for one in found.secrets
    ]
    return json({"receiverUrl": found.url_text, "secrets": secrets})


async def rotate(ask: ApiAsk) -> Response:
    """A new signing secret; the old one stays valid for the overlap."""
    overlap_s = body(ask, RotateInput).overlap_seconds
    made = await ask.rooms.registrations.rotate(ask.caller, ask.path("id"), overlap_s, origin=ask.origin)
    return json({"secret": made.secret_text, "previousValidUntil": show.time(made.previous_valid_until)})


async def end_overlap(ask: ApiAsk) -> Response:
    """End the overlap now: only the newest secret signs."""
    await ask.rooms.registrations.end_overlap(ask.caller, ask.path("id"), origin=ask.origin)
    return nothing()


WRITE = Permission.WEBHOOKS_WRITE
ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET",
        path="/webhooks/{id}/secret",
        permission=Permission.SECRETS_REVEAL,
        handler=reveal,
        summary="Reveal the receiver URL and the signing secrets",
        audit="webhook.reveal",
    ),
    Route(
        method="POST",
        path="/webhooks/{id}/secret/rotate",
        keeps=Keeps.SECRET,
        permission=WRITE,
        handler=rotate,
        summary="Rotate the signing secret",
        request=RotateInput,
        audit="webhook.rotate",
    ),
    Route(
        method="DELETE",
        path="/webhooks/{id}/secret/previous",
        permission=WRITE,
        handler=end_overlap,
        status=204,
        summary="End the overlap of a rotation",
        audit="webhook.end_overlap",
    ),
)
