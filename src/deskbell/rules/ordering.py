"""Ordering by subject (delivery.md 5): what waits for what."""

from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.webhook import Webhook


def is_ordered(webhook: Webhook) -> bool:
    """Whether the webhook gets one delivery of a subject at a time."""
    return webhook.ordered_by == "subject"


def holds(webhook: Webhook) -> bool:
    """Whether what was not delivered holds the rest of its subject."""
    return is_ordered(webhook) and webhook.on_exhausted == "hold"


def holds_others(delivery: Delivery, webhook: Webhook | None) -> bool:
    """Whether the rest of its subject waits until somebody deals with this delivery."""
    is_stuck = delivery.state is DeliveryState.EXHAUSTED and delivery.subject is not None and not delivery.test
    return is_stuck and webhook is not None and holds(webhook)
