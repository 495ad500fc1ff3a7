"""Replays: count, begin, look, pause, resume, cancel."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from deskbell.api import show
from deskbell.api.answer import ApiAsk, json, page, place
from deskbell.api.shapes import By, Input, Shape
from deskbell.model.account import Permission
from deskbell.model.changes import Change
from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.instant import Instant, format_instant, parse_instant
from deskbell.model.replay import Replay
from deskbell.server.route import LIST, Route
from deskbell.webhooks import Counted, Progress, Wish


class ReplayInput(Input):
    """What to send again; the page “Send again and replay” names the states."""

    states: list[str]
    webhook_ids: list[str] = msgspec.field(default_factory=list)
    since: str | None = None
    until: str | None = None
    event_types: list[str] = msgspec.field(default_factory=list)
    text: str = ""
    rate_per_second: float | None = None
    dry_run: bool = False


class ProgressShape(Shape):
    """Where the deliveries that it began are now."""

    waiting: int
    delivered: int
    accepted: int
    exhausted: int
    cancelled: int


class ReplayShape(Shape):
    """A replay: what was chosen, and how far it is."""

    id: str
    state: str
    webhook_ids: list[str]
    states: list[str]
    since: str | None
    until: str | None
    event_types: list[str]
    text: str
    rate_per_second: float | None
    total: int
    done: int
    progress: ProgressShape
    created_at: str
    created_by: By
    changed_by: By | None
    ended_at: str | None
    version: int


def shape(replay: Replay, progress: Progress) -> ReplayShape:
    """A replay as the API shows it."""
    choice = replay.choice
    return ReplayShape(
        id=replay.id,
        state=replay.state.value,
        webhook_ids=list(choice.webhook_ids),
        states=list(choice.states),
        since=show.time(choice.since),
        until=show.time(choice.until),
        event_types=list(choice.event_types),
        text=" ".join(choice.words),
        rate_per_second=replay.rate_per_second,
        total=replay.total,
        done=replay.done,
        progress=ProgressShape(**vars(progress)),
        created_at=format_instant(replay.created_at),
        created_by=show.by(replay.by),
        changed_by=None if replay.state_by is None else show.by(replay.state_by),
        ended_at=show.time(replay.ended_at),
        version=replay.version,
    )


def counted(found: Counted) -> dict[str, Any]:
    """The answer to a dry run."""
    rows = [{"webhookId": webhook_id, "count": count} for webhook_id, count in sorted(found.by_webhook.items())]
    return {"dryRun": True, "total": found.total, "webhooks": rows, "arrived": found.arrived}


def headers_of(replay: Replay) -> Mapping[str, str]:
    """Where it is, and its version."""
    return {"location": f"/api/v1/replays/{replay.id}", "etag": f'"{replay.version}"'}


def wish_of(given: ReplayInput) -> Wish:
    """The input as it is worked with."""
    return Wish(
        states=given.states,
        webhook_ids=given.webhook_ids,
        since=instant(given.since, "/since"),
        until=instant(given.until, "/until"),
        event_types=given.event_types,
        text=given.text,
        rate_per_second=given.rate_per_second,
    )


def instant(text: str | None, pointer: str) -> Instant | None:
    """An ISO time of the body."""
    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise Invalid(str(error), faults=(FaultAt(pointer=pointer, code="time", detail=str(error)),)) from None


async def answer(ask: ApiAsk, replay: Replay) -> Response:
    """One replay with its progress."""
    progress = await ask.rooms.replays.progress(replay)
    return json(shape(replay, progress), headers={"etag": f'"{replay.version}"'})


async def create(ask: ApiAsk) -> Response:
    """Count exactly with `dryRun`; else count and begin."""
    given = ask.json(ReplayInput)
    if given.dry_run:
        return json(counted(await ask.rooms.replays.count(ask.site, wish_of(given))))
    nothing_yet = Progress(waiting=0, delivered=0, accepted=0, exhausted=0, cancelled=0)

    def also(replay: Replay) -> tuple[Change, ...]:
        body = msgspec.json.encode(shape(replay, nothing_yet))
        return () if ask.once is None else (ask.once.row(201, body, headers_of(replay)),)

    made = await ask.rooms.replays.begin(ask.caller, wish_of(given), origin=ask.origin, also=also)
    return json(shape(made, nothing_yet), 201, dict(headers_of(made)))


async def listing(ask: ApiAsk) -> Response:
    """Replays, newest first."""
    before, limit = place(ask)
    rows = await ask.rooms.store.replays.page(ask.site, before, limit + 1)
    shapes = {one.id: shape(one, await ask.rooms.replays.progress(one)) for one in rows[:limit]}
    return page(ask, rows, limit, lambda one: one.id, lambda one: shapes[one.id])


async def get(ask: ApiAsk) -> Response:
    """One replay with its progress."""
    return await answer(ask, await ask.rooms.replays.get(ask.site, ask.path("id")))


async def pause(ask: ApiAsk) -> Response:
    """Begin no more deliveries until it is resumed."""
    return await answer(ask, await ask.rooms.replays.pause(ask.caller, ask.path("id"), origin=ask.origin))


async def resume(ask: ApiAsk) -> Response:
    """Go on where it was paused."""
    return await answer(ask, await ask.rooms.replays.resume(ask.caller, ask.path("id"), origin=ask.origin))


async def cancel(ask: ApiAsk) -> Response:
    """Begin no more deliveries, for good; those that were begun go on."""
    return await answer(ask, await ask.rooms.replays.cancel(ask.caller, ask.path("id"), origin=ask.origin))


READ, REPLAY = Permission.EVENTS_READ, Permission.DELIVERIES_REPLAY
ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET",
        path="/replays",
        permission=READ,
        handler=listing,
        summary="List replays",
        response=ReplayShape,
        query=LIST,
    ),
    Route(
        method="POST",
        path="/replays",
        permission=REPLAY,
        handler=create,
        status=201,
        summary="Send a range again, or count it",
        request=ReplayInput,
        response=ReplayShape,
        audit="replay.create",
    ),
    Route(method="GET", path="/replays/{id}", permission=READ, handler=get, summary="One replay", response=ReplayShape),
    *(
        Route(
            method="POST",
            path=f"/replays/{{id}}/{verb}",
            permission=REPLAY,
            handler=handler,
            summary=summary,
            response=ReplayShape,
            audit=f"replay.{verb}",
        )
        for verb, handler, summary in (
            ("pause", pause, "Pause a replay"),
            ("resume", resume, "Resume a replay"),
            ("cancel", cancel, "Cancel a replay"),
        )
    ),
)
