"""How the webhooks fare: learned from each attempt, carried over to the lanes at once, stored with the settle."""

from dataclasses import replace

from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.ground import Ground
from deskbell.engine.holding import Holding
from deskbell.engine.lane import Lane
from deskbell.engine.run import Run
from deskbell.model.delivery import Attempt
from deskbell.model.instant import Instant, to_seconds
from deskbell.model.webhook import Health, Webhook
from deskbell.rules import breaker
from deskbell.rules.clocks import JUMP_S, wait_s
from deskbell.rules.failing import Lookups, reason, turn
from deskbell.rules.health import Judged, current, next_health, shifted
from deskbell.rules.pacing import Recovery
from deskbell.rules.retry import webhook_waits_until
from deskbell.rules.settling import is_beside_schedule


class Healths:
    """The owner's memory of health. The next attempt builds on it, whether or not the settle is durable yet."""

    def __init__(self, ground: Ground, *, dispatcher: Dispatcher, holding: Holding) -> None:
        self._settings = ground.settings
        self._clock = ground.clock
        self._limits = ground.limits
        self._dispatcher = dispatcher
        self._holding = holding
        self._lookups = Lookups(ground.limits)
        self.newest = Instant(0)  # the last attempt that was made by a clock ahead of ours

    def of(self, webhook: Webhook) -> Health:
        """The health as far as it is about the webhook as it is now."""
        return current(self._settings.health.get(webhook.id), webhook)

    def carry(self, lane: Lane, health: Health) -> None:
        """Let the lane do what the health allows. Waiting goes by the monotonic clock once it has begun."""
        health = self._in_our_time(health)
        throttled, opened = health.throttled_until, health.breaker.until
        if lane.carried != (throttled, opened):
            lane.wait_until = 0.0 if throttled is None else self._at(throttled, health)
            lane.open_until = 0.0 if opened is None else self._at(opened, health)
            lane.carried = (throttled, opened)
        lane.allowed = breaker.in_flight_max(health.breaker, self._limits)

    def _in_our_time(self, health: Health) -> Health:
        """What was learned by a clock that is ahead of ours now, as if it had been learned just now.

        Else a time of that clock would hold the webhook again and again, long after it had passed.
        """
        now = self._clock.now()
        ahead_s = to_seconds(Instant((health.last_attempt_at or now) - now))
        if ahead_s < JUMP_S:
            return health
        self.newest = max(self.newest, health.last_attempt_at or now)
        moved = self._settings.health[health.webhook_id] = shifted(health, -ahead_s)
        return moved

    def shift(self, seconds: float) -> None:
        """The wall clock was set: what was timed by it lasts as long as before, and lanes wait as they did."""
        for webhook_id, health in tuple(self._settings.health.items()):
            moved = self._settings.health[webhook_id] = shifted(health, seconds)
            lane = self._dispatcher.lanes.get(webhook_id)
            if lane is not None and lane.carried == (health.throttled_until, health.breaker.until):
                lane.carried = (moved.throttled_until, moved.breaker.until)

    def _at(self, until: Instant, health: Health) -> float:
        """The monotonic time; one of a clock that went back since is no further away than it was."""
        return self._clock.monotonic() + wait_s(until, health.last_attempt_at, self._clock.now())

    def learn(self, run: Run, attempt: Attempt) -> Health | None:
        """The health after this attempt; None when the attempt says nothing about the webhook as it is now.

        What it turned, and is to be told, is left with the run.
        """
        asked = attempt.timing.resolve_ms is not None
        self._lookups.saw(attempt.outcome, asked=asked, now=self._clock.monotonic())
        webhook = self._settings.webhook(attempt.site, attempt.webhook_id) or run.opened.webhook
        if webhook.receiver_url.fingerprint != run.opened.webhook.receiver_url.fingerprint:
            return None
        known, now = self.of(webhook), self._clock.now()
        health = next_health(known, webhook, self._judged(run, attempt, now), now, self._limits)
        if health is known:
            return None
        self._settings.health[webhook.id] = health
        self.carry(run.lane, health)
        if known.breaker.until is not None:  # what waited for it may go on
            if health.breaker.until is None:
                waiting = max(run.lane.waiting, len(run.lane.members))
                run.lane.recovery = Recovery(waiting, self._limits.in_flight_per_webhook, self._clock.monotonic())
            self._dispatcher.offer(run.lane)
        run.turned = turn(known.failing, health.failing, now, self._limits)
        if run.turned is not None:
            run.reason = reason(run.turned, known.failing, now, health.last_outcome)
        return health

    def _judged(self, run: Run, attempt: Attempt, now: Instant) -> Judged:
        return Judged(
            outcome=attempt.outcome,
            trigger=run.trigger,
            event_ids=run.parcel.delivery.event_ids,
            is_probe=run.is_probe,
            lookups_work=self._lookups.work(self._clock.monotonic()),
            throttled_until=self._throttled_until(run, attempt, now),
        )

    def _throttled_until(self, run: Run, attempt: Attempt, now: Instant) -> Instant | None:
        decision = attempt.decision
        if is_beside_schedule(run.parcel.delivery, run.trigger):  # then its time is the schedule's, not the answer's
            decision = replace(decision, at=None)
        return webhook_waits_until(attempt.outcome, decision, now, self._limits)
