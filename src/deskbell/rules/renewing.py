"""Deliveries that are made, or begin, once more."""

from collections.abc import Sequence
from dataclasses import replace

from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.event import Event
from deskbell.model.ids import DeliveryId
from deskbell.model.instant import Instant
from deskbell.model.webhook import Webhook


def begun_anew(delivery: Delivery, replay_id: str, now: Instant) -> Delivery:
    """An ended delivery at the start of its schedule; the attempts that were made stay counted."""
    return replace(
        delivery,
        state=DeliveryState.WAITING,
        due_at=now,
        step=0,
        internal_faults=0,
        ended_at=None,
        replay_id=replay_id,
    )


def made_anew(
    webhook: Webhook,
    events: Sequence[Event],
    *,
    delivery_id: DeliveryId,
    now: Instant,
    replay_id: str | None = None,
    copy_of: Delivery | None = None,
) -> Delivery:
    """A new delivery of stored events, due now, with the webhook as it is now."""
    return Delivery(
        site=webhook.site,
        id=delivery_id,
        webhook_id=webhook.id,
        webhook_version=webhook.version,
        shard=webhook.shard,
        event_ids=tuple(one.id for one in events),
        event_types=tuple(dict.fromkeys(one.type for one in events)),
        created_at=now,
        due_at=now,
        subject=events[0].subject if copy_of is None else copy_of.subject,
        hop=max(one.hop for one in events),
        replay_id=replay_id,
        copy_of=None if copy_of is None else copy_of.id,
        test=copy_of is not None and copy_of.test,
    )
