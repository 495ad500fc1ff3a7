"""Settle: the attempt's row, the delivery and the webhook's health in one unit; then what follows from it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.ground import Ground
from deskbell.engine.health import Healths
from deskbell.engine.holding import Holding
from deskbell.engine.lane import Lane
from deskbell.engine.news import News
from deskbell.engine.parcel import Parcel
from deskbell.engine.record import Record
from deskbell.engine.run import Run
from deskbell.engine.statistics import Statistics
from deskbell.model.changes import (
    Change,
    Committed,
    DropAsked,
    Insert,
    MustFence,
    PutHealth,
    Refused,
    Settle,
    Unit,
    Verdict,
)
from deskbell.model.delivery import Attempt, DecisionKind, Delivery, DeliveryState, Trigger
from deskbell.model.exchange import OutcomeClass
from deskbell.model.ids import DeliveryId
from deskbell.rules.failing import Turn
from deskbell.rules.settling import settled, starts_as

AGAIN_S = 1.0
"""After a settle that could not be written for want of room."""

BY_HAND = (Trigger.MANUAL, Trigger.TEST)
"""Attempts that may have been asked for by a row."""


class Settler:
    """Writes what an attempt came to; many settles share one commit."""

    def __init__(
        self,
        ground: Ground,
        *,
        dispatcher: Dispatcher,
        holding: Holding,
        healths: Healths,
        statistics: Statistics,
        news: News,
    ) -> None:
        self._store = ground.store
        self._settings = ground.settings
        self._ownership = ground.ownership
        self._dispatcher = dispatcher
        self._holding = holding
        self._healths = healths
        self._statistics = statistics
        self._doorbell = ground.doorbell
        self._clock = ground.clock
        self._ids = ground.ids
        self._tally = ground.tally
        self._news = news
        self._log = ground.log
        self._faultpoints = ground.faultpoints
        self._on_broken = ground.broken
        self.on_quiet: Callable[[], None] = lambda: None
        self.on_settled: Callable[[DeliveryId], None] = lambda delivery_id: None

    def settle(self, run: Run, made: Record) -> None:
        """Hand in the unit; `parcel.sending` stays until it is durable."""
        attempt = self._attempt(run, made)
        after = self._after(run, attempt)
        changes: list[Change] = [
            Settle(attempt=attempt, after=after, expected=run.parcel.delivery.state, fence=run.fence)
        ]
        health = self._healths.learn(run, attempt)
        if health is not None:
            changes.append(PutHealth(health=health))
        if _why_disabled(run, attempt) is not None:
            run.lane.held = True
        if run.trigger in BY_HAND:
            changes.append(DropAsked(site=after.site, delivery_id=after.id))
        self._dispatcher.unsettled += 1
        self._submit(run, attempt, after, tuple(changes))

    def drop(self, lane: Lane, parcel: Parcel) -> None:
        """Let go of a parcel whose webhook is gone."""
        parcel.sending = False
        self._holding.forget(lane, parcel)

    def _submit(self, run: Run, attempt: Attempt, after: Delivery, changes: tuple[Change, ...]) -> None:
        def done(verdict: Verdict) -> None:
            self._settled(run, attempt, after, changes, verdict)

        ended = after.state is DeliveryState.EXHAUSTED and run.parcel.delivery.state is not after.state
        if (ended or run.turned) and self._news.tell(run, after if ended else None, changes, done):
            return
        self._store.submit(Unit(changes=changes), done)

    def _settled(
        self, run: Run, attempt: Attempt, after: Delivery, changes: tuple[Change, ...], verdict: Verdict
    ) -> None:
        if isinstance(verdict, Refused) and verdict.reason in ("busy", "disk_full"):
            self._log.warning("settle.waits", reason=verdict.reason, delivery=after.id)
            asyncio.get_running_loop().call_later(AGAIN_S, self._submit, run, attempt, after, changes)
            return
        if isinstance(verdict, Refused) and verdict.reason == "broken" and verdict.what and _is_full(attempt):
            self._log.error("settle.unwritable", fault=verdict.what, delivery=after.id)
            bare = _bare(attempt)
            settle = Settle(attempt=bare, after=after, expected=run.parcel.delivery.state, fence=run.fence)
            self._submit(run, bare, after, (settle, *changes[1:]))
            return
        self._dispatcher.unsettled -= 1
        if isinstance(verdict, Committed):
            self._durable(run, attempt, after)
        else:
            self._refused(run, attempt, changes, verdict)
        self.on_settled(after.id)
        self._dispatcher.ask_pump()
        self.on_quiet()

    def _durable(self, run: Run, attempt: Attempt, after: Delivery) -> None:
        self._faultpoints.crash_point("after_settle")
        self._tally.settled(attempt, after, self._clock.now())
        self._statistics.count(attempt)
        run.parcel.delivery = after
        run.parcel.trigger, run.parcel.by = starts_as(after), None
        self._holding.reschedule(run.lane, run.parcel, after)
        self._tell(attempt, after)
        self._disable(run, attempt)

    def _refused(self, run: Run, attempt: Attempt, changes: tuple[Change, ...], verdict: Refused) -> None:
        self._tally.settles_refused += 1
        self._log.warning("settle.refused", reason=verdict.reason, delivery=attempt.delivery_id)
        if verdict.is_store_broken:
            self._on_broken("settle")
        self.drop(run.lane, run.parcel)
        if verdict.reason == "fence":  # the shard has, or had, another owner: that one sends and judges for itself
            self._ownership.doubt()
            self._settings.changed(attempt.site, attempt.webhook_id)  # should it be ours again: look what is true now
            return
        if verdict.reason == "broken" and run.trigger in BY_HAND:  # else it would be made again and again
            drop = DropAsked(site=attempt.site, delivery_id=attempt.delivery_id)
            self._store.submit(Unit(changes=(drop,)), lambda _: None)
        if verdict.reason == "state":
            self._record_alone(run, attempt, changes[1:])
        elif verdict.reason != "broken":
            self._holding.note(run.lane, self._clock.now())
        self._disable(run, attempt)  # the lane is held: only this lets it go on

    def _record_alone(self, run: Run, attempt: Attempt, rest: tuple[Change, ...]) -> None:
        """The delivery went its own way meanwhile; the request was sent all the same, so it stands in the log."""
        changes = (Insert(row=attempt), *rest)
        guards = () if run.fence is None else (MustFence(shard=run.parcel.delivery.shard, fence=run.fence),)

        def done(verdict: Verdict) -> None:
            if isinstance(verdict, Committed):
                self._statistics.count(attempt)
                self._doorbell.ring("attempt", attempt)

        if not (run.turned and self._news.tell(run, None, changes, done, guards=guards)):
            self._store.submit(Unit(changes=changes, guards=guards), done)

    def _disable(self, run: Run, attempt: Attempt) -> None:
        why = _why_disabled(run, attempt)
        if why is not None:
            self._news.disable(run.opened.webhook, why)

    def _tell(self, attempt: Attempt, after: Delivery) -> None:
        good = attempt.outcome.kind in (OutcomeClass.DELIVERED, OutcomeClass.ACCEPTED)
        say = self._log.debug if good else self._log.info
        say(
            "attempt.settled",
            site=attempt.site,
            webhook=attempt.webhook_id,
            delivery=attempt.delivery_id,
            attempt=attempt.id,
            number=attempt.number,
            trigger=attempt.trigger.value,
            outcome=attempt.outcome.name,
            decision=attempt.decision.kind.value,
            state=after.state.value,
            total_ms=attempt.timing.total_ms,
        )
        if attempt.outcome.name == "quarantined":
            self._log.error("delivery.quarantined", delivery=attempt.delivery_id, detail=attempt.outcome.text)
        self._doorbell.ring("attempt", attempt)
        self._doorbell.ring("delivery", after)

    def _attempt(self, run: Run, made: Record) -> Attempt:
        delivery, webhook = run.parcel.delivery, run.opened.webhook
        return Attempt(
            site=delivery.site,
            id=self._ids.attempt(),
            delivery_id=delivery.id,
            webhook_id=delivery.webhook_id,
            number=delivery.attempts + 1,
            trigger=run.trigger,
            started_at=run.started_at,
            outcome=made.outcome,
            decision=made.decision,
            timing=made.timing,
            by=run.by,
            address=made.address,
            url_masked=webhook.receiver_url.masked,
            request_headers=made.request_headers,
            response_headers=made.response_headers,
            response_body=made.response_body,
            response_truncated=made.response_truncated,
            secret_fingerprint=run.opened.newest_fingerprint,
        )

    def _after(self, run: Run, attempt: Attempt) -> Delivery:
        rendered = run.parcel.rendered
        return settled(
            run.parcel.delivery,
            outcome=attempt.outcome,
            decision=attempt.decision,
            trigger=run.trigger,
            now=self._clock.now(),
            payload=rendered.body if rendered is not None and rendered.stored else None,
            payload_bytes=len(rendered.body) if rendered is not None else None,
        )


def _why_disabled(run: Run, attempt: Attempt) -> str | None:
    """Why the webhook is to be disabled after this attempt; None: it is not."""
    if run.trigger is Trigger.TEST:
        return None
    if attempt.decision.kind is DecisionKind.DISABLE:
        outcome = attempt.outcome
        return "the receiver answered 410 Gone" if outcome.status == 410 else f"the receiver said {outcome.name}"
    return run.reason if run.turned is Turn.DISABLED else None


def _bare(attempt: Attempt) -> Attempt:
    """The attempt without what others said: that may be impossible to write."""
    outcome = replace(attempt.outcome, text="")
    return replace(attempt, outcome=outcome, request_headers=(), response_headers=(), response_body=b"")


def _is_full(attempt: Attempt) -> bool:
    return attempt != _bare(attempt)
