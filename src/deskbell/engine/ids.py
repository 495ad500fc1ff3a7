"""New ids. Attempt ids only ever rise, so that "newer than the last counted one" is exact."""

from deskbell.model.ids import AttemptId, DeliveryId, EventId, make_id
from deskbell.model.instant import unix_ms
from deskbell.ports import Clock, Random

_RANDOM_BITS = 62
_PER_MS = 1 << 12  # room for the counter in front of the random bits


class Ids:
    """Makes ids from the clock and chance."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._last_ms = 0
        self._count = 0

    def event(self) -> EventId:
        """evt_…"""
        return EventId(make_id("evt", unix_ms=unix_ms(self._clock.now()), chance=self._random.bits(74)))

    def delivery(self) -> DeliveryId:
        """dlv_…"""
        return DeliveryId(make_id("dlv", unix_ms=unix_ms(self._clock.now()), chance=self._random.bits(74)))

    def attempt(self) -> AttemptId:
        """att_…, greater than every one before it, whatever the wall clock does."""
        now_ms = unix_ms(self._clock.now())
        if now_ms > self._last_ms:
            self._last_ms, self._count = now_ms, 0
        elif self._count + 1 < _PER_MS:
            self._count += 1
        else:
            self._last_ms, self._count = self._last_ms + 1, 0
        chance = self._count << _RANDOM_BITS | self._random.bits(_RANDOM_BITS)
        return AttemptId(make_id("att", unix_ms=self._last_ms, chance=chance))
