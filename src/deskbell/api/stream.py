"""`/stream`: deliveries, attempts and webhooks as server-sent events, resumable by Last-Event-ID."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from deskbell.api import show
from deskbell.api.answer import ApiAsk, shows_refused
from deskbell.api.deliveries import surroundings
from deskbell.model.account import Permission
from deskbell.model.delivery import Attempt, Delivery
from deskbell.model.ids import is_id
from deskbell.model.query import DeliveryFilter
from deskbell.server.route import Route
from deskbell.server.streaming import until_stopping

QUEUE_MAX = 1_000
COMMENT_S = 15.0
CHECK_S = 5.0
"""Whether the caller may still listen is looked at so often."""
RESUME_MAX = 1_000


async def stream(ask: ApiAsk) -> Response:
    """What happens from now on, after what was missed since Last-Event-ID."""
    return StreamingResponse(until_stopping(ask.rooms.doorbell, lines(ask)), media_type="text/event-stream")


async def lines(ask: ApiAsk) -> AsyncIterator[bytes]:
    """The stream's lines; a slow reader loses the oldest, never holds up the sender."""
    queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue(QUEUE_MAX)
    stops = [ask.rooms.doorbell.listen(bell, put_into(queue, bell)) for bell in ("delivery", "attempt", "webhook")]
    try:
        yield b": connected\n\n"
        for line in await missed(ask):
            yield line
        monotonic = ask.rooms.clock.monotonic
        checked = quiet_since = monotonic()
        while True:
            heard = await next_of(queue)
            if monotonic() - checked >= CHECK_S:
                checked = monotonic()
                if not await ask.rooms.accounts.still_may(ask.caller, Permission.EVENTS_READ):
                    return
            news = None if heard is None else await told(ask, *heard)
            if news is None and monotonic() - quiet_since >= COMMENT_S:
                news = b": still here\n\n"
            if news is not None:
                quiet_since = monotonic()
                yield news
    finally:
        for stop in stops:
            stop()


async def next_of(queue: "asyncio.Queue[tuple[str, Any]]") -> tuple[str, Any] | None:
    """What happened next; None when nothing did for a moment."""
    try:
        return await asyncio.wait_for(queue.get(), CHECK_S)
    except TimeoutError:
        return None


def put_into(queue: "asyncio.Queue[tuple[str, Any]]", bell: str) -> Callable[[Any], None]:
    """A listener that drops the oldest when full."""

    def heard(value: Any) -> None:
        if queue.full():
            queue.get_nowait()
        queue.put_nowait((bell, value))

    return heard


async def told(ask: ApiAsk, bell: str, value: Any) -> bytes | None:
    """One happening as an event of the stream; None when it belongs to another site."""
    if isinstance(value, Delivery) and value.site == ask.site:
        site, webhooks = await surroundings(ask)
        return event(bell, value.id, show.delivery(value, site, webhooks.get(value.webhook_id)))
    if isinstance(value, Attempt) and value.site == ask.site:
        return event(bell, value.id, show.attempt(value, shows_refused=shows_refused(ask)))
    if bell == "webhook" and value[0] == ask.site:
        found = await ask.rooms.store.webhooks.get(ask.site, value[1])
        return None if found is None else event(bell, None, show.webhook(found, limits=ask.rooms.limits))
    return None


async def missed(ask: ApiAsk) -> list[bytes]:
    """Deliveries newer than Last-Event-ID, oldest first."""
    last = ask.request.headers.get("last-event-id", "")
    if not is_id(last, "dlv"):
        return []
    site, webhooks = await surroundings(ask)
    rows = await ask.rooms.store.deliveries.page(ask.site, DeliveryFilter(), last, RESUME_MAX, newer=True)
    return [event("delivery", one.id, show.delivery(one, site, webhooks.get(one.webhook_id))) for one in reversed(rows)]


def event(name: str, event_id: str | None, value: Any) -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n" + (f"id: {event_id}\n" if event_id else "")
    return head.encode() + b"data: " + msgspec.json.encode(value) + b"\n\n"


ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET",
        path="/stream",
        permission=Permission.EVENTS_READ,
        handler=stream,
        summary="Deliveries and attempts as they happen (server-sent events)",
    ),
)
