"""Batching (delivery.md 5): whether a delivery takes one more event, when it falls due, and what it is afterwards."""

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from deskbell.model.changes import Join
from deskbell.model.delivery import Delivery
from deskbell.model.event import Subject
from deskbell.model.instant import TICKS_PER_MS, Instant
from deskbell.model.webhook import Batch, Format

_Carrier = TypeVar("_Carrier", Delivery, Join)

_ENVELOPE_BYTES = 2
"""The brackets around the events."""

_WRAPPING_BYTES = MappingProxyType({Format.CLOUDEVENTS: 512})
"""What a format writes around each event at most, besides the comma. The others write nothing around it."""


def gathers(batch: Batch) -> bool:
    """Whether a webhook with this setting takes several events in one delivery."""
    return batch.events_max > 1


def payload_bytes(events_bytes: int, events: int, payload_format: Format) -> int:
    """The size of a payload at most, from the sizes of its snapshots."""
    return _ENVELOPE_BYTES + events_bytes + events * (1 + _WRAPPING_BYTES.get(payload_format, 0))


def takes(events: int, size_bytes: int, batch: Batch, bytes_max: int) -> bool:
    """Whether a delivery may grow to so many events and bytes. One event alone always goes: if that is too large, the
    attempt says so."""
    return events <= 1 or (events <= batch.events_max and size_bytes <= bytes_max)


def is_full(events: int, batch: Batch) -> bool:
    """Whether nothing more goes in."""
    return events >= batch.events_max


def falls_due(oldest_at: Instant, batch: Batch) -> Instant:
    """When a delivery that is not full goes out: its oldest event has then waited as long as it may."""
    return Instant(oldest_at + batch.wait_ms * TICKS_PER_MS)


def common_subject(subjects: Sequence[Subject | None]) -> Subject | None:
    """The subject of a payload: what all of its events are about, or None."""
    first = subjects[0]
    if first is None:
        return None
    return first if all(one is not None and (one.type, one.id) == (first.type, first.id) for one in subjects) else None


def joined(row: Delivery, more: Join) -> Delivery:
    """The delivery with the events that joined it."""
    return _with(row, more)


def both(first: Join, second: Join) -> Join:
    """Two joins of one delivery as one."""
    return _with(first, second)


def _with(carrier: _Carrier, more: Join) -> _Carrier:
    return replace(
        carrier,
        event_ids=carrier.event_ids + more.event_ids,
        event_types=tuple(dict.fromkeys(carrier.event_types + more.event_types)),
        subject=common_subject((carrier.subject, more.subject)),
        hop=max(carrier.hop, more.hop),
        due_at=min(carrier.due_at, more.due_at),
    )
