"""What a webhook may go through: pause, resume, enable, disable, delete, restore."""

from typing import Any

from starlette.responses import Response

from deskbell.api.answer import ApiAsk, nothing
from deskbell.api.shapes import HeldShape, Input, WebhookShape
from deskbell.api.webhooks import answer, body
from deskbell.model.account import Permission
from deskbell.server.route import Param, Route
from deskbell.webhooks import Released


class PauseInput(Input):
    """For how long; without minutes until resumed."""

    minutes: int | None = None


class ResumeInput(Input):
    """What happens to deliveries that were made longer ago; `dryRun` only counts."""

    drop_older_than_seconds: int | None = None
    dry_run: bool = False


class EnableInput(Input):
    """What happens to the held deliveries, `resume` or `cancel`; `dryRun` only counts."""

    held: str = "resume"
    dry_run: bool = False


class ReasonInput(Input):
    """Why."""

    reason: str | None = None


class RestoreInput(Input):
    """Whether the deliveries that the deletion cancelled are sent after all."""

    send_cancelled: bool = False


async def delete(ask: ApiAsk) -> Response:
    """Delete a webhook; waiting deliveries are cancelled. It can be restored for 30 days."""
    await ask.rooms.registrations.delete(ask.caller, ask.path("id"), ask.query.get("reason"), origin=ask.origin)
    return nothing()


async def restore(ask: ApiAsk) -> Response:
    """Bring back id, URL and secret of a deleted webhook."""
    given = body(ask, RestoreInput)
    webhook = await ask.rooms.registrations.restore(
        ask.caller, ask.path("id"), send_cancelled=given.send_cancelled, origin=ask.origin
    )
    return await answer(ask, webhook)


async def pause(ask: ApiAsk) -> Response:
    """Hold deliveries until resumed, or for some minutes."""
    minutes = body(ask, PauseInput).minutes
    return await answer(
        ask, await ask.rooms.registrations.pause(ask.caller, ask.path("id"), minutes, origin=ask.origin)
    )


async def resume(ask: ApiAsk) -> Response:
    """Send what was held, oldest first; the answer says how many are sent and how many were cancelled."""
    given, rooms, webhook_id = body(ask, ResumeInput), ask.rooms, ask.path("id")
    older = given.drop_older_than_seconds
    if given.dry_run:
        return await released(ask, await rooms.registrations.would_resume(ask.site, webhook_id, older))
    return await released(ask, await rooms.registrations.resume(ask.caller, webhook_id, older, origin=ask.origin))


async def enable(ask: ApiAsk) -> Response:
    """Enable a disabled webhook; its held deliveries resume or are cancelled, the answer says how many."""
    given, rooms, webhook_id = body(ask, EnableInput), ask.rooms, ask.path("id")
    if given.dry_run:
        return await released(ask, await rooms.registrations.would_enable(ask.site, webhook_id, given.held))
    return await released(ask, await rooms.registrations.enable(ask.caller, webhook_id, given.held, origin=ask.origin))


async def released(ask: ApiAsk, found: Released) -> Response:
    """The webhook, and what becomes of the deliveries that it held."""
    return await answer(ask, found.webhook, held=HeldShape(kept=found.kept, cancelled=found.cancelled))


async def disable(ask: ApiAsk) -> Response:
    """Stop making deliveries; waiting ones are held."""
    reason = body(ask, ReasonInput).reason
    return await answer(
        ask, await ask.rooms.registrations.disable(ask.caller, ask.path("id"), reason, origin=ask.origin)
    )


WRITE, REPLAY = Permission.WEBHOOKS_WRITE, Permission.DELIVERIES_REPLAY
ROUTES: tuple[Route[Any], ...] = (
    Route(
        method="DELETE",
        path="/webhooks/{id}",
        permission=WRITE,
        handler=delete,
        summary="Delete a webhook",
        status=204,
        audit="webhook.delete",
        query=(Param(name="reason", description="Why it is deleted."),),
    ),
    Route(
        method="POST",
        path="/webhooks/{id}/restore",
        permission=WRITE,
        handler=restore,
        summary="Restore a deleted webhook",
        request=RestoreInput,
        response=WebhookShape,
        audit="webhook.restore",
    ),
    Route(
        method="POST",
        path="/webhooks/{id}/pause",
        permission=REPLAY,
        handler=pause,
        summary="Pause a webhook",
        request=PauseInput,
        response=WebhookShape,
        audit="webhook.pause",
    ),
    Route(
        method="POST",
        path="/webhooks/{id}/resume",
        permission=REPLAY,
        handler=resume,
        summary="Resume a paused webhook",
        request=ResumeInput,
        response=WebhookShape,
        audit="webhook.resume",
    ),
    Route(
        method="POST",
        path="/webhooks/{id}/enable",
        permission=WRITE,
        handler=enable,
        summary="Enable a disabled webhook",
        request=EnableInput,
        response=WebhookShape,
        audit="webhook.enable",
    ),
    Route(
        method="POST",
        path="/webhooks/{id}/disable",
        permission=WRITE,
        handler=disable,
        summary="Disable a webhook",
        request=ReasonInput,
        response=WebhookShape,
        audit="webhook.disable",
    ),
)
