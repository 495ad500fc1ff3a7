"""Faults put into the engine on purpose, each under its name: a simulation that does not see them sees nothing.

Each is a small change of one function, as somebody could make it by mistake. `MUTANTS` names the rules that see it,
and a seed in which they do: that one is tried first.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from deskbell.engine import attempt
from deskbell.engine.accept import Accept
from deskbell.engine.attempt import Attempts
from deskbell.engine.holding import Holding
from deskbell.engine.lanes import LaneSettings
from deskbell.engine.settings import Settings
from deskbell.engine.shards import ShardKeeper
from deskbell.engine.timers import Timers
from deskbell.model.changes import Committed, Insert, Refused, Unit
from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.event import Event, Idempotency
from deskbell.model.exchange import OutcomeClass
from deskbell.outbound.dial import Dialler
from deskbell.outbound.route import Route
from deskbell.rules import breaker, health
from deskbell.rules.classify import internal
from deskbell.rules.matching import considered, standing_reason
from deskbell.storage.memory.units import Units
from simulation.clocks import SimClock
from simulation.database import SimStore

Swap = Callable[[Any, str, Any], None]
"""Put something else in the place of an attribute."""


def settle_without_fence(swap: Swap) -> None:
    """A settle is written whoever owns the shard by now."""
    real = Units._settle
    swap(Units, "_settle", lambda self, change: real(self, replace(change, fence=None)))


def answer_before_commit(swap: Swap) -> None:
    """The publisher is answered when the unit was handed in."""
    real = SimStore.submit

    def submit(self: SimStore, unit: Unit, done: Callable[[Any], None]) -> None:
        if not any(isinstance(one, Insert) and isinstance(one.row, Event) for one in unit.changes):
            real(self, unit, done)
            return
        real(self, unit, lambda verdict: None)
        self._loop.call_soon(done, Committed())

    swap(SimStore, "submit", submit)


def _in_two(swap: Swap, later: type) -> None:
    """Rows of this type are written once the rest is durable."""
    real = SimStore.submit

    def submit(self: SimStore, unit: Unit, done: Callable[[Any], None]) -> None:
        rows = tuple(one for one in unit.changes if isinstance(one, Insert) and isinstance(one.row, later))
        rest = tuple(one for one in unit.changes if one not in rows)
        if not rows or not any(isinstance(one, Insert) and isinstance(one.row, Event) for one in rest):
            real(self, unit, done)
            return

        def then(verdict: Any) -> None:
            if isinstance(verdict, Refused):
                done(verdict)
            else:
                real(self, Unit(changes=rows), done)

        real(self, replace(unit, changes=rest), then)

    swap(SimStore, "submit", submit)


def deliveries_in_second_transaction(swap: Swap) -> None:
    """First the event, then what carries it."""
    _in_two(swap, Delivery)


def idempotency_in_second_transaction(swap: Swap) -> None:
    """First the event, then the key that it was published with."""
    _in_two(swap, Idempotency)


def lease_not_renewed(swap: Swap) -> None:
    """The first beat takes shards, later ones only believe that they are still there."""
    real = ShardKeeper.step

    async def step(self: ShardKeeper) -> None:
        if not self._ownership.shards:
            await real(self)
            return
        now = self._clock.monotonic()
        fences = {shard: self._ownership.fence(shard) or 0 for shard in self._ownership.shards}
        self._ownership.hold(fences, now + self._lease_s)
        self._next_at, self._is_asked = now + self._lease_s / 3, False

    swap(ShardKeeper, "step", step)


def waiting_by_wall_clock(swap: Swap) -> None:
    """What waits does so until the wall clock says the time."""
    swap(SimClock, "monotonic", lambda self: self._loop.time() + self._wall.off_s + 1_000.0)


def site_predicate_dropped(swap: Swap) -> None:
    """An event is matched with the webhooks of every site."""

    def plan(self: Settings, site: Any, event_type: str) -> Any:
        return tuple(
            (one, standing_reason(one, site, event_type)) for one in self.all_webhooks() if considered(one, event_type)
        )

    swap(Settings, "plan", plan)


def slider_only_at_match(swap: Swap) -> None:
    """Whether a webhook may send is asked when its delivery is made, never again."""
    real = LaneSettings._apply

    def apply(self: LaneSettings, webhook: Any) -> None:
        real(self, webhook)
        lane = self._dispatcher.lane(webhook.site, webhook.id)
        lane.held = not self._ownership.owns(lane.shard)
        if not lane.held:
            self._backlog.want(lane)

    swap(LaneSettings, "_apply", apply)
    swap(LaneSettings, "suspend", lambda self, webhook_id: None)


def new_id_per_attempt(swap: Swap) -> None:
    """The receiver cannot tell that it has had this."""
    real = attempt.build

    def build(parcel: Any, *args: Any, **more: Any) -> Any:
        made = real(parcel, *args, **more)
        number = parcel.delivery.attempts
        headers = tuple((k, f"{v[:-1]}{number}" if k == "webhook-id" and number else v) for k, v in made.headers)
        return replace(made, headers=headers)

    swap(attempt, "build", build)


def retry_after_ended(swap: Swap) -> None:
    """What is exhausted is tried once more."""
    real = Holding.reschedule

    def reschedule(self: Holding, lane: Any, parcel: Any, after: Delivery) -> None:
        if after.state is not DeliveryState.EXHAUSTED or after.attempts > 20:
            real(self, lane, parcel, after)
            return
        parcel.sending = False
        parcel.due = self._clock.monotonic() + 20.0
        self._dispatcher.queue(lane, parcel)

    swap(Holding, "reschedule", reschedule)


def retry_after_below_schedule(swap: Swap) -> None:
    """A receiver that asks for less than the step gets less."""
    real = attempt.decide

    def decide(outcome: Any, **more: Any) -> Any:
        made = real(outcome, **more)
        if outcome.wait_s is None or made.at is None:
            return made
        return replace(made, at=more["now"] + int(outcome.wait_s * 1e7))

    swap(attempt, "decide", decide)


def only_first_answer_vetted(swap: Swap) -> None:
    """The other addresses of a name are dialled unseen."""
    real = Route.vet

    def vet(self: Route, addresses: tuple[str, ...], judge: Any) -> Any:
        found = real(self, addresses[:1], judge)
        self._vetted_from = ()
        return self._keys(addresses) if isinstance(found, tuple) else found

    swap(Route, "vet", vet)


def resolved_again_at_connect(swap: Swap) -> None:
    """The name that was vetted is looked up once more, and the answer is dialled."""
    real = Dialler._dial

    async def dial(self: Any, exchange: Any, *connect: Any) -> Any:
        (address, *_) = await self.network.resolve(exchange.route.host, 3.0)
        exchange.vetted = tuple((*key[:-1], address) for key in exchange.vetted[:1])
        return await real(self, exchange, *connect)

    swap(Dialler, "_dial", dial)


def quarantine_removed(swap: Swap) -> None:
    """An error of ours is tried as often as any other."""
    swap(Attempts, "_own_fault", lambda self, run, error: internal("internal", str(error)))


def throttled_counted_as_failure(swap: Swap) -> None:
    """A receiver that asks for a pause counts as failing."""
    swap(breaker, "_FAILED", breaker._FAILED | {OutcomeClass.THROTTLED})
    swap(health, "_NO_BLAME", health._NO_BLAME - {OutcomeClass.THROTTLED})


def cap_off_by_one(swap: Swap) -> None:
    """One more at once than a webhook may have."""
    real = breaker.in_flight_max
    swap(breaker, "in_flight_max", lambda *args: real(*args) + 1)


def timer_fired_twice(swap: Swap) -> None:
    """The event is written first, then the end of its timer."""

    async def write(self: Timers, timer: Any, firing: Any) -> Any:
        outcome = await self._intake.accepted(Accept(site=timer.site, drafts=firing.drafts))
        if isinstance(outcome, Refused):
            return outcome
        await self._store.commit(Unit(changes=firing.changes))
        return None

    swap(Timers, "_write", write)


@dataclass(frozen=True)
class Mutant:
    """One fault, the rules that are about it, and a seed in which one of them is broken by it."""

    put: Callable[[Swap], None]
    rules: tuple[str, ...]
    seed: int

    @property
    def name(self) -> str:
        """As in a sentence."""
        return self.put.__name__


MUTANTS = (
    Mutant(settle_without_fence, ("fence",), 153),
    Mutant(answer_before_commit, ("durable", "lost"), 1),
    Mutant(deliveries_in_second_transaction, ("lost", "stuck"), 35),
    Mutant(idempotency_in_second_transaction, ("idempotency",), 9),
    Mutant(lease_not_renewed, ("owner", "fence"), 15),
    Mutant(waiting_by_wall_clock, ("early", "stuck"), 168),
    Mutant(site_predicate_dropped, ("site",), 2),
    Mutant(slider_only_at_match, ("off", "held"), 5),
    Mutant(new_id_per_attempt, ("durable", "unexpected"), 1),
    Mutant(retry_after_ended, ("ended",), 5),
    Mutant(retry_after_below_schedule, ("early",), 10),
    Mutant(only_first_answer_vetted, ("dialled",), 71),
    Mutant(resolved_again_at_connect, ("dialled",), 45),
    Mutant(quarantine_removed, ("quarantine",), 31),
    Mutant(throttled_counted_as_failure, ("blame",), 14),
    Mutant(cap_off_by_one, ("cap",), 30),
    Mutant(timer_fired_twice, ("timer",), 15),
)
"""All of them, as security.md lists them."""


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """With this fault in the engine."""
    before: list[tuple[Any, str, Any]] = []

    def swap(where: Any, name: str, what: Any) -> None:
        before.append((where, name, where.__dict__[name]))
        setattr(where, name, what)

    mutant.put(swap)
    try:
        yield
    finally:
        for where, name, what in reversed(before):
            setattr(where, name, what)
