"""Batching and ordering: settings that make no sense together."""

from collections.abc import Iterator

from deskbell.model.errors import FaultAt
from deskbell.rules.batching import gathers
from deskbell.webhooks.spec import POINTERS, WebhookSpec

ONE_EVENT = ("standard",)
"""Payload formats that carry one event."""


def check_batch(spec: WebhookSpec) -> Iterator[FaultAt]:
    """A wait without others to wait for; several events in a format that carries one."""
    if gathers(spec.batch) and spec.format in ONE_EVENT:
        detail = f"The format {spec.format} carries one event: set eventsMax to 1, or choose another format."
        yield FaultAt(pointer=f"{POINTERS['batch']}/eventsMax", code="format_of_one", detail=detail)
    if spec.batch.wait_ms > 0 and not gathers(spec.batch):
        detail = "With eventsMax 1 there are no others to wait for: set eventsMax to 2 or more, or waitMs to 0."
        yield FaultAt(pointer=f"{POINTERS['batch']}/waitMs", code="batch_of_one", detail=detail)


def check_order(spec: WebhookSpec) -> Iterator[FaultAt]:
    """Holding without an order: nothing waits for anything."""
    if spec.on_exhausted == "hold" and spec.ordered_by != "subject":
        detail = "Only what is sent in order can be held: set orderedBy to subject, or onExhausted to continue."
        yield FaultAt(pointer=POINTERS["on_exhausted"], code="not_ordered", detail=detail)
