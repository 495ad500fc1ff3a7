"""One subject of an ordered webhook: its deliveries that have not ended, oldest first."""

from deskbell.engine.parcel import Parcel
from deskbell.model.delivery import Delivery
from deskbell.model.ids import DeliveryId

Key = tuple[str, str]
"""A subject: type, id."""


class Line:
    """What is known of it. While `is_sure`, the first member is the head: the one that may go."""

    __slots__ = ("after", "head_id", "is_sure", "is_torn", "members", "more", "until")

    def __init__(self) -> None:
        self.members: list[Parcel] = []  # in memory
        self.is_sure = False
        self.is_torn = False  # one that is not in memory may stand between members
        self.more = False  # some that are not in memory may stand behind the last member
        self.after: DeliveryId | None = None  # nothing up to this one is left: what follows is the head
        self.head_id: DeliveryId | None = None  # a head that is not in memory …
        self.until: float | None = None  # … is due then (monotonic); None: it is exhausted and holds the others

    def is_passed_by(self, row: Delivery) -> bool:
        """Whether this row of the database, which is not in memory, says that another one is the head now."""
        if self.head_id is not None:
            return self.until is None or row.id <= self.head_id
        return self.is_sure and row.id < self.members[0].delivery.id


def key_of(delivery: Delivery) -> Key | None:
    """The subject by which a delivery is ordered; None: it is not, and neither is a test."""
    subject = delivery.subject
    return None if subject is None or delivery.test else (subject.type, subject.id)


def id_of(parcel: Parcel) -> DeliveryId:
    """What lines are ordered by."""
    return parcel.delivery.id
