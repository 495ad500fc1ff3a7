"""The heart: one attempt of one delivery, as a list of steps."""

from collections.abc import Callable
from dataclasses import replace

from deskbell.engine.dispatch import Dispatcher
from deskbell.engine.freezing import Freezing
from deskbell.engine.ground import Ground
from deskbell.engine.kinds import Kind
from deskbell.engine.may_send import check_may_send
from deskbell.engine.parcel import Parcel
from deskbell.engine.record import record
from deskbell.engine.request import build, freeze
from deskbell.engine.run import Run
from deskbell.engine.settle import BY_HAND, Settler
from deskbell.engine.tokens import Tokens
from deskbell.model.delivery import Decision, DecisionKind, DeliveryState, Trigger
from deskbell.model.errors import Refusal
from deskbell.model.exchange import Outcome, Reply, Stage
from deskbell.model.rendering import Rendered, RenderRefused
from deskbell.rules.classify import internal, refused
from deskbell.rules.retry import decide
from deskbell.rules.settling import is_beside_schedule


class Attempts:
    """Render once, sign, send, classify, decide, settle."""

    def __init__(self, ground: Ground, *, dispatcher: Dispatcher, freezing: Freezing, settler: Settler) -> None:
        self._settings = ground.settings
        self._dispatcher = dispatcher
        self._freezing = freezing
        self._settler = settler
        self._ownership = ground.ownership
        self._tokens = Tokens(ground.sender, ground.clock, ground.limits, ground.log)
        self._clock = ground.clock
        self._random = ground.random
        self._limits = ground.limits
        self._portal_url = ground.portal_url
        self._kinds = ground.kinds
        self._log = ground.log
        self._faultpoints = ground.faultpoints
        self._is_cut = False
        self.on_too_late: Callable[[Parcel], None] = lambda parcel: None

    def cut(self) -> None:
        """From now on attempts end because this process stops: that is nobody's failure, they are made again."""
        self._is_cut = True

    def begin(self, parcel: Parcel) -> None:
        """Start an attempt; the dispatcher has given it a slot."""
        if parcel.delivery.state is DeliveryState.GATHERING:
            self._freezing.freeze(parcel, self._begin)
        else:
            self._begin(parcel)

    def _begin(self, parcel: Parcel) -> None:
        run = self._open(parcel)
        if run is None:
            return
        try:
            rendered = self._render(run)
            fault = self._too_large(run, rendered)
            if fault is None:
                self._sign(run, rendered)
        except RenderRefused as refusal:  # what a person wrote gives no payload for this event
            fault = refused(refusal.name, refusal.text)
        except Exception as error:  # whatever an error of ours is, it concerns this delivery alone
            fault = self._own_fault(run, error)
        if fault is not None or run.sendable is None:
            self._finish(run, Reply(stage=Stage.VET), fault or self._own_fault(run, None))
            return
        self._faultpoints.crash_point("before_send")
        try:
            self._tokens.send(run, run.sendable, lambda reply: self._replied(run, reply))
        except Exception as error:  # it must not keep its slot, nor end the turn of the others
            self._finish(run, Reply(stage=Stage.SEND), self._own_fault(run, error))

    def _replied(self, run: Run, reply: Reply) -> None:
        self._faultpoints.crash_point("after_send")
        if self._is_cut and reply.status is None:
            self._log.info("attempt.cut", delivery=run.parcel.delivery.id)
            return
        try:
            outcome = self._kind(run.parcel).classify(reply, self._clock.now(), self._limits)
        except Exception as error:
            outcome = self._own_fault(run, error)
        self._finish(run, reply, outcome)

    def _finish(self, run: Run, reply: Reply, outcome: Outcome) -> None:
        if run.is_over:
            return
        run.is_over = True
        self._dispatcher.free(run.lane, run.was_first)
        decision = self._decide(run, outcome)
        self._faultpoints.crash_point("before_settle")
        try:
            made = record(run, reply, outcome, decision, self._limits)
        except Exception as error:  # a reply that cannot be recorded as it is: its outcome counts all the same
            self._log.error("attempt.unrecorded", delivery=run.parcel.delivery.id, error=type(error).__name__)
            made = record(run, replace(reply, headers=(), body=b""), outcome, decision, self._limits)
        self._settler.settle(run, made)

    # the steps

    def _open(self, parcel: Parcel) -> Run | None:
        """The present settings; None when the webhook is gone meanwhile: then its queue was cancelled."""
        lane = self._dispatcher.lane(parcel.delivery.site, parcel.delivery.webhook_id)
        opened = self._settings.opened(parcel.delivery.webhook_id)
        was_first = parcel.is_first
        if opened is None or not self._may_send(parcel):
            self._dispatcher.free(lane, was_first)
            self._settler.drop(lane, parcel)
            if parcel.trigger in BY_HAND:
                self.on_too_late(parcel)
            return None
        return Run(
            parcel=parcel,
            lane=lane,
            opened=opened,
            trigger=parcel.trigger,
            by=parcel.by,
            started_at=self._clock.now(),
            queued_ms=max(0.0, self._clock.monotonic() - parcel.due) * 1000,
            was_first=was_first,
            is_probe=lane.open_until > 0.0 and parcel.trigger in (Trigger.AUTOMATIC, Trigger.REPLAY),
            fence=self._ownership.fence(parcel.delivery.shard),
        )

    def _may_send(self, parcel: Parcel) -> bool:
        """What is sent by hand passes by held lanes, but not by a slider that was moved since somebody asked."""
        if parcel.trigger not in BY_HAND:
            return True
        delivery = parcel.delivery
        try:
            check_may_send(self._settings, delivery.site, delivery.webhook_id, test=parcel.trigger is Trigger.TEST)
        except Refusal:
            return False
        return True

    def _render(self, run: Run) -> Rendered:
        """The payload: made at the first attempt, the same bytes ever after."""
        parcel = run.parcel
        if parcel.rendered is None:
            frozen = freeze(parcel, self._settings.site(parcel.delivery.site), self._portal_url)
            made = self._kind(parcel).render(frozen, self._limits)
            stored = parcel.delivery.payload
            parcel.rendered = made if stored is None else replace(made, body=stored)
        return parcel.rendered

    def _too_large(self, run: Run, rendered: Rendered) -> Outcome | None:
        size, most = len(rendered.body), run.opened.payload_bytes_max
        return refused("too_large", f"{size} bytes, the limit is {most}") if size > most else None

    def _sign(self, run: Run, rendered: Rendered) -> None:
        if run.opened.fault is not None:
            raise ValueError(run.opened.fault)
        run.is_signed = self._kind(run.parcel).signed
        run.sendable = build(run.parcel, rendered, run.opened, run.started_at, signed=run.is_signed)

    def _decide(self, run: Run, outcome: Outcome) -> Decision:
        """What follows; a manual attempt uses no step, a test is never repeated."""
        delivery = run.parcel.delivery
        decision = decide(
            outcome,
            step=delivery.step,
            schedule=run.opened.schedule_s,
            now=self._clock.now(),
            fraction=self._random.fraction(),
            limits=self._limits,
        )
        if decision.kind in (DecisionKind.DELIVERED, DecisionKind.ACCEPTED):
            return decision
        if run.trigger is Trigger.TEST:
            return Decision(kind=DecisionKind.EXHAUSTED)
        if decision.kind is DecisionKind.DISABLE or not is_beside_schedule(delivery, run.trigger):
            return decision
        if delivery.state is DeliveryState.WAITING:
            return Decision(kind=DecisionKind.RETRY, at=delivery.due_at)
        return Decision(kind=DecisionKind.EXHAUSTED)

    def _own_fault(self, run: Run, error: Exception | None) -> Outcome:
        last = run.parcel.delivery.internal_faults + 1 >= self._limits.internal_faults_max
        text = "nothing to send" if error is None else f"{type(error).__name__}: {error}"
        return internal("quarantined" if last else "internal", text[:300])

    def _kind(self, parcel: Parcel) -> Kind:
        return self._kinds[parcel.shape.kind]
