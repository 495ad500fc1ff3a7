"""Routes of replays."""

from typing import Any

from deskbell.model.account import Permission
from deskbell.portal.replays import new, one, steps
from deskbell.portal.replays.form import SINCE
from deskbell.server.route import Param, Route

EVENTS, REPLAY = Permission.EVENTS_READ, Permission.DELIVERIES_REPLAY
FORM_QUERY = (
    Param(name="state", description="Which deliveries or events.", many=True),
    Param(name="webhook", description="To which webhooks.", many=True),
    Param(name="since", description="How far back.", choices=tuple(name for name, _ in SINCE if name)),
    Param(name="from", description="Received at or after this time."),
    Param(name="to", description="Received before this time."),
    Param(name="type", description="Event types or groups."),
    Param(name="q", description="Words that must occur."),
    Param(name="rate", description="Deliveries per second."),
    Param(name="count", description="Count now.", choices=("1",)),
)

REPLAY_ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET", path="/replays", permission=EVENTS, handler=steps.listing, summary="Replays",
        query=(Param(name="older", description="Only replays older than this one."),),
    ),
    Route(
        method="GET", path="/replays/new", permission=REPLAY, handler=new.show, summary="Choose and count a replay",
        query=FORM_QUERY,
    ),
    Route(
        method="POST", path="/replays/new", permission=REPLAY, handler=new.begin, summary="Begin a replay",
        audit="replay.create",
    ),
    Route(method="GET", path="/replays/{id}", permission=EVENTS, handler=one.show, summary="One replay"),
    Route(
        method="GET", path="/replays/{id}/stream", permission=EVENTS, handler=one.stream, summary="One replay, live",
        query=(Param(name="after", description="What was told last."),),
    ),
    *(
        Route(
            method="POST", path=f"/replays/{{id}}/{verb}", permission=REPLAY, handler=handler,
            summary=f"Replay: {verb}", audit=f"replay.{verb}",
        )
        for verb, handler in (("pause", steps.pause), ("resume", steps.resume), ("cancel", steps.cancel))
    ),
)  # fmt: skip
