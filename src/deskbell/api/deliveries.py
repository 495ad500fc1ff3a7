"""Deliveries and attempts: find, read, send again, cancel."""

from typing import Any

from starlette.responses import Response

from deskbell.api import show
from deskbell.api.answer import ApiAsk, json, page, place, shows_refused
from deskbell.api.events import instant, subject_of
from deskbell.api.shapes import AttemptShape, DeliveryShape, Input
from deskbell.api.webhooks import body
from deskbell.model.account import Permission
from deskbell.model.delivery import Delivery
from deskbell.model.errors import FaultAt, Invalid, NotFound
from deskbell.model.ids import WebhookId
from deskbell.model.query import DeliveryFilter
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.server.masked import masked_paths
from deskbell.server.route import LIST, Param, Route

OPEN = ("waiting", "gathering")
STATES = ("gathering", "waiting", "held", "delivered", "accepted", "exhausted", "cancelled")


class RedeliverInput(Input):
    """`stored`: same id, same bytes. `again`: a new delivery of the same events with the webhook's present settings."""

    render: str = "stored"


async def surroundings(ask: ApiAsk) -> tuple[Site, dict[str, Webhook]]:
    """The site and its webhooks, for what holds a delivery."""
    site = await ask.rooms.store.sites.get(ask.site)
    if site is None:
        raise NotFound
    return site, {one.id: one for one in await ask.rooms.store.webhooks.all(ask.site)}


def held_webhooks(site: Site, webhooks: dict[str, Webhook]) -> tuple[WebhookId, ...]:
    """The webhooks whose deliveries are held now."""
    held = (WebhookState.PAUSED, WebhookState.DISABLED)
    return tuple(one.id for one in webhooks.values() if not site.sends(one.id) or one.state in held)


def filters(ask: ApiAsk, site: Site, webhooks: dict[str, Webhook]) -> DeliveryFilter:
    """The query parameters as a filter."""
    states = tuple(state for state in ask.query.get("state", "").split(",") if state)
    unknown = [state for state in states if state not in STATES]
    if unknown:
        detail = f"There is no state {unknown[0]!r}. Known: {', '.join(STATES)}."
        raise Invalid(detail, faults=(FaultAt(pointer="/state", code="choice", detail=detail),))
    held = True if states == ("held",) else (False if "waiting" in states and "held" not in states else None)
    words = tuple(ask.query.get("text", "").lower().split())
    return DeliveryFilter(
        webhook_ids=tuple(WebhookId(one) for one in ask.query.get("webhook", "").split(",") if one),
        states=tuple(dict.fromkeys(one for state in states for one in (OPEN if state == "held" else (state,)))),
        held=held,
        held_webhooks=held_webhooks(site, webhooks),
        event_type=ask.query.get("type"),
        subject=subject_of(ask),
        replay_id=ask.query.get("replay"),
        since=instant(ask, "from"),
        until=instant(ask, "to"),
        words=words,
        word_webhooks=tuple(
            tuple(one.id for one in webhooks.values() if word in (one.description + one.receiver_url.host).lower())
            for word in words
        ),
    )


async def listing(ask: ApiAsk) -> Response:
    """Deliveries, newest first."""
    before, limit = place(ask)
    site, webhooks = await surroundings(ask)
    rows = await ask.rooms.store.deliveries.page(ask.site, filters(ask, site, webhooks), before, limit + 1)
    waits_for = await ask.rooms.engine.waits_for(rows)
    return page(
        ask,
        rows,
        limit,
        lambda one: one.id,
        lambda one: show.delivery(one, site, webhooks.get(one.webhook_id), before=waits_for.get(one.id)),
    )


async def copies_of(ask: ApiAsk, delivery: Delivery) -> list[Delivery]:
    """The deliveries that were made of this one with later settings, oldest first."""
    rows = await ask.rooms.store.deliveries.carrying(ask.site, delivery.event_ids[:1], delivery.webhook_id)
    return [one for one in rows if one.copy_of == delivery.id]


async def answer(ask: ApiAsk, delivery: Delivery, status: int = 200) -> Response:
    """A delivery with its log."""
    site, webhooks = await surroundings(ask)
    log = await ask.rooms.store.deliveries.attempts(ask.site, delivery.id)
    copies = await copies_of(ask, delivery)
    before = (await ask.rooms.engine.waits_for((delivery,))).get(delivery.id)
    return json(
        show.delivery(delivery, site, webhooks.get(delivery.webhook_id), log, copies, before, shows_refused(ask)),
        status,
    )


async def get(ask: ApiAsk) -> Response:
    """One delivery with its attempts, oldest first."""
    found = await ask.rooms.store.deliveries.get(ask.site, ask.path("id"))
    if found is None:
        raise NotFound
    return await answer(ask, found)


async def redeliver(ask: ApiAsk) -> Response:
    """Send one delivery again, now: same id and bytes, or as a new delivery with today's settings."""
    render = body(ask, RedeliverInput).render
    if render == "stored":
        return await answer(ask, await ask.rooms.engine.redeliver(ask.site, ask.path("id"), by=ask.caller.name))
    if render == "again":
        return await answer(ask, await ask.rooms.engine.send_again(ask.site, ask.path("id"), by=ask.caller.name), 201)
    detail = "Choose stored (same id, same bytes) or again (a new delivery with today's settings)."
    raise Invalid(detail, faults=(FaultAt(pointer="/render", code="choice", detail=detail),))


async def cancel(ask: ApiAsk) -> Response:
    """Stop a delivery that waits, or an exhausted one for which the rest of its subject waits."""
    return await answer(ask, await ask.rooms.engine.cancel(ask.site, ask.path("id")))


async def attempt(ask: ApiAsk) -> Response:
    """One attempt: request, response, timing, outcome, decision."""
    found = await ask.rooms.store.deliveries.attempt(ask.site, ask.path("id"))
    if found is None:
        raise NotFound
    body = await ask.rooms.engine.payload_of(ask.site, found.delivery_id) or b""
    return json(
        show.attempt(
            found, body, masked=await masked_paths(ask.caller, ask.rooms.store), shows_refused=shows_refused(ask)
        )
    )


REPLAY = Permission.DELIVERIES_REPLAY
ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET",
        path="/deliveries",
        permission=Permission.EVENTS_READ,
        handler=listing,
        summary="List deliveries",
        response=DeliveryShape,
        query=(
            *LIST,
            Param(name="webhook", description="whk_… of a webhook; may be given several times.", many=True),
            Param(name="state", description=f"One of {', '.join(STATES)}; may be given several times.", many=True),
            Param(name="type", description="An event type in the payload."),
            Param(name="subject", description="type:id, for example ticket:22282"),
            Param(name="replay", description="rpl_… of a replay that began them."),
            Param(name="from", description="Made at or after this ISO time."),
            Param(name="to", description="Made before this ISO time."),
            Param(name="text", description="Words in subject, ids, types, webhook, host or outcome."),
        ),
    ),
    Route(
        method="GET",
        path="/deliveries/{id}",
        permission=Permission.EVENTS_READ,
        handler=get,
        summary="One delivery",
        response=DeliveryShape,
    ),
    Route(
        method="POST",
        path="/deliveries/{id}/redeliver",
        permission=REPLAY,
        handler=redeliver,
        request=RedeliverInput,
        summary="Send a delivery again",
        response=DeliveryShape,
    ),
    Route(
        method="POST",
        path="/deliveries/{id}/cancel",
        permission=REPLAY,
        handler=cancel,
        summary="Stop a waiting delivery",
        response=DeliveryShape,
    ),
    Route(
        method="GET",
        path="/attempts/{id}",
        permission=Permission.EVENTS_READ,
        handler=attempt,
        summary="One attempt",
        response=AttemptShape,
    ),
)
