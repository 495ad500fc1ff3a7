"""Webhooks: register, change, test, pause, delete, restore, reveal, rotate."""

from collections import defaultdict
from typing import Any

import msgspec
from starlette.responses import Response

from deskbell.api import show
from deskbell.api.answer import ApiAsk, json, page, place
from deskbell.api.shapes import Input, WebhookInput, WebhookShape
from deskbell.api.webhook_spec import as_patch, as_spec
from deskbell.model.account import Permission
from deskbell.model.errors import Invalid, Unreadable
from deskbell.model.instant import unix_seconds
from deskbell.model.people import Actor, ActorKind
from deskbell.model.webhook import Health, StatHour, Webhook
from deskbell.server.ask import decode
from deskbell.server.once import Keeps
from deskbell.server.route import LIST, Param, Route

STATES = ("enabled", "paused", "disabled", "deleted")


class TestInput(Input):
    """What to send."""

    event_type: str = "test.ping"
    sample: str = "typical"


def body(ask: ApiAsk, shape: Any) -> Any:
    """An optional JSON body: empty means every default."""
    return ask.json(shape) if ask.body.strip() else shape()


async def numbers(ask: ApiAsk) -> tuple[dict[str, Health], dict[str, list[StatHour]]]:
    """Health by webhook, and the hours of the last day by webhook."""
    rooms = ask.rooms
    hour = unix_seconds(rooms.clock.now()) // 3600 - 23
    stats: dict[str, list[StatHour]] = defaultdict(list)
    for row in await rooms.store.webhooks.stats(ask.site, hour):
        stats[row.webhook_id].append(row)
    return {row.webhook_id: row for row in await rooms.store.webhooks.health(ask.site)}, stats


async def answer(ask: ApiAsk, webhook: Webhook, status: int = 200, **more: Any) -> Response:
    """A webhook with its version as ETag."""
    healths, stats = await numbers(ask)
    shape = show.webhook(
        webhook,
        limits=ask.rooms.limits,
        health_row=healths.get(webhook.id),
        stats=stats.get(webhook.id, ()),
        **more,
    )
    headers = {"etag": f'"{webhook.version}"'}
    if status == 201:
        headers["location"] = f"/api/v1/webhooks/{webhook.id}"
    return json(shape, status, headers)


def if_version(ask: ApiAsk) -> int | None:
    """The version that If-Match names; None when it is absent or `*`."""
    text = ask.request.headers.get("if-match", "*").strip()
    if text == "*":
        return None
    number = text.removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdigit()):
        raise Unreadable("If-Match takes the ETag of what is changed, or `*`.")
    return int(number)


async def listing(ask: ApiAsk) -> Response:
    """Every webhook but the deleted ones, newest first; `?state=deleted` shows those."""
    after, limit = place(ask)
    found = await ask.rooms.registrations.list(
        ask.site, state=ask.query.get("state"), type=ask.query.get("type"), text=ask.query.get("text")
    )
    rows = sorted((one for one in found if after is None or one.id < after), key=lambda one: one.id, reverse=True)
    healths, stats = await numbers(ask)
    return page(
        ask,
        rows[: limit + 1],
        limit,
        lambda one: one.id,
        lambda one: show.webhook(
            one, limits=ask.rooms.limits, health_row=healths.get(one.id), stats=stats.get(one.id, ())
        ),
    )


async def create(ask: ApiAsk) -> Response:
    """Register a webhook; its signing secret is in this one answer."""
    given = ask.json(WebhookInput)
    rooms = ask.rooms
    made = await rooms.registrations.create(ask.caller, as_spec(given), origin=ask.origin)
    if given.send_test:
        await rooms.engine.send_test(ask.site, made.webhook.id, by=actor(ask))
    return await answer(ask, made.webhook, 201, url_text=made.url_text, secret=made.secret_text, warnings=made.warnings)


async def get(ask: ApiAsk) -> Response:
    """One webhook, its URL masked."""
    return await answer(ask, await ask.rooms.registrations.get(ask.site, ask.path("id")))


async def change(ask: ApiAsk) -> Response:
    """JSON merge patch of a webhook's settings; `null` removes."""
    given: Any = decode(ask.body, object)
    if not isinstance(given, dict):
        raise Invalid("The body must be an object of the members to change.")
    changed = await ask.rooms.registrations.update(
        ask.caller, ask.path("id"), as_patch(given), if_version=if_version(ask), origin=ask.origin
    )
    revealed = changed.url_text if "receiverUrl" in given else None
    return await answer(ask, changed.webhook, url_text=revealed, warnings=changed.warnings)


async def test(ask: ApiAsk) -> Response:
    """Send one test delivery and answer with its id; read its attempt under /deliveries."""
    given = body(ask, TestInput)
    webhook = await ask.rooms.registrations.get(ask.site, ask.path("id"))
    delivery_id = await ask.rooms.engine.send_test(ask.site, webhook.id, by=actor(ask), event_type=given.event_type)
    return json({"deliveryId": delivery_id}, 202)


async def health(ask: ApiAsk) -> Response:
    """How the webhook fares."""
    webhook = await ask.rooms.registrations.get(ask.site, ask.path("id"))
    healths, stats = await numbers(ask)
    waiting = {row.webhook_id: row for row in await ask.rooms.store.deliveries.waiting(ask.site)}.get(webhook.id)
    shape = msgspec.to_builtins(show.health(webhook, healths.get(webhook.id), stats.get(webhook.id, ())))
    fault = ask.rooms.engine.filter_fault(webhook)
    shape["filterFault"] = fault and {
        "at": show.time(fault.at),
        "eventType": fault.event_type,
        "text": fault.text,
        "count": fault.count,
    }
    shape["waiting"] = waiting.waiting if waiting else 0
    shape["oldestWaitingAt"] = show.time(waiting.oldest_at) if waiting else None
    shape["nextAttemptAt"] = show.time(waiting.next_at) if waiting else None
    return json(shape)


async def hours(ask: ApiAsk) -> Response:
    """Hourly counts of the last day."""
    webhook = await ask.rooms.registrations.get(ask.site, ask.path("id"))
    _, stats = await numbers(ask)
    items = [
        {"hour": row.hour * 3600, "delivered": row.delivered, "accepted": row.accepted, "failed": row.failed}
        for row in sorted(stats.get(webhook.id, ()), key=lambda row: row.hour)
    ]
    return json({"items": items})


def actor(ask: ApiAsk) -> Actor:
    """The caller as one who did something."""
    kind = ActorKind.KEY if ask.caller.kind == "key" else ActorKind.PERSON
    return Actor(kind=kind, name=ask.caller.name, id=ask.caller.id)


READ, WRITE, REPLAY = Permission.WEBHOOKS_READ, Permission.WEBHOOKS_WRITE, Permission.DELIVERIES_REPLAY
ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET",
        path="/webhooks",
        permission=READ,
        handler=listing,
        summary="List webhooks",
        response=WebhookShape,
        query=(
            *LIST,
            Param(name="state", description="Only webhooks in this state.", choices=STATES),
            Param(name="type", description="Only webhooks that chose this event type."),
            Param(name="text", description="Words in the description or the host."),
        ),
    ),
    Route(
        method="POST",
        path="/webhooks",
        keeps=Keeps.SECRET,
        permission=WRITE,
        handler=create,
        summary="Register a webhook",
        status=201,
        request=WebhookInput,
        response=WebhookShape,
        audit="webhook.create",
    ),
    Route(
        method="GET", path="/webhooks/{id}", permission=READ, handler=get, summary="One webhook", response=WebhookShape
    ),
    Route(
        method="PATCH",
        path="/webhooks/{id}",
        permission=WRITE,
        handler=change,
        summary="Change a webhook",
        request=dict[str, Any],
        response=WebhookShape,
        audit="webhook.change",
    ),
    Route(
        method="POST",
        path="/webhooks/{id}/test",
        permission=REPLAY,
        handler=test,
        summary="Send a test delivery",
        status=202,
        request=TestInput,
    ),
    Route(method="GET", path="/webhooks/{id}/health", permission=READ, handler=health, summary="Health of a webhook"),
    Route(
        method="GET", path="/webhooks/{id}/stats", permission=READ, handler=hours, summary="Hourly counts of a webhook"
    ),
)
