"""Safety, at each step: what the database wrote, and each request in the moment in which it is handed over."""

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from deskbell.model.changes import Insert, MoveDelivery, PutHealth, Refused, Replace, Settle, Unit, Verdict
from deskbell.model.delivery import ENDED, DecisionKind, Delivery, Trigger
from deskbell.model.event import Event
from deskbell.model.exchange import OutcomeClass, Reply, Sendable
from deskbell.model.site import Site
from deskbell.model.webhook import Health, Secret, Webhook, WebhookState
from deskbell.rules.limits import RETRY_SCHEDULE_S
from simulation.process import Process

if TYPE_CHECKING:
    from simulation.world import World

EPSILON_S = 0.002
IN_MEMORY_S = 25.0
"""A wait shorter than this is spent in memory, by the monotonic clock."""
_FAULTS = frozenset({OutcomeClass.FAILED, OutcomeClass.BLOCKED, OutcomeClass.MISCONFIGURED, OutcomeClass.GONE})


class Watch:
    """Keeps its own books, from what is durable, and compares."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._loop = world.loop
        self.webhooks: dict[str, list[tuple[float, Webhook]]] = defaultdict(list)
        self.site_rows: dict[str, list[tuple[float, Site]]] = defaultdict(list)
        self.secrets: dict[str, list[tuple[float, str]]] = defaultdict(list)
        self.events: dict[str, tuple[float, Event]] = {}
        self.made: dict[str, float] = {}  # deliveries: when they became durable
        self.ended: dict[str, float] = {}
        self._earliest: dict[str, tuple[float, float, Process | None, float]] = {}
        self._replied: dict[str, tuple[float, Process]] = {}
        self.faulted: set[str] = set()  # webhooks that ever failed but by asking for a pause
        self.sends = 0
        self.moved: set[str] = set()  # deliveries that a person touched
        self.given: dict[str, int] = defaultdict(int)  # steps on which the webhook was disabled: they end nothing
        self.answers: dict[str, int] = defaultdict(int)  # 2xx that reached a process, by delivery

    # what was written

    def wrote(self, process: str, unit: Unit, verdict: Verdict) -> None:
        """One unit reached the database."""
        if isinstance(verdict, Refused):
            return
        now = self._loop.time()
        self._loop.note("unit", process, len(unit.changes))
        for change in unit.changes:
            if isinstance(change, Settle):
                self._settled(process, change, now)
            elif isinstance(change, Insert | Replace):
                self._row(change.row, now)
            elif isinstance(change, PutHealth):
                self._fares(change.health)
            elif isinstance(change, MoveDelivery):
                self._earliest.pop(change.after.id, None)
                if change.after.state in ENDED:
                    self.ended[change.after.id] = now
                else:
                    self.ended.pop(change.after.id, None)

    def _fares(self, health: Health) -> None:
        """A receiver that at worst asked for a pause has neither failures nor an open breaker."""
        broken = health.breaker.until is not None or health.breaker.failures_in_row or health.failures_in_row
        if broken and health.webhook_id not in self.faulted:
            self._world.find("blame", f"{health.webhook_id} only asked for pauses, and counts as failing")

    def _row(self, row: Any, now: float) -> None:
        if isinstance(row, Webhook):
            self.webhooks[row.id].append((now, row))
        elif isinstance(row, Secret):
            self.secrets[row.webhook_id].append((now, row.id))
        elif isinstance(row, Site):
            self.site_rows[row.site].append((now, row))
        elif isinstance(row, Event):
            self.events[row.id] = (now, row)
        elif isinstance(row, Delivery):
            self.made[row.id] = now

    def _settled(self, process: str, change: Settle, now: float) -> None:
        world, after, attempt = self._world, change.after, change.attempt
        if world.plan.nodes > 1 and self._owner(after.shard)[0] not in (process, None):
            world.find("fence", f"{process} settled {after.id} of shard {after.shard}, which another owns")
        schedule = self._schedule(after.webhook_id)
        if attempt.decision.kind is DecisionKind.DISABLE:
            self.given[after.id] += 1
        if after.step > len(schedule) + 1 + self.given[after.id]:
            world.find("schedule", f"{after.id} used step {after.step} of {len(schedule)}")
        if attempt.trigger is Trigger.MANUAL:
            self.moved.add(after.id)
        if after.internal_faults > world.limits.internal_faults_max and after.id not in self.moved:
            world.find("quarantine", f"{after.id} had {after.internal_faults} faults of ours")
        if attempt.outcome.kind in _FAULTS:
            self.faulted.add(after.webhook_id)
        if after.state in ENDED:
            self.ended[after.id] = now
        else:
            self.ended.pop(after.id, None)
        self._note_earliest(change, schedule)

    def _note_earliest(self, change: Settle, schedule: tuple[int, ...]) -> None:
        """When the next attempt may go at the soonest: the step, or what the receiver asked for if that is longer."""
        after, attempt = change.after, change.attempt
        self._earliest.pop(after.id, None)
        replied = self._replied.get(after.id)
        is_scheduled = attempt.trigger in (Trigger.AUTOMATIC, Trigger.REPLAY)
        if not is_scheduled or replied is None or attempt.decision.kind is not DecisionKind.RETRY:
            return
        step_s = float(schedule[after.step - 1]) if 0 < after.step <= len(schedule) else 0.0
        wait_s = max(step_s, min(attempt.outcome.wait_s or 0.0, self._world.limits.retry_after_s_max))
        self._earliest[after.id] = (replied[0] + wait_s, wait_s, replied[1], self._loop.time())

    def _schedule(self, webhook_id: str) -> tuple[int, ...]:
        own = self.webhooks[webhook_id][-1][1].retry_schedule_s
        return RETRY_SCHEDULE_S if own is None else own

    def _owner(self, shard: int) -> tuple[str | None, float]:
        owner, until = self._world.database.memory.shards._owned.get(shard, (None, 0.0))  # type: ignore[attr-defined]
        return (owner, until) if until > self._loop.time() else (None, until)

    # what is sent

    def handed(self, process: Process, sendable: Sendable) -> Callable[[Reply], None]:
        """A request is handed to the dialler at this moment."""
        headers, world, now = dict(sendable.headers), self._world, self._loop.time()
        delivery_id = headers["webhook-id"]
        self.sends += 1
        self._loop.note("sends", process.node, delivery_id, headers["deskbell-attempt"])
        row: Delivery | None = world.database.tables.get("delivery", (sendable.site, delivery_id))
        if row is None:
            world.find("durable", f"{delivery_id} is sent, and not in the database of {sendable.site}")
            return lambda reply: None
        is_test = headers["deskbell-event"] == "test.ping"
        by_hand = "deskbell-redelivery" in headers
        slack_s = self.slack_s(process)
        self._check_owner(process, row)
        self._check_allowed(row, sendable, now, slack_s, by_hand=by_hand, is_test=is_test)
        self._check_place(row, sendable, now, slack_s)
        self._check_signed(row, sendable.body, headers, now - slack_s)
        if not by_hand and not is_test:
            self._check_ended(row, now, slack_s)
            self._check_early(process, row, now)
            self._check_caps(process, sendable)
            self._check_order(row, now, slack_s)
        return lambda reply: self._came(process, row.id, reply)

    def _came(self, process: Process, delivery_id: str, reply: Reply) -> None:
        self._replied[delivery_id] = (self._loop.time(), process)
        self._loop.note("came", delivery_id, reply.status, reply.fault)
        if reply.status is not None and 200 <= reply.status < 300:
            self.answers[delivery_id] += 1

    def slack_s(self, process: Process) -> float:
        """How old what a process knows of settings may be now."""
        world, plan = self._world, self._world.plan
        base = 5.0 if plan.slow_commits else 0.1
        if plan.nodes > 1:
            base += 2 * plan.tick_s + 3.0
        if world.away_until > self._loop.time() - base - 60.0:
            base += 120.0
        if process.woke_at > self._loop.time() - base - 1.0:
            base += process.slept_s
        return base

    def _check_owner(self, process: Process, row: Delivery) -> None:
        if self._world.plan.nodes > 1 and self._owner(row.shard)[0] != process.node:
            self._world.find("owner", f"{process.name} sends for shard {row.shard}, which is not its own")

    def _check_allowed(
        self, row: Delivery, sendable: Sendable, now: float, slack_s: float, *, by_hand: bool, is_test: bool
    ) -> None:
        known = in_effect(self.webhooks[row.webhook_id], now, slack_s)
        sites = in_effect(self.site_rows[row.site], now, slack_s)
        if not any(one.webhooks_enabled for one in sites):
            self._world.find("off", f"{row.id} is sent while the slider is off")
        if is_test:
            fine = {WebhookState.ENABLED, WebhookState.PAUSED, WebhookState.DISABLED}
        elif by_hand:
            fine = {WebhookState.ENABLED, WebhookState.PAUSED}
        else:
            fine = {WebhookState.ENABLED}
        if not any(one.state in fine for one in known):
            self._world.find("held", f"{row.id} is sent while its webhook is {known[-1].state}")

    def _check_place(self, row: Delivery, sendable: Sendable, now: float, slack_s: float) -> None:
        host = sendable.url.split("/")[2]
        if not any(one.receiver_url.host == host for one in in_effect(self.webhooks[row.webhook_id], now, slack_s)):
            self._world.find("place", f"{row.id} goes to {host}, which is not its webhook's")

    def _check_signed(self, row: Delivery, body: bytes, headers: dict[str, str], known_by: float) -> None:
        """By the newest secret, or by one that is so new that it need not be known yet."""
        secrets = self.secrets[row.webhook_id]
        last = max(n for n, (at, _) in enumerate(secrets) if n == 0 or at <= known_by)
        signatures, ts = headers["webhook-signature"].split(" "), int(headers["webhook-timestamp"])
        keys = (self._world.signing_keys[secret_id] for _, secret_id in secrets[last:])
        if not any(key.v1(row.id, ts, body) in signatures for key in keys):
            self._world.find("signature", f"{row.id} is not signed by the present secret")

    def _check_ended(self, row: Delivery, now: float, slack_s: float) -> None:
        ended = self.ended.get(row.id)
        if row.state in ENDED and ended is not None and ended < now - slack_s:
            self._world.find("ended", f"{row.id} is sent by itself, and has been {row.state} since {ended:.1f}")

    def _check_early(self, process: Process, row: Delivery, now: float) -> None:
        """By the monotonic clock; what waits in the database goes by the wall, and a wall may be set."""
        found = self._earliest.get(row.id)
        if found is None:
            return
        earliest, wait_s, sender, settled = found
        world = self._world
        if world.plan.clock_jumps:
            changed = self.webhooks[row.webhook_id][-1][0] > settled - 5.0 or self._slid(row.site) > settled - 5.0
            if wait_s > IN_MEMORY_S or sender is not process or changed or world.plan.nodes > 1:
                return
        if now < earliest - EPSILON_S - 2 * abs(world.plan.skew_s):
            world.find("early", f"{row.id} is sent {earliest - now:.3f} s before its step of {wait_s:.0f} s")

    def _slid(self, site: str) -> float:
        return self.site_rows[site][-1][0]

    def _check_caps(self, process: Process, sendable: Sendable) -> None:
        plan, flying = self._world.plan, process.sender.in_flight.values()
        same = sum(one.url == sendable.url and not _by_hand(one) for one in flying)
        if same > plan.in_flight:
            self._world.find("cap", f"{same} at once to {sendable.url}, the cap is {plan.in_flight}")
        if len(flying) > plan.in_flight_all and not any(_by_hand(one) for one in flying):
            self._world.find("cap", f"{len(flying)} at once, the cap is {plan.in_flight_all}")

    def _check_order(self, row: Delivery, now: float, slack_s: float) -> None:
        """Of an ordered webhook nothing goes before what is older of its subject."""
        webhook = self.webhooks[row.webhook_id][-1][1]
        if webhook.ordered_by != "subject" or row.subject is None or row.replay_id is not None:
            return
        tables = self._world.database.tables
        for other_id in tables.open[row.site, row.webhook_id]:
            if other_id >= row.id or self.made.get(other_id, now) > now - slack_s - 20.0:
                continue
            other: Delivery = tables.get("delivery", (row.site, other_id))
            is_same = other.subject is not None and (other.subject.type, other.subject.id) == (
                row.subject.type, row.subject.id,
            )  # fmt: skip
            if is_same and not other.test and other.copy_of is None and other.replay_id is None:
                self._world.find("order", f"{row.id} is sent before {other_id} of the same subject")


def _by_hand(sendable: Sendable) -> bool:
    return any(name == "deskbell-redelivery" or value == "test.ping" for name, value in sendable.headers)


def in_effect(rows: list[tuple[float, Any]], now: float, slack_s: float) -> list[Any]:
    """The versions that were in effect at some moment of the last while."""
    return [row for n, (at, row) in enumerate(rows) if n == len(rows) - 1 or rows[n + 1][0] >= now - slack_s]
