"""One delivery: its attempts, what happened in the chosen one, and why it was sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from deskbell.model.delivery import Attempt, DecisionKind, Delivery, DeliveryState, Trigger
from deskbell.model.errors import NotFound
from deskbell.model.event import Event
from deskbell.model.exchange import OutcomeClass
from deskbell.model.instant import Instant, to_seconds
from deskbell.model.query import DeliveryFilter
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.portal import words
from deskbell.portal.deliveries.rows import Row, Surroundings, row_of, surroundings
from deskbell.portal.deliveries.trace import Considered, carried_by, considered
from deskbell.portal.figures import Part, waterfall
from deskbell.portal.page import PageAsk, respond
from deskbell.receivers import KINDS
from deskbell.rules.diagnosis import Diagnosis, diagnose
from deskbell.rules.limits import RETRY_SCHEDULE_S
from deskbell.rules.masking import mask_attempt
from deskbell.rules.ordering import holds_others
from deskbell.rules.redaction import redact_json
from deskbell.server.masked import masked_paths

GOOD = frozenset({OutcomeClass.DELIVERED, OutcomeClass.ACCEPTED})


@dataclass(frozen=True, kw_only=True)
class Step:
    """One attempt in the rail."""

    attempt: Attempt
    waited: str  # since the one before
    how: str  # automatic, sent again by …, test
    tone: str
    icon: str
    outcome: str


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The attempt that is looked at."""

    attempt: Attempt
    diagnosis: Diagnosis
    next_words: str
    parts: Sequence[Part]
    tone: str


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything of the page."""

    delivery: Delivery
    row: Row
    webhook: Webhook | None
    steps: Sequence[Step]
    chosen: Chosen | None
    payload: bytes | None
    events: Sequence[Event]
    considered: Sequence[Considered]
    before: Delivery | None  # of the same subject, which has to be through first
    holds: bool  # it was not delivered, and the rest of its subject waits for it
    copies: Sequence[Delivery]  # made of it with later settings
    is_erased: bool
    erased_at: Instant | None
    attempts_max: int
    until_delivered: str
    newer: str
    older: str
    can_send: str  # why it cannot be sent again, or nothing
    is_waiting: bool


def how_of(attempt: Attempt) -> str:
    """What started an attempt, in words."""
    by = f" by {attempt.by}" if attempt.by else ""
    return {
        Trigger.AUTOMATIC: "automatic",
        Trigger.MANUAL: f"sent again{by}",
        Trigger.REPLAY: f"replay{by}",
        Trigger.TEST: f"test{by}",
    }[attempt.trigger]


def steps_of(attempts: Sequence[Attempt]) -> list[Step]:
    """The rail, oldest first."""
    steps = []
    before: Attempt | None = None
    for attempt in attempts:
        good = attempt.outcome.kind in GOOD
        slow = attempt.outcome.name in ("timeout", "connect_timeout") or attempt.outcome.kind is OutcomeClass.THROTTLED
        waited = ""
        if before is not None:
            ended_s = to_seconds(before.started_at) + before.timing.total_ms / 1000
            waited = words.span(max(0.0, to_seconds(attempt.started_at) - ended_s))
        steps.append(
            Step(
                attempt=attempt,
                waited=waited,
                how=how_of(attempt),
                tone="ok" if good else "warn" if slow else "bad",
                icon="check" if good else "clock" if slow else "x",
                outcome=str(attempt.outcome.status or attempt.outcome.name),
            )
        )
        before = attempt
    return steps


def chosen_of(step: Step, delivery: Delivery, webhook: Webhook | None) -> Chosen:
    """The attempt with its words."""
    attempt = step.attempt
    outcome = attempt.outcome
    kind = KINDS.get(webhook.kind) if webhook else None
    found = kind.verdict(outcome) if kind else diagnose(outcome.name, outcome.status, outcome.text, kind=outcome.kind)
    ended = {
        DecisionKind.EXHAUSTED: "No more attempts follow.",
        DecisionKind.DISABLE: "The webhook was disabled.",
        DecisionKind.RETRY: "Deskbell made the next attempt by itself." if delivery.attempts > attempt.number else "",
    }.get(attempt.decision.kind, "")
    failed = outcome.kind not in GOOD
    return Chosen(
        attempt=attempt,
        diagnosis=found,
        next_words=ended,
        parts=waterfall(attempt.timing, failed=failed),
        tone="info" if not failed else "warn" if step.tone == "warn" else "bad",
    )


def blocked_why(delivery: Delivery, around: Surroundings, webhook: Webhook | None, events: Sequence[Event]) -> str:
    """Why it cannot be sent again now; the engine refuses the same."""
    if around.site is not None and not around.site.webhooks_enabled:
        return "Webhooks are off"
    if around.site is not None and around.site.holds(delivery.webhook_id):
        return "A backup was restored: first answer what is to be sent"
    if webhook is None or webhook.state is WebhookState.DELETED:
        return "Its webhook was deleted"
    if any(one.is_erased for one in events):
        return "Its content was erased"
    return "Its webhook is disabled" if webhook.state is WebhookState.DISABLED else ""


async def view_of(ask: PageAsk, delivery_id: str, number: int | None) -> View:
    """The page of a delivery."""
    store = ask.rooms.store
    delivery = await store.deliveries.get(ask.site, delivery_id)
    if delivery is None:
        raise NotFound("There is no such delivery on this site. Deliveries are kept for 30 days.")
    around = await surroundings(ask)
    webhook = around.webhooks.get(delivery.webhook_id)
    attempts = await store.deliveries.attempts(ask.site, delivery.id)
    payload = await ask.rooms.engine.payload_of(ask.site, delivery.id)
    masked = await masked_paths(ask.caller, store)
    if masked is not None:
        attempts = tuple(mask_attempt(one, masked) for one in attempts)
        payload = None if payload is None else redact_json(payload, masked)
    steps = steps_of(attempts)
    step = next((one for one in steps if one.attempt.number == number), steps[-1] if steps else None)
    events = await store.events.many(ask.site, delivery.event_ids)
    schedule = webhook.retry_schedule_s if webhook and webhook.retry_schedule_s is not None else RETRY_SCHEDULE_S
    newer, older = await neighbours(ask, delivery)
    before = (await ask.rooms.engine.waits_for((delivery,))).get(delivery.id)
    return View(
        delivery=delivery,
        row=row_of(ask, delivery, around, attempts[-1] if attempts else None, before),
        webhook=webhook,
        steps=steps,
        chosen=chosen_of(step, delivery, webhook) if step else None,
        payload=payload,
        events=events,
        considered=considered(events, around.webhooks, await carried_by(ask, events), delivery.id),
        before=before,
        holds=holds_others(delivery, webhook),
        copies=await copies_of(ask, delivery),
        is_erased=any(one.is_erased for one in events),
        erased_at=await erased_at(ask, events),
        attempts_max=len(schedule) + 1,
        until_delivered=until_delivered(delivery, attempts),
        newer=newer,
        older=older,
        can_send=blocked_why(delivery, around, webhook, events),
        is_waiting=delivery.state in (DeliveryState.WAITING, DeliveryState.GATHERING),
    )


async def erased_at(ask: PageAsk, events: Sequence[Event]) -> Instant | None:
    """When the first of its contents was erased, if that is known."""
    found = [at for one in events if (at := await ask.rooms.erasures.erased_at(one)) is not None]
    return min(found, default=None)


async def copies_of(ask: PageAsk, delivery: Delivery) -> list[Delivery]:
    """The deliveries that were made of this one with later settings, oldest first."""
    rows = await ask.rooms.store.deliveries.carrying(ask.site, delivery.event_ids[:1], delivery.webhook_id)
    return [one for one in rows if one.copy_of == delivery.id]


def until_delivered(delivery: Delivery, attempts: Sequence[Attempt]) -> str:
    """From creation until the response of the first attempt that arrived."""
    for attempt in attempts:
        if attempt.outcome.kind in GOOD:
            ended_s = to_seconds(attempt.started_at) + attempt.timing.total_ms / 1000
            passed = max(0.0, ended_s - to_seconds(delivery.created_at))
            return words.took(passed * 1000) if passed < 10 else words.span(passed)
    return "–"


async def neighbours(ask: PageAsk, delivery: Delivery) -> tuple[str, str]:
    """The delivery just newer and the one just older, of all."""
    which = DeliveryFilter()
    store = ask.rooms.store.deliveries
    newer = await store.page(ask.site, which, delivery.id, 1, newer=True)
    older = await store.page(ask.site, which, delivery.id, 1)
    return newer[0].id if newer else "", older[0].id if older else ""


async def show(ask: PageAsk) -> Response:
    """The page, with the attempt that the URL names or the last one."""
    number = int(ask.query["attempt"]) if "attempt" in ask.query else None
    view = await view_of(ask, ask.path("id"), number)
    return await respond(
        ask, "pages/delivery.html", part="parts/delivery.html", view=view, raw=ask.query.get("view") == "raw"
    )
