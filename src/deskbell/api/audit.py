"""The audit: listed, checked, exported."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from deskbell.api.answer import ApiAsk, json, page, place
from deskbell.api.events import instant
from deskbell.api.shapes import Shape
from deskbell.model.account import Permission
from deskbell.model.audit import AuditFilter, AuditPlace, AuditRow
from deskbell.model.errors import Unreadable
from deskbell.rules.audit_export import FORMS, head_of, line_of, members
from deskbell.server.route import LIST, Param, Route

FILTER = (
    Param(name="actor", description="Id or name of who acted."),
    Param(name="operation", description="An operation like webhook.create, or a group like webhook.*."),
    Param(name="object", description="Id of what was acted on."),
    Param(name="from", description="At or after this ISO time."),
    Param(name="to", description="Before this ISO time."),
)


class PlaceShape(Shape):
    """A row of the chain."""

    seq: int
    hash: str


class CheckShape(Shape):
    """What a check of the chain found."""

    whole: bool
    rows: int  # that follow one from the other
    first_broken: int | None  # the first row that was altered or is missing
    head: PlaceShape | None  # the last whole row
    checkpoint: PlaceShape | None  # the last row that retention deleted
    text: str  # all this as a sentence


def filter_of(ask: ApiAsk) -> AuditFilter:
    """Which rows are asked for."""
    return AuditFilter(
        actor=ask.query.get("actor", ""),
        operation=ask.query.get("operation", ""),
        object_id=ask.query.get("object", ""),
        since=instant(ask, "from"),
        until=instant(ask, "to"),
    )


async def listing(ask: ApiAsk) -> Response:
    """The audit, newest first."""
    before, limit = place(ask)
    if before is not None and not before.isdigit():
        raise Unreadable
    rows = await ask.rooms.audit.page(ask.site, int(before) if before else None, limit + 1, filter_of(ask))
    return page(ask, rows, limit, lambda row: str(row.seq), members)


async def check(ask: ApiAsk) -> Response:
    """Whether the chain is whole, and if not, where it breaks."""
    found = await ask.rooms.audit.check(ask.site)
    return json(
        CheckShape(
            whole=found.broken is None,
            rows=found.rows,
            first_broken=found.broken,
            head=_place(found.head),
            checkpoint=_place(found.checkpoint),
            text=found.sentence,
        )
    )


def _place(place_: AuditPlace | None) -> PlaceShape | None:
    return None if place_ is None else PlaceShape(seq=place_.seq, hash=place_.hash)


async def export(ask: ApiAsk) -> Response:
    """Every row that the filter takes, oldest first, as a file. The export itself is recorded."""
    form = ask.query.get("format", "jsonl")
    rows = await ask.rooms.audit.export(ask.caller, form, filter_of(ask), ask.rooms.clock.now(), ask.origin)
    headers = {"content-disposition": f'attachment; filename="audit-{ask.site}.{form}"'}
    return StreamingResponse(lines(rows, form), media_type=FORMS[form], headers=headers)


async def lines(rows: AsyncIterator[AuditRow], form: str) -> AsyncIterator[str]:
    """The file, row by row."""
    yield head_of(form)
    async for row in rows:
        yield line_of(row, form)


READ = Permission.AUDIT_READ
ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET", path="/audit", permission=READ, handler=listing, summary="Read the audit", query=(*LIST, *FILTER)
    ),
    Route(
        method="GET",
        path="/audit/check",
        permission=READ,
        handler=check,
        summary="Check the audit's chain",
        response=CheckShape,
    ),
    Route(
        method="GET",
        path="/audit/export",
        permission=READ,
        handler=export,
        summary="Export the audit",
        query=(Param(name="format", description="How it is written (jsonl).", choices=tuple(FORMS)), *FILTER),
        audit="audit.export",
    ),
)
