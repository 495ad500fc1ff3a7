"""What is known of the subjects of a webhook that is ordered by subject: which delivery of each may go.

Each subject with something to send has a line. Its head is the oldest delivery that has not ended; nothing else of the
subject may go. What stands behind the head is in memory as far as there is room, the rest is in the database. A line
whose head is not certain is wanted: the reader asks the database.
"""

import heapq
from bisect import insort
from collections.abc import Sequence

from deskbell.engine.line import Key, Line, id_of, key_of
from deskbell.engine.parcel import Parcel
from deskbell.model.delivery import ENDED, Delivery, DeliveryState
from deskbell.model.ids import DeliveryId
from deskbell.model.instant import Instant

LINES_MAX = 50_000
"""Subjects of one webhook that are known at once, not counting those that are held. Others wait in the database until
some of these are through."""
BEHIND_MAX = 8
"""Deliveries of one subject that wait in memory behind its head, so that a subject with many leaves room to others."""


class Order:
    """The lines of one lane. It decides; the holding and the reader carry out."""

    __slots__ = (
        "_held", "_sleeping", "holds", "is_alone", "is_known", "lines", "loose", "scan_at", "scan_began", "scanned_at",
        "wanted", "whole_at",
    )  # fmt: skip

    def __init__(self, *, holds: bool, is_alone: bool) -> None:
        self.holds = holds  # an exhausted delivery holds its subject
        self.is_alone = is_alone  # no other process accepts events for this webhook
        self.lines: dict[Key, Line] = {}
        self.wanted: dict[Key, None] = {}  # in the order of wanting
        self.loose: list[Parcel] = []  # wait in vain: they are to leave memory
        self.is_known = False  # whatever subject has something to send has a line
        self.scan_at: float | None = None  # monotonic: look then for what came in unseen
        self.scan_began: Instant | None = None
        self.scanned_at: Instant | None = None  # when the last look that came to its end began
        self.whole_at = 0.0  # monotonic: when the last look at the whole queue began
        self._held: set[Key] = set()  # by an exhausted head
        self._sleeping: list[tuple[float, Key]] = []

    def blank(self) -> "Order":
        """The same, knowing nothing."""
        return Order(holds=self.holds, is_alone=self.is_alone)

    def may_go(self, parcel: Parcel) -> bool:
        """Whether this delivery is behind no other one, and none of its subject is on its way."""
        key = key_of(parcel.delivery)
        if key is None:
            return True
        line = self.lines.get(key)
        if line is None or not line.is_sure or line.members[0] is not parcel:
            return False
        return not any(one.sending for one in line.members)

    def is_busy(self, key: Key) -> bool:
        """Whether something new of this subject had to wait."""
        return key in self.lines or not self.is_known

    def arrives(self, parcel: Parcel, key: Key, *, has_room: bool, has_much: bool) -> bool:
        """Something new was accepted: whether to keep it in memory."""
        line = self.lines.get(key)
        if line is None and self.is_known:
            line = self.lines[key] = Line()
            line.more = not has_room
            line.is_sure = has_room and self.is_alone
            if not line.is_sure:
                self.wanted[key] = None
        elif line is None:
            self.sees(parcel.delivery, key)
            return False
        elif line.more or not line.members or not has_much or len(line.members) > BEHIND_MAX:
            line.more = True
            return False
        if has_room:
            insort(line.members, parcel, key=id_of)
        return has_room

    def left(self, parcel: Parcel) -> Parcel | None:
        """A delivery has left memory, for whatever reason: the one that may go now, if that is certain."""
        key = key_of(parcel.delivery)
        line = None if key is None else self.lines.get(key)
        if line is None or key is None:
            return None
        if line.head_id == parcel.delivery.id:  # somebody sent the one that holds the others
            self.want(key)
        was_head = line.is_sure and line.members[0] is parcel
        if parcel in line.members:
            line.members.remove(parcel)
            line.is_torn |= parcel.delivery.state not in ENDED
        if was_head:
            return self._next(key, line, parcel.delivery)
        return line.members[0] if line.is_sure and self.may_go(line.members[0]) else None

    def want(self, key: Key) -> None:
        """Nothing is certain of this subject: ask the database. What has no line has nothing to send."""
        line = self.lines.get(key)
        if line is not None:
            line.is_sure, line.after, line.head_id, line.until = False, None, None, None
            self._held.discard(key)
            self.wanted[key] = None

    def cancelled(self, delivery_id: DeliveryId) -> None:
        """A delivery was cancelled: if others wait for it, they wait no more."""
        for key, line in self.lines.items():
            if line.head_id == delivery_id:
                self.want(key)

    def sees(self, row: Delivery, key: Key) -> bool:
        """The database has this row: False when there is no room for its subject."""
        line = self.lines.get(key)
        if line is None:
            if len(self.lines) - len(self._held) >= LINES_MAX:
                return False
            line = self.lines[key] = Line()
            self.want(key)
        elif any(one.delivery.id == row.id for one in line.members):
            return True
        elif line.is_passed_by(row):  # sent once more, or due sooner, or it was the one that held the others
            self.want(key)
        line.more = True
        return True

    def asks(self, key: Key) -> frozenset[DeliveryId]:
        """The reader asks for this subject now: what is in memory of it. What comes in meanwhile sets `more`."""
        del self.wanted[key]
        line = self.lines[key]
        line.more = False
        return frozenset(one.delivery.id for one in line.members)

    def heads(self, key: Key, parcels: Sequence[Parcel], *, more: bool, is_whole: bool) -> Parcel:
        """These are the oldest of the subject. `more`: the database may have others; `is_whole`: none in between."""
        line = self.lines[key]
        first = parcels[0].delivery.id
        self.loose += [one for one in line.members if one.delivery.id < first]  # they have ended elsewhere
        line.members = [one for one in line.members if one.delivery.id >= first]
        for parcel in parcels:
            if parcel not in line.members:
                insort(line.members, parcel, key=id_of)
        line.is_sure, line.more, line.is_torn = True, more, not is_whole
        line.after = line.head_id = line.until = None
        return line.members[0]

    def sleep(self, key: Key, head: Delivery, until: float | None) -> None:
        """The head is not in memory: it is due later, or is exhausted and holds the others (None)."""
        line = self.lines[key]
        line.head_id, line.until, line.is_sure, line.more = head.id, until, False, True
        self.loose += line.members
        if until is None:
            self._held.add(key)
        else:
            heapq.heappush(self._sleeping, (until, key))

    def drop(self, key: Key) -> None:
        """The subject has nothing to send: what is in memory of it is out of date."""
        self.loose += self.lines.pop(key).members

    def wake(self, now: float) -> None:
        """Want the lines whose heads are due."""
        while self._sleeping and self._sleeping[0][0] <= now:
            until, key = heapq.heappop(self._sleeping)
            line = self.lines.get(key)
            if line is not None and line.until == until:
                self.want(key)

    def next_at(self) -> float | None:
        """When there is something to look for next (monotonic)."""
        times = [one for one in (self._sleeping[0][0] if self._sleeping else None, self.scan_at) if one is not None]
        return min(times, default=None)

    def _next(self, key: Key, line: Line, gone: Delivery) -> Parcel | None:
        """The head has gone: the next one, if that is certain."""
        if gone.state is DeliveryState.EXHAUSTED and self.holds:
            self.sleep(key, gone, None)
            return None
        is_through = gone.state in ENDED
        if is_through and self.is_alone and not line.is_torn and line.members:
            return line.members[0]
        if is_through and not line.members and not line.more and not line.is_torn:
            del self.lines[key]
            return None
        self.want(key)
        line.after = gone.id if is_through and self.is_alone and not self.holds else None
        return None
