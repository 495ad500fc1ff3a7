"""What a delivery becomes when an attempt has been judged."""

from dataclasses import replace

from deskbell.model.delivery import ENDED, Decision, DecisionKind, Delivery, DeliveryState, Trigger
from deskbell.model.exchange import Outcome, OutcomeClass
from deskbell.model.instant import Instant

_STATES = {
    DecisionKind.DELIVERED: DeliveryState.DELIVERED,
    DecisionKind.ACCEPTED: DeliveryState.ACCEPTED,
    DecisionKind.EXHAUSTED: DeliveryState.EXHAUSTED,
    DecisionKind.RETRY: DeliveryState.WAITING,
    DecisionKind.DISABLE: DeliveryState.WAITING,  # held until the webhook is enabled
}


def starts_as(delivery: Delivery) -> Trigger:
    """What starts the delivery's next attempt when nobody asks for one."""
    if delivery.test:
        return Trigger.TEST
    return Trigger.AUTOMATIC if delivery.replay_id is None else Trigger.REPLAY


def is_beside_schedule(delivery: Delivery, trigger: Trigger) -> bool:
    """Whether an attempt uses no step and changes no schedule: a person asked for it.

    The first attempt of a copy was asked for as well, but begins the copy's own schedule.
    """
    return trigger is Trigger.MANUAL and (delivery.copy_of is None or delivery.attempts > 0)


def settled(
    before: Delivery,
    *,
    outcome: Outcome,
    decision: Decision,
    trigger: Trigger,
    now: Instant,
    payload: bytes | None,
    payload_bytes: int | None,
) -> Delivery:
    """The delivery after an attempt. `payload` is given when the bytes cannot be joined from snapshots."""
    state, due_at, ended_at = _place(before, decision, trigger, now)
    blame = state is not before.state or before.state not in (DeliveryState.DELIVERED, DeliveryState.ACCEPTED)
    return replace(
        before,
        state=state,
        due_at=due_at,
        ended_at=ended_at,
        attempts=before.attempts + 1,
        step=before.step + (not is_beside_schedule(before, trigger)),
        internal_faults=before.internal_faults + (outcome.kind is OutcomeClass.INTERNAL),
        last_outcome=outcome.name if blame else before.last_outcome,
        last_status=outcome.status if blame else before.last_status,
        payload=before.payload if payload is None else payload,
        payload_bytes=before.payload_bytes if payload_bytes is None else payload_bytes,
    )


def _place(
    before: Delivery, decision: Decision, trigger: Trigger, now: Instant
) -> tuple[DeliveryState, Instant, Instant | None]:
    """State, due time and end after the decision; one beside the schedule that fails leaves them as they were."""
    state = _STATES[decision.kind]
    success = decision.kind in (DecisionKind.DELIVERED, DecisionKind.ACCEPTED)
    if is_beside_schedule(before, trigger) and not success:
        return before.state, before.due_at, before.ended_at
    if trigger is Trigger.TEST and not success:
        state = DeliveryState.EXHAUSTED
    if state in ENDED:
        return state, before.due_at, now
    return state, decision.at if decision.at is not None else now, None
