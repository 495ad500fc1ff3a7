"""How a webhook fares: what an attempt adds to it, and what of it still counts."""

from dataclasses import dataclass, replace

from deskbell.model.delivery import Trigger
from deskbell.model.exchange import Outcome, OutcomeClass
from deskbell.model.failing import NOT_FAILING, Failing
from deskbell.model.ids import EventId
from deskbell.model.instant import Instant, plus
from deskbell.model.webhook import Health, Webhook, WebhookState
from deskbell.rules import breaker, failing
from deskbell.rules.limits import Limits

SUCCESS = frozenset({OutcomeClass.DELIVERED, OutcomeClass.ACCEPTED})
_NO_BLAME = frozenset({OutcomeClass.THROTTLED, OutcomeClass.REFUSED, OutcomeClass.INTERNAL})


def current(health: Health | None, webhook: Webhook) -> Health:
    """The health as far as it is about the webhook as it is now.

    What a receiver did that was replaced, or before the webhook was disabled or paused, is history once it is enabled
    again: whoever set it going starts anew.
    """
    url, state_at = webhook.receiver_url.fingerprint, webhook.state_at
    if health is None:
        return Health(site=webhook.site, webhook_id=webhook.id, url=url, state_at=state_at)
    is_going = webhook.state is WebhookState.ENABLED
    if not health.url or (health.url == url and (health.state_at == state_at or not is_going)):
        return health
    return Health(
        site=health.site,
        webhook_id=health.webhook_id,
        last_success_at=health.last_success_at,
        throttled_until=health.throttled_until if health.url == url else None,
        url=url,
        state_at=state_at,
    )


def shifted(health: Health, seconds: float) -> Health:
    """The same health after the wall clock was set: what was timed by it lasts as long as before."""

    def moved(at: Instant | None) -> Instant | None:
        return None if at is None else plus(at, seconds)

    return replace(
        health,
        first_failure_at=moved(health.first_failure_at),
        last_attempt_at=moved(health.last_attempt_at),
        throttled_until=moved(health.throttled_until),
        breaker=replace(health.breaker, until=moved(health.breaker.until)),
        failing=failing.shifted(health.failing, seconds),
    )


def is_failing(webhook: Webhook, health: Health | None) -> bool:
    """Whether an enabled webhook's last attempts failed."""
    return webhook.state is WebhookState.ENABLED and current(health, webhook).failures_in_row > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An attempt as far as it says something about its webhook."""

    outcome: Outcome
    trigger: Trigger
    event_ids: tuple[EventId, ...]
    is_probe: bool  # it went to see whether the receiver is back
    lookups_work: bool  # names can be looked up at all
    throttled_until: Instant | None  # the whole webhook is to wait until then


def next_health(health: Health, webhook: Webhook, judged: Judged, now: Instant, limits: Limits) -> Health:
    """The webhook's health after an attempt. A request to wait is no failure; what we broke is not its fault.

    A test tells nothing but that the receiver is back.
    """
    kind = judged.outcome.kind
    if judged.trigger is Trigger.TEST and kind not in SUCCESS:
        return health
    after = breaker.judged(health.breaker, kind, is_probe=judged.is_probe, now=now, limits=limits)
    if judged.trigger is Trigger.TEST:
        return replace(health, breaker=after)
    failures, first = _failures(health, kind, now)
    until = health.throttled_until
    if judged.throttled_until is not None:
        until = judged.throttled_until if until is None else Instant(max(until, judged.throttled_until))
    return Health(
        site=health.site,
        webhook_id=health.webhook_id,
        failures_in_row=failures,
        first_failure_at=first,
        last_outcome=judged.outcome.name,
        last_status=judged.outcome.status,
        last_attempt_at=now,
        last_success_at=now if kind in SUCCESS else health.last_success_at,
        throttled_until=until,
        breaker=after,
        failing=_failing(health, judged, now, limits),
        url=webhook.receiver_url.fingerprint,
        state_at=webhook.state_at,
    )


def _failing(health: Health, judged: Judged, now: Instant, limits: Limits) -> Failing:
    """Failures that count towards disabling; what a person sends by hand can only end them."""
    if judged.outcome.kind in SUCCESS:
        return NOT_FAILING
    if judged.trigger is Trigger.MANUAL or not failing.counts(judged.outcome, lookups_work=judged.lookups_work):
        return health.failing
    return failing.failed(health.failing, judged.event_ids, now, limits)


def _failures(health: Health, kind: OutcomeClass, now: Instant) -> tuple[int, Instant | None]:
    """Failures in a row, and when the first of them was."""
    if kind in SUCCESS:
        return 0, None
    if kind in _NO_BLAME:
        return health.failures_in_row, health.first_failure_at
    return health.failures_in_row + 1, health.first_failure_at or now
