"""Batches and order in the form of a webhook: two numbers and one choice for four members of the API."""

from collections.abc import Callable, Mapping
from typing import Any

from deskbell.model.webhook import Webhook
from deskbell.rules.batching import gathers
from deskbell.rules.ordering import is_ordered

ORDERS = {
    "none": "as fast as possible",
    "continue": "in order per ticket or chat; what cannot be delivered is passed by",
    "hold": "in order per ticket or chat; what cannot be delivered holds the rest",
}


def members_of_order(choice: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as members of the API; people say seconds."""
    chosen, wait_s = choice in ("continue", "hold"), numbers.get("batch_wait_s")
    return {
        "orderedBy": "subject" if chosen else "none",
        "onExhausted": choice if chosen else "continue",
        "batch": {"eventsMax": numbers.get("batch_events"), "waitMs": None if wait_s is None else round(wait_s * 1000)},
    }


def texts_of_order(webhook: Webhook) -> dict[str, str]:
    """The fields as a webhook's settings fill them."""
    return {
        "batch_events": str(webhook.batch.events_max) if gathers(webhook.batch) else "",
        "batch_wait_s": f"{webhook.batch.wait_ms / 1000:g}" if webhook.batch.wait_ms else "",
        "order": webhook.on_exhausted if is_ordered(webhook) else "none",
    }


def summary_of_order(text: Callable[[str], str]) -> str:
    """What the fields say, for the closed part of the form; nothing when all is as usual."""
    events, wait_s = text("batch_events"), text("batch_wait_s")
    batch = f"up to {events} events at once" + (f" within {wait_s} s" if wait_s not in ("", "0") else "")
    order = {"continue": "in order", "hold": "in order, held by what fails"}.get(text("order"), "")
    return " · ".join(one for one in (batch if events not in ("", "1") else "", order) if one)
