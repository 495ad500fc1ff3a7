"""New ids. Those of one kind only ever rise, whatever the wall clock does: their order is the order of making."""

from deskbell.model.ids import AttemptId, DeliveryId, EventId, Prefix, id_unix_ms, make_id
from deskbell.model.instant import unix_ms
from deskbell.ports import Clock, Random

_RANDOM_BITS = 62
_PER_MS = 1 << 12  # room for the counter in front of the random bits


class Ids:
    """Makes ids from the clock and chance."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._events = _Rising("evt", clock, random)
        self._deliveries = _Rising("dlv", clock, random)
        self._attempts = _Rising("att", clock, random)

    def event(self) -> EventId:
        """evt_…, greater than every one before it."""
        return EventId(self._events.next())

    def delivery(self) -> DeliveryId:
        """dlv_…, greater than every one before it: that is the order of a subject."""
        return DeliveryId(self._deliveries.next())

    def follow(self, newest: DeliveryId) -> None:
        """Deliveries of earlier processes: new ones are greater than this one too."""
        self._deliveries.follow(newest)

    def attempt(self) -> AttemptId:
        """att_…, greater than every one before it: so "newer than the last counted one" is exact."""
        return AttemptId(self._attempts.next())


class _Rising:
    """Within a millisecond a counter rises; when it is full, or the clock went back, the milliseconds go on alone."""

    __slots__ = ("_clock", "_count", "_last_ms", "_prefix", "_random")

    def __init__(self, prefix: Prefix, clock: Clock, random: Random) -> None:
        self._prefix = prefix
        self._clock = clock
        self._random = random
        self._last_ms = 0
        self._count = 0

    def follow(self, other: str) -> None:
        """Rise above this id."""
        if id_unix_ms(other) >= self._last_ms:
            self._last_ms, self._count = id_unix_ms(other), _PER_MS - 1

    def next(self) -> str:
        """The next id."""
        now_ms = unix_ms(self._clock.now())
        if now_ms > self._last_ms:
            self._last_ms, self._count = now_ms, 0
        elif self._count + 1 < _PER_MS:
            self._count += 1
        else:
            self._last_ms, self._count = self._last_ms + 1, 0
        chance = self._count << _RANDOM_BITS | self._random.bits(_RANDOM_BITS)
        return make_id(self._prefix, unix_ms=self._last_ms, chance=chance)
