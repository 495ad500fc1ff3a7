"""The site: the slider, links, narrowing of receivers, retention, people to notify."""

from typing import Any

from msgspec import UNSET, UnsetType
from starlette.responses import Response

from deskbell.api import show
from deskbell.api.answer import ApiAsk, json
from deskbell.api.shapes import Input, Shape
from deskbell.model.account import Permission
from deskbell.model.errors import Invalid, NotFound
from deskbell.model.instant import format_instant
from deskbell.model.site import Site
from deskbell.server.ask import decode
from deskbell.server.route import Route


class RestoredShape(Shape):
    """What waits on hold since a restore."""

    backup_at: str
    restored_at: str
    webhook_ids: list[str]  # not answered yet
    waiting: int  # deliveries
    due_since_backup: int  # of them: may have been sent since the backup


class SiteShape(Shape):
    """The site's settings."""

    msp: str
    name: str
    webhooks_enabled: bool
    time_zone: str
    locale: str
    chat_link: str | None
    ticket_link: str | None
    allowed_receivers: list[str]
    retention_days: int
    audit_retention_days: int
    notify: list[str]
    redact: list[str]  # members masked in stored answers, and in what viewers see
    missed_while_off: dict[str, Any] | None
    restored: RestoredShape | None  # a backup was restored, and not everything is answered yet
    second_factor_required: bool  # of everybody, at their next sign-in
    version: int
    replay_id: str | UnsetType = UNSET  # of the replay that this request began


class MissedInput(Input):
    """What happens to the events that happened while webhooks were off: replay, or leave."""

    answer: str


class RestoredInput(Input):
    """What happens to what waits since a restore: `send`, or `cancel` what was due before it."""

    answer: str
    webhook_id: str | None = None  # null: of every webhook


async def restored_shape(ask: ApiAsk) -> RestoredShape | None:
    """The open question of a restore."""
    found = await ask.rooms.registrations.restored_counts(ask.site)
    if found is None:
        return None
    return RestoredShape(
        backup_at=format_instant(found.restored.backup_at),
        restored_at=format_instant(found.restored.at),
        webhook_ids=list(found.restored.held),
        waiting=found.waiting,
        due_since_backup=found.due_since,
    )


async def answer(ask: ApiAsk, site: Site, replay_id: str | UnsetType = UNSET) -> Response:
    """The site with what was missed while off."""
    missed = await ask.rooms.registrations.missed_count(ask.site)
    return json(
        SiteShape(
            msp=site.site,
            name=site.name,
            webhooks_enabled=site.webhooks_enabled,
            time_zone=site.time_zone,
            locale=site.locale,
            chat_link=site.chat_link,
            ticket_link=site.ticket_link,
            allowed_receivers=list(site.allowed_receivers),
            retention_days=site.retention_days,
            audit_retention_days=site.audit_retention_days,
            notify=list(site.notify),
            redact=list(site.redact),
            missed_while_off=None if missed is None else {"count": missed[0], "since": show.time(missed[1])},
            restored=await restored_shape(ask),
            second_factor_required=site.second_factor_required,
            version=site.version,
            replay_id=replay_id,
        ),
        headers={"etag": f'"{site.version}"'},
    )


async def one(ask: ApiAsk) -> Site:
    """The caller's site."""
    site = await ask.rooms.store.sites.get(ask.site)
    if site is None:
        raise NotFound
    return site


async def get(ask: ApiAsk) -> Response:
    """The site."""
    return await answer(ask, await one(ask))


async def change(ask: ApiAsk) -> Response:
    """JSON merge patch of the site; `webhooksEnabled` is the slider."""
    given: Any = decode(ask.body, object)
    if not isinstance(given, dict):
        raise Invalid("The body must be an object of the members to change.")
    return await answer(ask, await ask.rooms.registrations.update_site(ask.caller, given, origin=ask.origin))


async def answer_missed(ask: ApiAsk) -> Response:
    """Answer the question that moving the slider on leaves open."""
    given = ask.json(MissedInput).answer
    if given == "replay":
        made = await ask.rooms.replays.begin_missed(ask.caller, origin=ask.origin)
        return await answer(ask, await one(ask), made.id)
    return await answer(ask, await ask.rooms.registrations.answer_missed(ask.caller, given, origin=ask.origin))


async def answer_restored(ask: ApiAsk) -> Response:
    """Answer the question that a restore leaves open."""
    given = ask.json(RestoredInput)
    site = await ask.rooms.registrations.answer_restored(ask.caller, given.answer, given.webhook_id, origin=ask.origin)
    return await answer(ask, site)


ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="GET",
        path="/site",
        permission=Permission.WEBHOOKS_READ,
        handler=get,
        summary="The site",
        response=SiteShape,
    ),
    Route(
        method="PATCH",
        path="/site",
        permission=Permission.SITE_ADMIN,
        handler=change,
        summary="Change the site",
        request=dict[str, Any],
        response=SiteShape,
        audit="site.change",
    ),
    Route(
        method="POST",
        path="/site/missed",
        permission=Permission.SITE_ADMIN,
        handler=answer_missed,
        request=MissedInput,
        summary="What to do with events missed while off",
        response=SiteShape,
        audit="site.missed",
    ),
    Route(
        method="POST",
        path="/site/restored",
        permission=Permission.SITE_ADMIN,
        handler=answer_restored,
        request=RestoredInput,
        summary="What to do with what waits since a restore",
        response=SiteShape,
        audit="site.restored",
    ),
)
