"""The tab Deleted Webhooks, and restoring."""

from dataclasses import dataclass

from starlette.responses import Response

from deskbell.model.instant import plus
from deskbell.model.people import Actor, ActorKind
from deskbell.model.webhook import Deletion, Webhook, WebhookState
from deskbell.portal.forms import Fields
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, see_other
from deskbell.portal.words import plural

DAY_S = 86_400


@dataclass(frozen=True, kw_only=True)
class DeletedRow:
    """One deleted webhook."""

    webhook: Webhook
    deletion: Deletion
    by: str
    icon: str
    restorable: bool


def maker(actor: Actor) -> tuple[str, str]:
    """Who did it, and the icon: a person, a key ("script") or Deskbell itself."""
    if actor.kind is ActorKind.KEY:
        return f"script · key “{actor.name}”", "key-round"
    if actor.kind is ActorKind.SYSTEM:
        return "system", "settings"
    return actor.name, "user"


async def deleted_rows(ask: PageAsk) -> tuple[DeletedRow, ...]:
    """Newest deletion first."""
    now, days = ask.rooms.clock.now(), ask.rooms.limits.restorable_days
    rows = []
    for webhook in await ask.rooms.store.webhooks.all(ask.site):
        if webhook.state is WebhookState.DELETED and webhook.deletion is not None:
            by, icon = maker(webhook.deletion.by)
            restorable = plus(webhook.deletion.at, days * DAY_S) > now
            rows.append(DeletedRow(webhook=webhook, deletion=webhook.deletion, by=by, icon=icon, restorable=restorable))
    return tuple(sorted(rows, key=lambda row: row.deletion.at, reverse=True))


async def restore(ask: PageAsk) -> Response:
    """Bring it back; `send` tells whether the deliveries that the deletion cancelled are sent after all."""
    send = Fields(values=ask.form()).text("send") == "yes"
    webhook_id = ask.path("id")
    before = await ask.rooms.store.webhooks.get(ask.site, webhook_id)
    await ask.rooms.registrations.restore(ask.caller, webhook_id, send_cancelled=send, origin=ask.origin)
    text = "Restored with the same id, URL and secret."
    cancelled = before.deletion.cancelled if before and before.deletion else 0
    if cancelled:
        after = "wait again" if send else "stay cancelled"
        text += f" {plural(cancelled, 'cancelled delivery', 'cancelled deliveries')}: they {after}."
    return see_other(ask, f"/webhook?open={webhook_id}", Note(text=text))


async def undo(ask: PageAsk) -> Response:
    """Take a deletion back as if it had not happened."""
    webhook_id = ask.path("id")
    await ask.rooms.registrations.restore(ask.caller, webhook_id, send_cancelled=True, origin=ask.origin)
    return see_other(ask, f"/webhook?open={webhook_id}", Note(text="Restored with the same id, URL and secret."))
