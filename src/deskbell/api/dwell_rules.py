"""Dwell rules: tell when a chat or a ticket stays in one status for too long."""

from typing import Any

from starlette.responses import Response

from deskbell.api.answer import ApiAsk, json, nothing
from deskbell.api.people import mapping
from deskbell.api.shapes import Input, Shape
from deskbell.api.webhooks import actor, if_version
from deskbell.desk.dwell_reading import rule_body
from deskbell.model.account import Permission
from deskbell.model.instant import format_instant
from deskbell.model.timer import DwellRule
from deskbell.rules.dwell_words import sentence
from deskbell.server.route import Route


class DwellRuleShape(Shape):
    """A dwell rule; `says` is what it does, as a sentence."""

    id: str
    version: int
    description: str
    subject: str
    status: str
    status_name: str
    longer_than_seconds: int
    repeat_every_seconds: int | None
    repeat_max: int | None
    business_hours: dict[str, Any] | None
    enabled: bool
    says: str
    created_at: str


class DwellRulesShape(Shape):
    """The rules, oldest first, and bodies of those that most desks want and that are not there yet."""

    items: list[DwellRuleShape]
    offered: list[dict[str, Any]]
    next: None = None


class DwellRuleInput(Input):
    """A dwell rule; `subject`, `status` and `longerThanSeconds` are enough."""

    subject: str
    status: str | int
    longer_than_seconds: int
    description: str | None = None
    repeat_every_seconds: int | None = None
    repeat_max: int | None = None
    business_hours: dict[str, Any] | None = None
    enabled: bool = True


async def shown(ask: ApiAsk, *rules: DwellRule) -> list[DwellRuleShape]:
    """Rules on the wire."""
    names = await ask.rooms.dwell_rules.status_names(ask.site)
    return [shape(rule, names.get((rule.subject, rule.status), rule.status)) for rule in rules]


def shape(rule: DwellRule, status_name: str) -> DwellRuleShape:
    """One rule on the wire."""
    body = rule_body(rule)
    return DwellRuleShape(
        id=rule.id,
        version=rule.version,
        description=rule.description,
        subject=rule.subject,
        status=rule.status,
        status_name=status_name,
        longer_than_seconds=rule.longer_than_s,
        repeat_every_seconds=rule.repeat_every_s,
        repeat_max=body["repeatMax"],
        business_hours=body["businessHours"],
        enabled=rule.enabled,
        says=sentence(rule, status_name),
        created_at=format_instant(rule.created_at),
    )


async def answer(ask: ApiAsk, rule: DwellRule, status: int = 200) -> Response:
    """One rule, its version as ETag."""
    headers = {"etag": f'"{rule.version}"'}
    if status == 201:
        headers["location"] = f"/api/v1/desk/dwell-rules/{rule.id}"
    return json((await shown(ask, rule))[0], status, headers)


async def listing(ask: ApiAsk) -> Response:
    """The rules, oldest first, and what is offered besides."""
    rooms = ask.rooms.dwell_rules
    items = await shown(ask, *await rooms.list(ask.site))
    return json(DwellRulesShape(items=items, offered=list(await rooms.offered(ask.site))))


async def create(ask: ApiAsk) -> Response:
    """A new rule; it counts for whatever is in the status already."""
    return await answer(ask, await ask.rooms.dwell_rules.create(ask.site, mapping(ask), actor(ask), ask.origin), 201)


async def get(ask: ApiAsk) -> Response:
    """One rule."""
    return await answer(ask, await ask.rooms.dwell_rules.get(ask.site, ask.path("id")))


async def change(ask: ApiAsk) -> Response:
    """JSON merge patch. A rule that then waits for something else begins anew: what is too long is told again."""
    rule = await ask.rooms.dwell_rules.change(
        ask.site, ask.path("id"), mapping(ask), actor(ask), ask.origin, if_version=if_version(ask)
    )
    return await answer(ask, rule)


async def delete(ask: ApiAsk) -> Response:
    """The rule and its timers are gone."""
    await ask.rooms.dwell_rules.delete(ask.site, ask.path("id"), actor(ask), ask.origin)
    return nothing()


READ, WRITE, ALSO = Permission.DESK_READ, Permission.WEBHOOKS_WRITE, (Permission.DESK_WRITE,)
ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET",
        path="/desk/dwell-rules",
        permission=READ,
        handler=listing,
        summary="List dwell rules",
        response=DwellRulesShape,
        tag="desk",
    ),
    Route(
        method="POST",
        path="/desk/dwell-rules",
        permission=WRITE,
        also=ALSO,
        handler=create,
        summary="Create a dwell rule",
        request=DwellRuleInput,
        response=DwellRuleShape,
        status=201,
        audit="dwell_rule.create",
        tag="desk",
    ),
    Route(
        method="GET",
        path="/desk/dwell-rules/{id}",
        permission=READ,
        handler=get,
        summary="One dwell rule",
        response=DwellRuleShape,
        tag="desk",
    ),
    Route(
        method="PATCH",
        path="/desk/dwell-rules/{id}",
        permission=WRITE,
        also=ALSO,
        handler=change,
        summary="Change a dwell rule",
        request=dict[str, Any],
        response=DwellRuleShape,
        audit="dwell_rule.change",
        tag="desk",
    ),
    Route(
        method="DELETE",
        path="/desk/dwell-rules/{id}",
        permission=WRITE,
        also=ALSO,
        handler=delete,
        summary="Delete a dwell rule",
        status=204,
        audit="dwell_rule.delete",
        tag="desk",
    ),
)
