"""Deleting what is past its retention, a bounded number of rows of each table at a time."""

from typing import Any

from deskbell.model.changes import Purge, PurgeAudit, Refused
from deskbell.storage.bounds import SLACK_MS, id_bound
from deskbell.storage.postgres.session import Session


async def purge(session: Session, change: Purge) -> int:
    """Ended deliveries first, then attempts, then the events that no delivery carries any more; how many rows."""
    bounds: dict[str, Any] = {"site": change.site, "before": change.before, "rows_max": change.rows_max}
    rows = await _purge_deliveries(session, change, bounds)
    attempts = {**bounds, "id_before": id_bound("att", change.before, SLACK_MS)}
    session.purged.note(change.site, change.before)
    is_longest = session.purged.keeps_longest(change.site)
    rows += await session.run("purge_attempt_other" if is_longest else "purge_attempt", attempts)
    rows += await session.run("purge_event", {**bounds, "id_before": id_bound("evt", change.before, SLACK_MS)})
    for name, before in (("purge_idempotency", change.keys_before), ("purge_capture", change.captures_before)):
        rows += await session.run(name, {**bounds, "before": change.before if before is None else before})
    return rows


async def _purge_deliveries(session: Session, change: Purge, bounds: dict[str, Any]) -> int:
    bindings = {**bounds, "id_before": id_bound("dlv", change.before, SLACK_MS)}
    picked = await session.rows("purge_delivery_pick", bindings)
    carried = [(one, key) for key, event_ids in picked for one in event_ids.split(" ")]
    if not picked:
        return 0
    await session.run("purge_delivery", {"site": change.site, "ids": [key for key, _ in picked]})
    event_ids, delivery_ids = zip(*carried, strict=True)
    lists = {"event_ids": list(event_ids), "delivery_ids": list(delivery_ids)}
    await session.run("purge_delivery_event", {"site": change.site, **lists})
    return len(picked)


async def purge_audit(session: Session, change: PurgeAudit) -> Refused | int:
    """A chain's beginning; how many rows."""
    if not await session.run("audit_checkpoint_put", vars(change)):
        return Refused(reason="state", what="audit")
    return await session.run("audit_purge", vars(change))
