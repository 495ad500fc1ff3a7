"""Erasing in memory: a subject's content, and a deleted webhook for good."""

from dataclasses import replace

from deskbell.model.changes import EraseSubject, EraseWebhook, Refused
from deskbell.model.delivery import Attempt, Delivery, DeliveryState
from deskbell.model.event import Event, Subject
from deskbell.model.webhook import WebhookState
from deskbell.storage.memory.tables import Tables
from deskbell.storage.nouns import QUOTES

_OPEN = frozenset({DeliveryState.WAITING, DeliveryState.GATHERING})


def erase_subject(tables: Tables, change: EraseSubject) -> int:
    """Blank events, deliveries and attempts of a subject; how many events were not blank before."""
    events: list[Event] = [
        row
        for row in tables.of_site("event", change.site)
        if row.subject is not None and (row.subject.type, row.subject.id) == change.subject
    ]
    ids = {row.id for row in events}
    for row in tables.of_site("delivery", change.site):
        if ids.intersection(row.event_ids):
            _erase_delivery(tables, row, change)
    for answered in tables.of_site("idempotency", change.site):
        if answered.answer.startswith(QUOTES):
            tables.put("idempotency", (answered.site, answered.maker, answered.key), replace(answered, answer=b""))
    fresh = [row for row in events if row.snapshot]
    for event in fresh:
        tables.put("event", (event.site, event.id), replace(event, snapshot=b"", subject=_bare(event.subject)))
    return len(fresh)


def _erase_delivery(tables: Tables, row: Delivery, change: EraseSubject) -> None:
    after = replace(row, payload=None, subject=_bare(row.subject))
    if row.state in _OPEN:
        after = replace(after, state=DeliveryState.CANCELLED, ended_at=change.at)
    tables.put("delivery", (row.site, row.id), after)
    attempts: list[Attempt] = tables.of_site("attempt", change.site)
    for attempt in attempts:
        if attempt.delivery_id == row.id:
            bare = replace(
                attempt,
                outcome=replace(attempt.outcome, text=""),
                request_headers=(),
                response_headers=(),
                response_body=b"",
                response_truncated=False,
            )
            tables.put("attempt", (row.site, attempt.id), bare)


def _bare(subject: Subject | None) -> Subject | None:
    return None if subject is None else replace(subject, title=None)


def erase_webhook(tables: Tables, change: EraseWebhook) -> Refused | None:
    """Delete what is kept of a deleted webhook; its deliveries stay for their own time."""
    key = (change.site, change.webhook_id)
    row = tables.get("webhook", key)
    if row is None or row.state is not WebhookState.DELETED:
        return Refused(reason="state", what="webhook")
    for secret in tables.of_site("secret", *key):
        tables.drop("secret", (*key, secret.id))
    for version in tables.of_site("webhook_version", *key):
        tables.drop("webhook_version", (*key, version.version))
    for stat in tables.of_site("stat_hour", change.site):
        if stat.webhook_id == change.webhook_id:
            tables.drop("stat_hour", (change.site, stat.hour, change.webhook_id))
    tables.drop("health", key)
    tables.drop("webhook", key)
    return None
