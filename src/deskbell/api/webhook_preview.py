"""Settings that are not saved yet: the payload that they would make, and which of the last events they would send."""

from typing import Any

import msgspec
from starlette.responses import Response

from deskbell.api import show
from deskbell.api.answer import ApiAsk, json
from deskbell.api.shapes import Input, Shape, SubjectShape, WarningShape
from deskbell.model.account import Permission
from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.instant import format_instant
from deskbell.server.once import Keeps
from deskbell.server.route import Route
from deskbell.webhooks import RECENT_MAX, PreviewWish

SAMPLES = ("minimal", "typical", "maximal", "unicode")


class PreviewInput(Input):
    """Members to try, on top of a webhook's or of the defaults; a real event, or the sample of a type."""

    webhook: dict[str, Any] = msgspec.field(default_factory=dict)
    webhook_id: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    sample: str = "typical"
    recent: int = 5


class TriedShape(Shape):
    """One of the last events of the chosen types; `reason` as the trace would have it."""

    event_id: str
    type: str
    subject: SubjectShape | None
    received_at: str
    matched: bool
    reason: str


class PreviewShape(Shape):
    """`payload` is null where `fault` says why; `errors` are what would refuse saving."""

    shown: str
    content_type: str | None
    payload: msgspec.Raw
    fault: str
    errors: list[WarningShape]
    warnings: list[WarningShape]
    recent: list[TriedShape]


async def preview(ask: ApiAsk) -> Response:
    """Try settings without saving them: nothing is stored and nothing is sent."""
    given = ask.json(PreviewInput)
    if given.sample not in SAMPLES:
        raise _refused("/sample", "choice", f"One of {', '.join(SAMPLES)}.")
    if not 0 <= given.recent <= RECENT_MAX:
        raise _refused("/recent", "range", f"Use 0 to {RECENT_MAX} events.")
    found = await ask.rooms.registrations.preview(
        ask.caller,
        PreviewWish(
            webhook_id=given.webhook_id,
            members=given.webhook,
            event_id=given.event_id,
            event_type=given.event_type,
            sample=given.sample,
            recent=given.recent,
        ),
    )
    return json(
        PreviewShape(
            shown=found.shown,
            content_type=found.rendered.content_type if found.rendered else None,
            payload=msgspec.Raw(found.rendered.body if found.rendered else b"null"),
            fault=found.fault,
            errors=[show.warning(one) for one in found.told.faults],
            warnings=[show.warning(one) for one in found.told.warnings],
            recent=[
                TriedShape(
                    event_id=one.event.id,
                    type=one.event.type,
                    subject=show.subject(one.event.subject),
                    received_at=format_instant(one.event.received_at),
                    matched=one.reason is None,
                    reason=one.reason or "matched",
                )
                for one in found.recent
            ],
        )
    )


def _refused(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(detail, faults=(FaultAt(pointer=pointer, code=code, detail=detail),))


ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="POST",
        path="/webhooks/preview",
        permission=Permission.WEBHOOKS_WRITE,
        handler=preview,
        summary="Try settings that are not saved",
        request=PreviewInput,
        response=PreviewShape,
        keeps=Keeps.NOTHING,
    ),
)
