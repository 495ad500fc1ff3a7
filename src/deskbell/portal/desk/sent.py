"""Webhooks of the last change: the deliveries that a ticket's or chat's newest change caused."""

from collections.abc import Sequence
from dataclasses import dataclass

from deskbell.model.delivery import Delivery
from deskbell.model.instant import TICKS_PER_SECOND
from deskbell.model.query import DeliveryFilter
from deskbell.portal.deliveries.rows import Surroundings
from deskbell.portal.page import PageAsk
from deskbell.portal.states import Shown, delivery_state

SHOWN = 8
TOGETHER_S = 0.1
"""Deliveries made within this time belong to one change."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One webhook that was told."""

    delivery_id: str
    webhook: str
    state: Shown
    event_type: str


async def sent_for(ask: PageAsk, around: Surroundings, kind: str, subject_id: str) -> list[Sent]:
    """The deliveries of the newest change of this chat or ticket."""
    which = DeliveryFilter(subject=(kind, subject_id))
    found = await ask.rooms.store.deliveries.page(ask.site, which, None, SHOWN)
    newest = last_change(found)
    pills: dict[tuple[str, str], Sent] = {}
    for one in newest:
        sent = sent_of(ask, one, around)
        pills.setdefault((one.webhook_id, sent.state.word), sent)
    return list(pills.values())


def last_change(found: Sequence[Delivery]) -> list[Delivery]:
    """Those made together with the newest."""
    if not found:
        return []
    return [one for one in found if found[0].created_at - one.created_at <= TOGETHER_S * TICKS_PER_SECOND]


def sent_of(ask: PageAsk, delivery: Delivery, around: Surroundings) -> Sent:
    """One delivery as a pill."""
    webhook = around.webhooks.get(delivery.webhook_id)
    return Sent(
        delivery_id=delivery.id,
        webhook=webhook.description if webhook else delivery.webhook_id,
        state=delivery_state(delivery, around.site, webhook, sending=ask.rooms.engine.is_sending(delivery)),
        event_type=delivery.event_types[0] if delivery.event_types else "",
    )
