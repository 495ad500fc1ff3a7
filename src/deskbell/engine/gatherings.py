"""Which delivery a new event joins, and what becomes of those that were joined."""

from collections.abc import Sequence

from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.gathering import Gathering, Key
from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.lane import Lane
from deskbell.model.changes import Join
from deskbell.model.event import Event
from deskbell.model.ids import DeliveryId
from deskbell.model.instant import Instant
from deskbell.model.webhook import Webhook
from deskbell.rules.batching import joined

KEPT_MAX = 10_000
"""Of one webhook. A delivery that is not kept here is not joined any more; it goes out when it is due."""


class Gatherings:
    """The newest delivery of each key that gathers, per lane; only ever one that was made by this process."""

    def __init__(self, ground: Ground, *, dispatcher: Dispatcher, holding: Holding) -> None:
        self._clock = ground.clock
        self._limits = ground.limits
        self._ownership = ground.ownership
        self._doorbell = ground.doorbell
        self._dispatcher = dispatcher
        self._holding = holding

    def bytes_max(self, webhook: Webhook) -> int:
        """How large a payload of this webhook may be."""
        return webhook.payload_bytes_max or self._limits.payload_bytes_max

    def find(self, webhook: Webhook, key: Key, size_bytes: int, now: Instant) -> Gathering | None:
        """The delivery that takes an event of this size, if there is one. One that is too full is closed."""
        lane = self._lane(webhook)
        found = lane.gathering.get(key)
        if found is None:
            return None
        if found.version == webhook.version and self._is_joined(webhook, found, now):
            if found.has_room(webhook, size_bytes, self.bytes_max(webhook)):
                return found
            self._hurry(lane, found.delivery_id)
        del lane.gathering[key]
        return None

    def keep(self, webhook: Webhook, gathering: Gathering) -> None:
        """From now on this is the one to join."""
        kept = self._lane(webhook).gathering
        kept[gathering.key] = gathering
        if len(kept) > KEPT_MAX:
            del kept[next(iter(kept))]

    def waits(self, webhook: Webhook, key: Key) -> bool:
        """Whether a delivery made now waits anyhow: for its batch, or because others are in front of it."""
        if key is not None and not self._ownership.alone:  # others may join nothing, for the order's sake
            return False
        if webhook.batch.wait_ms:
            return True
        if not self._ownership.owns(webhook.shard):
            return False
        lane = self._lane(webhook)
        is_behind = key is not None and lane.order is not None and lane.order.is_busy(key)
        return is_behind or not self._dispatcher.is_free(lane)

    def close(self, webhook: Webhook, gathering: Gathering) -> None:
        """Nothing joins it any more."""
        lane = self._lane(webhook)
        if lane.gathering.get(gathering.key) is gathering:
            del lane.gathering[gathering.key]

    def joined(self, webhook: Webhook, join: Join, events: Sequence[Event], *, is_closed: bool) -> None:
        """Events are durable in a delivery that was there before: if it is in memory, it has them there too."""
        found = self._holding.find(webhook.id, join.delivery_id)
        if found is not None:
            lane, parcel = found
            if join.event_ids[0] not in parcel.delivery.event_ids:  # else the reader saw the commit before we did
                self._holding.grow(parcel, joined(parcel.delivery, join), events)
            if is_closed:
                self._hurry(lane, join.delivery_id)
            self._doorbell.ring("delivery", parcel.delivery)
        elif self._ownership.owns(webhook.shard):
            self._holding.note(self._lane(webhook), join.due_at)
        else:
            self._doorbell.ring("due", (webhook.site, webhook.id, webhook.shard))

    def _is_joined(self, webhook: Webhook, gathering: Gathering, now: Instant) -> bool:
        """Whether events may still join: always while its owner is this process, for that one freezes it. Another
        owner freezes it when it is due; and it knows the order of a subject, we do not."""
        if self._ownership.owns(webhook.shard):
            return self._ownership.alone or gathering.key is None
        return gathering.key is None and now < gathering.due_at

    def _lane(self, webhook: Webhook) -> Lane:
        return self._dispatcher.lane(webhook.site, webhook.id)

    def _hurry(self, lane: Lane, delivery_id: DeliveryId) -> None:
        """It takes no more: it goes now."""
        found = self._holding.find(lane.webhook_id, delivery_id)
        now = self._clock.monotonic()
        if found is not None and not found[1].sending and found[1].due > now:
            found[1].due = now
            self._dispatcher.queue(lane, found[1])
