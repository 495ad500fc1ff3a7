"""Which deliveries carry an event: its own trace names those that were made with it, a thin table names the others.

So the usual event costs no row of that table. A delivery that is made later, by a replay or with today's settings, is
in the table.
"""

from collections.abc import Iterable, Iterator

from deskbell.model.changes import Change, Insert
from deskbell.model.event import Event
from deskbell.model.ids import DeliveryId, EventId, SiteId

Pair = tuple[SiteId, EventId, DeliveryId]
"""Bindings of `delivery_event_insert`."""


def traced(event: Event) -> Iterator[Pair]:
    """The deliveries that the event's own trace names."""
    return ((event.site, event.id, one.delivery_id) for one in event.trace if one.delivery_id is not None)


def traced_by(changes: Iterable[Change]) -> set[Pair]:
    """The same of every event that a unit writes."""
    events = [one.row for one in changes if type(one) is Insert and type(one.row) is Event]
    return {pair for event in events for pair in traced(event)}
