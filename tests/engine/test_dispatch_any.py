"""Who sends next, whatever comes and goes: no cap is passed, one probe at a time, and work that may go goes soon."""

import asyncio
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from amount import examples
from contract.made import delivery, event, webhook
from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.lane import Lane
from deskbell.engine.ownership import Ownership
from deskbell.engine.parcel import Parcel
from deskbell.model.breaker import Breaker
from deskbell.model.exchange import OutcomeClass
from deskbell.model.ids import SiteId, WebhookId
from deskbell.rules.breaker import in_flight_max, judged
from deskbell.rules.limits import Limits
from deskbell.rules.pacing import Bucket
from engine.world import FakeClock

LIMITS = Limits(in_flight_max=8, in_flight_per_webhook=4)
RATE = 2.0
LANES = [("a", 1), ("a", 2), ("b", 3), ("b", 4), ("c", 5)]
PACED = WebhookId("whk_5")
picks = st.integers(0, 999)


class Dispatching(RuleBasedStateMachine):
    """Five webhooks of three sites; one is paced. A webhook has its breaker, as the settle keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FakeClock()
        self.flying: list[Parcel] = []
        self.started: Counter[str] = Counter()  # deliveries
        self.paced: list[float] = []  # when the paced one started
        self.probes: set[str] = set()
        self.breakers: dict[WebhookId, Breaker] = {}
        self.faults: list[str] = []  # seen by what the dispatcher calls, where nobody hears an assertion

    @initialize()
    def begin(self) -> None:
        """Nothing waits yet."""
        self.dispatcher = Dispatcher(clock=self.clock, limits=LIMITS, ownership=Ownership(self.clock, alone=True))
        self.dispatcher.begin = self._begun
        for site, number in LANES:
            lane = self.dispatcher.lane(SiteId(site), WebhookId(f"whk_{number}"))
            lane.held, lane.allowed = False, LIMITS.in_flight_per_webhook
            self.breakers[lane.webhook_id] = Breaker()
        self.dispatcher.lanes[PACED].bucket = Bucket(RATE, self.clock.monotonic())

    def teardown(self) -> None:
        self.everything_goes_in_the_end()
        self.dispatcher.halt()
        self.runner.close()

    def _begun(self, parcel: Parcel) -> None:
        self.flying.append(parcel)
        self.started[parcel.delivery.id] += 1
        lane = self._lane(parcel)
        if lane.held or self.clock.monotonic() < lane.open_until:
            self.faults.append(f"{lane.webhook_id} is held or open")
        if lane.webhook_id == PACED:
            self.paced.append(self.clock.monotonic())
        if self.breakers[lane.webhook_id].until is not None:
            if [one for one in self.flying if one.delivery.id in self.probes and self._lane(one) is lane]:
                self.faults.append(f"{lane.webhook_id} is probed twice")
            self.probes.add(parcel.delivery.id)

    def _lane(self, parcel: Parcel) -> Lane:
        return self.dispatcher.lanes[parcel.delivery.webhook_id]

    def _turn(self) -> None:
        async def turned() -> None:
            self.dispatcher.tick()
            self.dispatcher.ask_pump()
            for _ in range(4):
                await asyncio.sleep(0)

        self.runner.run(turned())

    @rule(pick=picks, count=st.integers(1, 6), retry=st.booleans(), size=st.sampled_from([10, 60_000]))
    def queue(self, pick: int, count: int, retry: bool, size: int) -> None:
        """Some deliveries of one webhook."""
        site, number = LANES[pick % len(LANES)]
        self.runner.run(self._queue(SiteId(site), WebhookId(f"whk_{number}"), count, retry, size))
        self._turn()

    async def _queue(self, site: SiteId, hook: WebhookId, count: int, retry: bool, size: int) -> None:
        lane = self.dispatcher.lane(site, hook)
        for _ in range(count):
            row = delivery(site=site, webhook_id=hook, attempts=int(retry), payload_bytes=size)
            parcel = Parcel(row, (event(site=site, snapshot=b"x" * size),), webhook(id=hook), self.clock.monotonic())
            lane.members[row.id] = parcel
            self.dispatcher.queue(lane, parcel)

    @precondition(lambda self: self.flying)
    @rule(times=st.integers(2, 9))
    def receiver_fails(self, times: int) -> None:
        """One webhook's attempts fail again and again, until its breaker opens or nothing is left."""
        hook = self.flying[0].delivery.webhook_id
        for _ in range(times):
            mine = [n for n, one in enumerate(self.flying) if one.delivery.webhook_id == hook]
            if mine:
                self.come_back(mine[0], OutcomeClass.FAILED)

    @precondition(lambda self: self.flying)
    @rule(pick=picks, kind=st.sampled_from([OutcomeClass.DELIVERED, OutcomeClass.FAILED, OutcomeClass.FAILED]))
    def come_back(self, pick: int, kind: OutcomeClass) -> None:
        """One attempt ends, and its webhook's breaker is judged."""
        parcel = self.flying.pop(pick % len(self.flying))
        lane = self._lane(parcel)
        is_probe = parcel.delivery.id in self.probes
        self.probes.discard(parcel.delivery.id)
        del lane.members[parcel.delivery.id]
        now = self.clock.now()
        breaker = judged(self.breakers[lane.webhook_id], kind, is_probe=is_probe, now=now, limits=LIMITS)
        self.breakers[lane.webhook_id] = breaker
        lane.allowed = in_flight_max(breaker, LIMITS)
        wait = 0.0 if breaker.until is None else max(0.0, (breaker.until - now) / 1e7)
        lane.open_until = self.clock.monotonic() + wait
        self.runner.run(self._free(lane, parcel))
        self._turn()

    async def _free(self, lane: Lane, parcel: Parcel) -> None:
        self.dispatcher.free(lane, parcel.is_first)

    @rule(seconds=st.sampled_from([0.3, 1.0, 31.0, 901.0]))
    def time_passes(self, seconds: float) -> None:
        """What waits for its time is looked at."""
        self.clock.advance(seconds)
        self._turn()

    @rule(pick=picks, held=st.booleans())
    def hold(self, pick: int, held: bool) -> None:
        """A webhook is paused or goes on."""
        site, number = LANES[pick % len(LANES)]
        lane = self.dispatcher.lane(SiteId(site), WebhookId(f"whk_{number}"))
        lane.held = held
        self.runner.run(self._offer(lane))
        self._turn()

    async def _offer(self, lane: Lane) -> None:
        self.dispatcher.offer(lane)

    @invariant()
    def no_cap_is_passed(self) -> None:
        """In all, per webhook, for retries; each delivery starts once; the pace holds in any second."""
        if not hasattr(self, "dispatcher"):
            return
        assert self.faults == []
        held = Counter(one.delivery.webhook_id for one in self.flying)
        assert self.dispatcher.in_flight == len(self.flying) <= LIMITS.in_flight_max
        for hook, lane in self.dispatcher.lanes.items():
            assert lane.in_flight == held[hook] <= LIMITS.in_flight_per_webhook
        retries = sum(not one.is_first for one in self.flying)
        assert retries <= LIMITS.in_flight_max // 2
        assert all(count == 1 for count in self.started.values())
        for at in self.paced:
            assert sum(at <= other < at + 1 for other in self.paced) <= 2 * RATE

    @invariant()
    def what_may_go_has_gone(self) -> None:
        """A free slot is never left beside a first attempt that may use it, unless it is kept for another site."""
        if not hasattr(self, "dispatcher") or len(self.flying) >= LIMITS.in_flight_max - 1:
            return
        for lane in self.dispatcher.lanes.values():
            assert not (lane.first and self.dispatcher._may_go(lane)), lane.webhook_id

    def everything_goes_in_the_end(self) -> None:
        """All are well and nobody holds: what waits is sent within as many rounds as it needs."""
        if not hasattr(self, "dispatcher"):
            return
        for lane in self.dispatcher.lanes.values():
            lane.held = False
            self.runner.run(self._offer(lane))
        left = sum(len(lane.members) for lane in self.dispatcher.lanes.values())
        for _ in range(3 * left + 5):
            self._turn()
            if not self.flying:
                self.time_passes(901.0)
            while self.flying:
                self.come_back(0, OutcomeClass.DELIVERED)
        members: Any = [lane.members for lane in self.dispatcher.lanes.values() if lane.members]
        assert members == []


def test_any_order_of_work_and_outcomes() -> None:
    """Queueing, failing, pausing and time, in any order."""
    plain = settings(
        max_examples=examples(40), stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Dispatching, settings=plain)
