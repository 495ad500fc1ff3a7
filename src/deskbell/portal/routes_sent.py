"""Routes of deliveries, events and the inspector."""

from typing import Any

from deskbell.model.account import Permission
from deskbell.portal.deliveries import one, one_stream, rows, selection, show, steps, stream
from deskbell.portal.events import listing as events
from deskbell.portal.events import one as event
from deskbell.portal.inspector import bins
from deskbell.portal.inspector import one as bin_page
from deskbell.portal.inspector import stream as bin_stream
from deskbell.server.route import Param, Route

EVENTS, REPLAY = Permission.EVENTS_READ, Permission.DELIVERIES_REPLAY
AFTER = Param(name="after", description="What was told last.")
LIST_QUERY = (
    Param(name="q", description="Words in subject, ids, types, webhook, host or outcome."),
    Param(name="state", description="Which segment.", choices=tuple(name for name in rows.SEGMENTS if name)),
    Param(name="webhook", description="Only deliveries of this webhook."),
    Param(name="replay", description="Only deliveries of this replay."),
    Param(name="since", description="How far back.", choices=tuple(rows.SINCE)),
    Param(name="limit", description="Rows on a page.", type="integer", low=1, high=100),
)
PLACE = (
    Param(name="older", description="Only deliveries older than this one."),
    Param(name="newer", description="Only deliveries newer than this one."),
)
ONE_QUERY = (
    Param(name="attempt", description="Which attempt.", type="integer", low=1, high=10_000),
    Param(name="view", description="Tree or raw.", choices=("tree", "raw")),
)
CAPTURE_VIEW = Param(name="view", description="What of the capture.", choices=bin_page.VIEWS)

SENT_ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET", path="/deliveries", permission=EVENTS, handler=show.show, summary="Deliveries",
        query=(*LIST_QUERY, *PLACE),
    ),
    Route(
        method="GET", path="/deliveries/stream", permission=EVENTS, handler=stream.stream, summary="Live deliveries",
        query=(*LIST_QUERY, AFTER),
    ),
    Route(
        method="GET", path="/deliveries/{id}", permission=EVENTS, handler=one.show, summary="One delivery",
        query=ONE_QUERY,
    ),
    Route(
        method="GET", path="/deliveries/{id}/stream", permission=EVENTS, handler=one_stream.stream,
        summary="One delivery, live", query=(*ONE_QUERY, AFTER),
    ),
    Route(
        method="POST", path="/deliveries/{id}/redeliver", permission=REPLAY, handler=steps.redeliver,
        summary="Send again",
    ),
    Route(
        method="POST", path="/deliveries/{id}/again", permission=REPLAY, handler=steps.again,
        summary="Send again with today's settings",
    ),
    Route(
        method="POST", path="/deliveries/again", permission=REPLAY, handler=selection.again,
        summary="Send the chosen ones again",
    ),
    Route(method="POST", path="/deliveries/{id}/cancel", permission=REPLAY, handler=steps.cancel, summary="Stop"),
    Route(
        method="GET", path="/events", permission=EVENTS, handler=events.show, summary="Events",
        query=(Param(name="type", description="An event type, or a group."), PLACE[0]),
    ),
    Route(method="GET", path="/events/{id}", permission=EVENTS, handler=event.show, summary="One event"),
    Route(
        method="POST", path="/events/{id}/send", permission=REPLAY, handler=event.send,
        summary="Send an event anyway", audit="event.send",
    ),
    Route(
        method="GET", path="/inspector", permission=Permission.WEBHOOKS_READ, handler=bins.show, summary="Inspector"
    ),
    Route(
        method="POST", path="/inspector", permission=REPLAY, handler=bins.create, summary="Make a bin",
        audit="bin.create",
    ),
    Route(
        method="GET", path="/inspector/{bin}", permission=EVENTS, handler=bin_page.show, summary="One bin",
        query=(CAPTURE_VIEW,),
    ),
    Route(
        method="GET", path="/inspector/{bin}/stream", permission=EVENTS, handler=bin_stream.stream,
        summary="Live captures", query=(Param(name="cap", description="The capture that is looked at."), AFTER),
    ),
    Route(
        method="POST", path="/inspector/{bin}/script", permission=REPLAY, handler=bins.change, summary="Change a bin",
        audit="bin.change",
    ),
    Route(
        method="POST", path="/inspector/{bin}/test", permission=REPLAY, handler=bins.test,
        summary="Send it a test event",
    ),
    Route(
        method="POST", path="/inspector/{bin}/delete", permission=REPLAY, handler=bins.delete, summary="Delete a bin",
        audit="bin.delete",
    ),
    Route(
        method="GET", path="/inspector/{bin}/{cap}", permission=EVENTS, handler=bin_page.show, summary="One capture",
        query=(CAPTURE_VIEW,),
    ),
)  # fmt: skip
