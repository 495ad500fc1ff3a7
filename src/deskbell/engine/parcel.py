"""A delivery in memory: its row, its events, and the bytes once they are rendered."""

from deskbell.engine.gathering import Gathering
from deskbell.model.delivery import Delivery, Trigger
from deskbell.model.event import Event
from deskbell.model.rendering import Rendered
from deskbell.model.webhook import Webhook

_OVERHEAD_BYTES = 1_500  # of the objects around the payload


class Parcel:
    """One delivery that this process holds. Changed by the dispatcher and the attempt only."""

    __slots__ = ("by", "delivery", "due", "events", "gathering", "rendered", "sending", "shape", "trigger", "turn")

    def __init__(
        self,
        delivery: Delivery,
        events: tuple[Event, ...],
        shape: Webhook,
        due: float,
        *,
        trigger: Trigger = Trigger.AUTOMATIC,
        by: str | None = None,
    ) -> None:
        self.delivery = delivery  # as it is in the database
        self.events = events  # empty when a row of them could not be read
        self.shape = shape  # the webhook at the delivery's version: format and kind
        self.due = due  # monotonic seconds
        self.trigger = trigger
        self.by = by
        self.gathering: Gathering | None = None  # this process made it, and may have joins on their way to it
        self.rendered: Rendered | None = None
        self.sending = False  # from its start until its settle is durable
        self.turn = 0  # an entry of a queue counts only while it has the parcel's present turn

    @property
    def is_first(self) -> bool:
        """Whether it was never attempted."""
        return self.delivery.attempts == 0

    @property
    def size_bytes(self) -> int:
        """About what it takes of memory."""
        return _OVERHEAD_BYTES + 2 * self.payload_bytes  # snapshots and the rendered payload

    @property
    def payload_bytes(self) -> int:
        """About the size of its payload."""
        return sum(len(event.snapshot) for event in self.events)
