"""Who sends next: lanes of webhooks, fair turns, caps, and one timer for everything that is due later."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable

from deskbell.engine.lane import Lane
from deskbell.engine.ownership import Ownership
from deskbell.engine.parcel import Parcel
from deskbell.engine.rotation import Debts, Rotation
from deskbell.model.ids import SiteId, WebhookId
from deskbell.ports import Clock
from deskbell.rules.limits import Limits

SPENT_S = 1.0
"""Before it is looked again whether there is room to record what is sent."""
STARTS_PER_TURN = 100
"""Then the loop gets to do other things: a burst must not delay accepts and pages."""
_RETRY_EVERY = 8
"""Among so many starts one retry goes first, so that first attempts never starve them."""

_KEPT = 8
"""One slot in so many is kept for sites that hold less than their share, when there are several."""


class Dispatcher:
    """Starts attempts: urgent ones, then first attempts and retries, each in fair turns over sites and webhooks."""

    def __init__(
        self, *, clock: Clock, limits: Limits, ownership: Ownership, is_spent: Callable[[], bool] = lambda: False
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._ownership = ownership
        self._debts = Debts()
        self._first = Rotation(1, self._debts)
        self._retries = Rotation(2, self._debts)
        self._urgent: deque[tuple[Parcel, int, Lane]] = deque()
        self._later: list[tuple[float, int, Parcel | Lane, int]] = []
        self._count = 0
        self._timer: asyncio.Handle | None = None  # uvloop knows no time of a handle that is due at once
        self._timer_at = 0.0  # by the loop's clock
        self._is_spent = is_spent  # the disk is so full that what is sent could not be recorded
        self._pump_asked = False
        self._sites: set[SiteId] = set()
        self._site_in_flight: dict[SiteId, int] = {}
        self._picks = 0
        self.in_flight = 0
        self.first_in_flight = 0
        self.unsettled = 0
        self.stopping = False
        self.lanes: dict[WebhookId, Lane] = {}
        self.begin: Callable[[Parcel], None] = lambda parcel: None
        self.is_fresh: Callable[[SiteId], bool] = lambda site: True
        self.on_lane_due: Callable[[Lane], None] = lambda lane: None

    # queueing

    def lane(self, site: SiteId, webhook_id: WebhookId) -> Lane:
        """The lane of a webhook, made at first use."""
        found = self.lanes.get(webhook_id)
        if found is None:
            found = self.lanes[webhook_id] = Lane(site, webhook_id)
            self._sites.add(site)
        return found

    def queue(self, lane: Lane, parcel: Parcel) -> None:
        """Queue a parcel that is in memory: now, or when it is due; not if it has to wait for one before it."""
        if lane.order is not None and not lane.order.may_go(parcel):
            return
        parcel.turn += 1
        if parcel.due > self._clock.monotonic():
            self.at(parcel.due, parcel, parcel.turn)
            return
        (lane.first if parcel.is_first else lane.retries).append((parcel, parcel.turn))
        self.offer(lane)

    def queue_urgent(self, lane: Lane, parcel: Parcel) -> None:
        """Queue a parcel ahead of everything, whatever its lane may do: a person asked for it."""
        parcel.turn += 1
        self._urgent.append((parcel, parcel.turn, lane))
        self.ask_pump()

    def offer(self, lane: Lane) -> None:
        """Let the lane take turns if it has something and may go; else look again when it may."""
        if not self._may_go(lane):
            return
        if lane.first:
            self._first.add(lane)
        if lane.retries:
            self._retries.add(lane)
        self.ask_pump()

    def is_free(self, lane: Lane) -> bool:
        """Whether something new of this lane would start at once."""
        now = self._clock.monotonic()
        behind = lane.first or (lane.store_due is not None and lane.store_due <= now)
        if lane.held or behind or lane.in_flight >= lane.allowed or self.in_flight >= self._limits.in_flight_max:
            return False
        return self._ready_at(lane, now) <= now

    def at(self, when: float, what: Parcel | Lane, turn: int = 0) -> None:
        """Look at this parcel or lane at a monotonic time."""
        self._count += 1
        heapq.heappush(self._later, (when, self._count, what, turn))
        self._arm()

    # slots

    def free(self, lane: Lane, was_first: bool) -> None:
        """An attempt has come back: its slot is free, its settle is not durable yet."""
        self.in_flight -= 1
        self.first_in_flight -= was_first
        lane.in_flight -= 1
        left = self._site_in_flight[lane.site] - 1
        if left:
            self._site_in_flight[lane.site] = left
        else:
            del self._site_in_flight[lane.site]
        self.offer(lane)
        self.ask_pump()

    def ask_pump(self) -> None:
        """Start what may start, soon: one call for all that happened in this turn of the loop."""
        if not self._pump_asked and not self.stopping:
            self._pump_asked = True
            asyncio.get_running_loop().call_soon(self._pump)

    def tick(self) -> None:
        """Move what is due by now into the lanes."""
        self._timer = None
        now = self._clock.monotonic()
        while self._later and self._later[0][0] <= now:
            _, _, what, turn = heapq.heappop(self._later)
            if isinstance(what, Lane):
                self._lane_due(what, now)
            elif what.turn == turn:
                lane = self.lanes[what.delivery.webhook_id]
                (lane.first if what.is_first else lane.retries).append((what, turn))
                self.offer(lane)
        self._arm()

    def halt(self) -> None:
        """Start no attempt any more."""
        self.stopping = True
        if self._timer is not None:
            self._timer.cancel()

    def oldest_due_s(self) -> float:
        """How long the longest-waiting of the due parcels in memory has waited."""
        now = self._clock.monotonic()
        heads = [q[0][0].due for lane in self.lanes.values() if not lane.held for q in (lane.first, lane.retries) if q]
        return max(0.0, now - min(heads)) if heads else 0.0

    def _lane_due(self, lane: Lane, now: float) -> None:
        if lane.wake_at is not None and lane.wake_at <= now:
            lane.wake_at = None
            self.offer(lane)
        if lane.store_due is not None and lane.store_due <= now:
            self.on_lane_due(lane)

    def _arm(self) -> None:
        if not self._later or self.stopping:
            return
        loop = asyncio.get_running_loop()
        when = loop.time() + max(0.0, self._later[0][0] - self._clock.monotonic())
        if self._timer is not None:
            if self._timer_at <= when:
                return
            self._timer.cancel()
        self._timer_at = when
        self._timer = loop.call_at(when, self.tick)

    def _may_go(self, lane: Lane) -> bool:
        if lane.held or lane.in_flight >= lane.allowed or not (lane.first or lane.retries):
            return False
        if not self._ownership.may_start(lane.shard):
            return False
        now = self._clock.monotonic()
        ready_at = self._ready_at(lane, now)
        if ready_at <= now:
            return True
        if lane.wake_at is None or lane.wake_at > ready_at:
            lane.wake_at = ready_at
            self.at(ready_at, lane)
        return False

    def _ready_at(self, lane: Lane, now: float) -> float:
        """When receiver, breaker and rate let the lane go on."""
        ready_at = max(lane.wait_until, lane.open_until)
        if lane.bucket is not None:
            ready_at = max(ready_at, now + lane.bucket.wait_s(now))
        if lane.recovery is not None:
            if lane.recovery.is_over(now):
                lane.recovery = None
            else:
                ready_at = max(ready_at, now + lane.recovery.wait_s(now))
        return ready_at

    def _pump(self) -> None:
        if self._is_spent() and not self.stopping:
            asyncio.get_running_loop().call_later(SPENT_S, self._pump)
            return
        self._pump_asked = False
        for _ in range(STARTS_PER_TURN):
            if self.stopping or self.in_flight >= self._limits.in_flight_max:
                return
            if self.unsettled >= self._limits.commit_queue_max:
                return
            found = self._pick()
            if found is None:
                return
            self._start(*found)
        self.ask_pump()

    def _start(self, lane: Lane, parcel: Parcel) -> None:
        self.in_flight += 1
        self.first_in_flight += parcel.is_first
        lane.in_flight += 1
        self._site_in_flight[lane.site] = self._site_in_flight.get(lane.site, 0) + 1
        parcel.turn += 1
        parcel.sending = True
        self.offer(lane)
        self.begin(parcel)

    def _pick(self) -> tuple[Lane, Parcel] | None:
        for _ in range(len(self._urgent)):
            parcel, turn, lane = self._urgent.popleft()
            if parcel.turn != turn:
                continue
            if self._ownership.may_start(lane.shard) and self.is_fresh(lane.site):
                return lane, parcel
            self._urgent.append((parcel, turn, lane))  # until the lease is renewed and the settings are read
        self._picks += 1
        half = self._limits.in_flight_max // 2
        retries_may = self.in_flight - self.first_in_flight < max(1, half)
        retry_first = self._picks % (2 if self.first_in_flight >= half else _RETRY_EVERY) == 0
        order = (self._retries, self._first) if retry_first else (self._first, self._retries)
        for rotation in order:
            if rotation is self._retries and not retries_may:
                continue
            found = self._pick_from(rotation)
            if found is not None:
                return found
        return None

    def _pick_from(self, rotation: Rotation) -> tuple[Lane, Parcel] | None:
        while (lane := self._take(rotation)) is not None:
            parcel = None
            if self._may_go(lane):
                parcel = lane.pop(lane.first if rotation is self._first else lane.retries)
            if parcel is not None:
                for pace in (lane.bucket, lane.recovery):
                    if pace is not None:
                        pace.take(self._clock.monotonic())
                self._debts.charge(lane, parcel.payload_bytes)
                return lane, parcel
            self.offer(lane)
        return None

    def _take(self, rotation: Rotation) -> Lane | None:
        """Sites that hold less than their share go first; the last slots are theirs alone, however slow others are."""
        if not rotation:
            return None
        kept = self._limits.in_flight_max // _KEPT if len(self._sites) > 1 else 0
        if self.in_flight >= self._limits.in_flight_max - kept:
            return rotation.take(self._under_share)
        return rotation.take(self._under_share, somebody=False) or rotation.take(_anyone)

    def _under_share(self, site: SiteId) -> bool:
        """A site that holds less than a quarter of the slots goes before one that holds more."""
        return self._site_in_flight.get(site, 0) < max(1, self._limits.in_flight_max // 4)


def _anyone(site: SiteId) -> bool:
    return True
