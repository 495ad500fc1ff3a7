"""Erasing: a subject's content, and a deleted webhook for good."""

from collections.abc import Mapping
from typing import Any

import apsw

from deskbell.model.changes import EraseSubject, EraseWebhook, Refused
from deskbell.storage.rows_attempt import attempt_of, blanked

_OF_WEBHOOK = ("erase_webhook_secret", "erase_webhook_version", "erase_webhook_health", "erase_webhook_stat")


def erase_subject(connection: apsw.Connection, sql: Mapping[str, str], change: EraseSubject) -> int:
    """Blank events, deliveries and attempts of a subject; how many events were not blank before."""
    bindings: dict[str, Any] = {"site": change.site, "type": change.subject[0], "id": change.subject[1]}
    picked = [str(key) for (key,) in connection.execute(sql["erase_delivery_pick"], bindings)]
    for key in picked:
        connection.execute(sql["erase_delivery"], {"site": change.site, "id": key, "at": change.at})
        rows = list(connection.execute(sql["attempt_of_delivery"], {"site": change.site, "delivery_id": key}))
        for row in rows:
            attempt = attempt_of(row)
            rest = blanked(attempt)
            connection.execute(sql["attempt_blank"], {"site": change.site, "id": attempt.id, "rest": rest})
    connection.execute(sql["erase_answer"], {"site": change.site})
    connection.execute(sql["erase_event"], bindings)
    return connection.changes()


def erase_webhook(connection: apsw.Connection, sql: Mapping[str, str], change: EraseWebhook) -> Refused | None:
    """Delete what is kept of a deleted webhook; its deliveries stay for their own time."""
    bindings = {"site": change.site, "webhook_id": change.webhook_id}
    if connection.execute(sql["webhook_has_state"], {**bindings, "state": "deleted"}).get is None:
        return Refused(reason="state", what="webhook")
    for name in (*_OF_WEBHOOK, "erase_webhook"):
        connection.execute(sql[name], bindings)
    return None
