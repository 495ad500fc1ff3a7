"""Erasing: a subject's content, and a deleted webhook for good."""

from typing import Any

from deskbell.model.changes import EraseSubject, EraseWebhook, Refused
from deskbell.storage.postgres.session import Session
from deskbell.storage.rows_attempt import attempt_of, blanked

_OF_WEBHOOK = ("erase_webhook_secret", "erase_webhook_version", "erase_webhook_health", "erase_webhook_stat")


async def erase_subject(session: Session, change: EraseSubject) -> int:
    """Blank events, deliveries and attempts of a subject; how many events were not blank before."""
    bindings: dict[str, Any] = {"site": change.site, "type": change.subject[0], "id": change.subject[1]}
    picked = {"site": change.site, "ids": [key for (key,) in await session.rows("erase_delivery_pick", bindings)]}
    await session.run("erase_delivery", {**picked, "at": change.at})
    attempts = [attempt_of(row) for row in await session.rows("attempt_of_deliveries", picked)]
    lists = {"ids": [one.id for one in attempts], "rests": [blanked(one) for one in attempts]}
    await session.run("attempt_blank", {"site": change.site, **lists})
    await session.run("erase_answer", {"site": change.site})
    return await session.run("erase_event", bindings)


async def erase_webhook(session: Session, change: EraseWebhook) -> Refused | None:
    """Delete what is kept of a deleted webhook; its deliveries stay for their own time."""
    bindings = {"site": change.site, "webhook_id": change.webhook_id}
    if await session.value("webhook_has_state", {**bindings, "state": "deleted"}) is None:
        return Refused(reason="state", what="webhook")
    for name in (*_OF_WEBHOOK, "erase_webhook"):
        await session.run(name, bindings)
    return None
