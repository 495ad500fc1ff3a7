"""A delivery that gathers: how full it is, and who waits for it."""

from collections.abc import Callable, Sequence

from deskbell.model.event import Event, Subject
from deskbell.model.ids import DeliveryId
from deskbell.model.instant import Instant
from deskbell.model.webhook import Webhook
from deskbell.rules.batching import payload_bytes, takes
from deskbell.rules.ordering import is_ordered

Key = tuple[str, str] | None
"""What the events of one delivery have in common: their subject when the webhook is ordered by it, else nothing."""


def key_of(webhook: Webhook, subject: Subject | None) -> Key:
    """Events of different keys never share a delivery."""
    return (subject.type, subject.id) if is_ordered(webhook) and subject is not None else None


class Gathering:
    """A delivery of this process that more events may join. It says how full it is; its row is in the database.

    What is handed in counts at once: a delivery never grows over its limits, whatever the commits bring.
    """

    __slots__ = ("delivery_id", "due_at", "events", "events_bytes", "key", "pending", "then", "version")

    def __init__(self, delivery_id: DeliveryId, webhook: Webhook, key: Key, due_at: Instant) -> None:
        self.delivery_id = delivery_id
        self.version = webhook.version
        self.key = key
        self.due_at = due_at
        self.events = 0
        self.events_bytes = 0
        self.pending = 0  # units that made or joined it and are not answered
        self.then: Callable[[], None] | None = None  # once nothing is pending

    def has_room(self, webhook: Webhook, more_bytes: int, bytes_max: int) -> bool:
        """Whether one more event of this size fits."""
        size = payload_bytes(self.events_bytes + more_bytes, self.events + 1, webhook.format)
        return takes(self.events + 1, size, webhook.batch, bytes_max)

    def count(self, size_bytes: int) -> None:
        """One more event."""
        self.events += 1
        self.events_bytes += size_bytes

    def give_back(self, events: Sequence[Event]) -> None:
        """These were not accepted after all."""
        self.events -= len(events)
        self.events_bytes -= sum(len(one.snapshot) for one in events)

    def answered(self) -> None:
        """A unit that made or joined it was answered."""
        self.pending -= 1
        if not self.pending and self.then is not None:
            then, self.then = self.then, None
            then()
