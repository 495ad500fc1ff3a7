"""How a webhook fares: what an attempt adds to it, and what of it still counts."""

from dataclasses import replace

from deskbell.model.delivery import Trigger
from deskbell.model.exchange import Outcome, OutcomeClass
from deskbell.model.instant import Instant
from deskbell.model.webhook import Health, Webhook, WebhookState
from deskbell.rules import breaker
from deskbell.rules.limits import Limits

SUCCESS = frozenset({OutcomeClass.DELIVERED, OutcomeClass.ACCEPTED})
_NO_BLAME = frozenset({OutcomeClass.THROTTLED, OutcomeClass.REFUSED, OutcomeClass.INTERNAL})


def current(health: Health | None, webhook: Webhook) -> Health:
    """The health as far as it is about the webhook as it is now.

    Failures of a receiver that was replaced, or from before the webhook was disabled or paused, are history: whoever
    set it going again starts anew.
    """
    url, state_at = webhook.receiver_url.fingerprint, webhook.state_at
    if health is None:
        return Health(site=webhook.site, webhook_id=webhook.id, url=url, state_at=state_at)
    if not health.url or (health.url == url and health.state_at == state_at):
        return health
    return Health(
        site=health.site,
        webhook_id=health.webhook_id,
        last_outcome=health.last_outcome,
        last_status=health.last_status,
        last_attempt_at=health.last_attempt_at,
        last_success_at=health.last_success_at,
        throttled_until=health.throttled_until if health.url == url else None,
        url=url,
        state_at=state_at,
    )


def is_failing(webhook: Webhook, health: Health | None) -> bool:
    """Whether an enabled webhook's last attempts failed."""
    return webhook.state is WebhookState.ENABLED and current(health, webhook).failures_in_row > 0


def next_health(
    health: Health,
    webhook: Webhook,
    *,
    outcome: Outcome,
    trigger: Trigger,
    is_probe: bool,
    now: Instant,
    throttled_until: Instant | None,
    limits: Limits,
) -> Health:
    """The webhook's health after an attempt. A request to wait is no failure; what we broke is not its fault.

    A test tells nothing but that the receiver is back.
    """
    if trigger is Trigger.TEST and outcome.kind not in SUCCESS:
        return health
    judged = breaker.judged(health.breaker, outcome.kind, is_probe=is_probe, now=now, limits=limits)
    if trigger is Trigger.TEST:
        return replace(health, breaker=judged)
    failures, first = _failures(health, outcome.kind, now)
    until = health.throttled_until
    if throttled_until is not None:
        until = throttled_until if until is None else Instant(max(until, throttled_until))
    return Health(
        site=health.site,
        webhook_id=health.webhook_id,
        failures_in_row=failures,
        first_failure_at=first,
        last_outcome=outcome.name,
        last_status=outcome.status,
        last_attempt_at=now,
        last_success_at=now if outcome.kind in SUCCESS else health.last_success_at,
        throttled_until=until,
        breaker=judged,
        url=webhook.receiver_url.fingerprint,
        state_at=webhook.state_at,
    )


def _failures(health: Health, kind: OutcomeClass, now: Instant) -> tuple[int, Instant | None]:
    """Failures in a row, and when the first of them was."""
    if kind in SUCCESS:
        return 0, None
    if kind in _NO_BLAME:
        return health.failures_in_row, health.first_failure_at
    return health.failures_in_row + 1, health.first_failure_at or now
