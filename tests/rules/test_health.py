"""How a webhook fares after each attempt, and what of it still counts after a change of the webhook."""

from dataclasses import replace

import pytest

from deskbell.model.breaker import Breaker
from deskbell.model.delivery import Trigger
from deskbell.model.exchange import Outcome, OutcomeClass
from deskbell.model.failing import Failing
from deskbell.model.ids import EventId, SiteId, WebhookId
from deskbell.model.instant import Instant, from_seconds, plus
from deskbell.model.people import SYSTEM
from deskbell.model.webhook import Health, SealedUrl, Webhook, WebhookState
from deskbell.rules.health import Judged, current, is_failing, next_health
from deskbell.rules.limits import Limits

NOW = from_seconds(1_600_000_000)
BEFORE = plus(NOW, -1)
WEBHOOK = Webhook(
    site=SiteId("dd"),
    id=WebhookId("whk_1"),
    version=1,
    shard=0,
    description="Teams",
    receiver_url=SealedUrl(sealed=b"", masked="https://…", host="example.com", fingerprint="one"),
    event_types=("*",),
    created_at=BEFORE,
    created_by=SYSTEM,
)
HEALTH = Health(site=SiteId("dd"), webhook_id=WebhookId("whk_1"), failures_in_row=2, first_failure_at=BEFORE, url="one")


def after(health, kind, *, trigger=Trigger.AUTOMATIC, throttled_until=None):
    """The health after an attempt with this outcome."""
    judged = Judged(
        outcome=Outcome(kind=kind, name="x"),
        trigger=trigger,
        event_ids=(EventId("evt_1"),),
        is_probe=False,
        lookups_work=True,
        throttled_until=throttled_until,
    )
    return next_health(health, WEBHOOK, judged, NOW, Limits())


@pytest.mark.parametrize(
    ("kind", "failures", "first"),
    [
        (OutcomeClass.DELIVERED, 0, None),
        (OutcomeClass.ACCEPTED, 0, None),
        (OutcomeClass.FAILED, 3, BEFORE),
        (OutcomeClass.BLOCKED, 3, BEFORE),
        (OutcomeClass.GONE, 3, BEFORE),
        (OutcomeClass.THROTTLED, 2, BEFORE),
        (OutcomeClass.REFUSED, 2, BEFORE),
        (OutcomeClass.INTERNAL, 2, BEFORE),
    ],
)
def test_health_counts_what_the_receiver_did(kind, failures, first):
    """Failures in a row: a success ends them; throttling, refused payloads and our own faults do not count."""
    found = after(HEALTH, kind)
    assert (found.failures_in_row, found.first_failure_at, found.last_attempt_at) == (failures, first, NOW)


def test_the_longest_pause_holds():
    """A shorter pause that is asked for later does not cut a longer one short."""
    long = after(HEALTH, OutcomeClass.THROTTLED, throttled_until=plus(NOW, 100))
    short = after(long, OutcomeClass.THROTTLED, throttled_until=plus(NOW, 10))
    assert short.throttled_until == Instant(plus(NOW, 100))


@pytest.mark.parametrize("kind", [OutcomeClass.FAILED, OutcomeClass.GONE, OutcomeClass.THROTTLED])
def test_a_test_that_fails_changes_nothing(kind):
    """A person tries things out."""
    assert after(HEALTH, kind, trigger=Trigger.TEST) is HEALTH


def test_a_test_that_arrives_tells_the_breaker_and_nothing_else():
    """The receiver answers: deliveries need not wait much longer."""
    opened = replace(HEALTH, breaker=Breaker(until=plus(NOW, 600), opened=5))
    found = after(opened, OutcomeClass.DELIVERED, trigger=Trigger.TEST)
    assert found.breaker == Breaker(until=NOW, opened=5, successes=1)
    assert replace(found, breaker=opened.breaker) == opened


@pytest.mark.parametrize(
    ("trigger", "kind", "attempts"),
    [
        (Trigger.AUTOMATIC, OutcomeClass.FAILED, 4),
        (Trigger.REPLAY, OutcomeClass.FAILED, 4),
        (Trigger.MANUAL, OutcomeClass.FAILED, 3),
        (Trigger.TEST, OutcomeClass.FAILED, 3),
        (Trigger.TEST, OutcomeClass.DELIVERED, 3),
        (Trigger.AUTOMATIC, OutcomeClass.THROTTLED, 3),
        (Trigger.AUTOMATIC, OutcomeClass.DELIVERED, 0),
        (Trigger.MANUAL, OutcomeClass.DELIVERED, 0),
    ],
)
def test_only_attempts_of_the_schedule_bring_disabling_nearer(trigger, kind, attempts):
    """Who sends by hand can end the failures, not add to them; a test does neither."""
    failing = replace(HEALTH, failing=Failing(since=BEFORE, attempts=3))
    assert after(failing, kind, trigger=trigger).failing.attempts == attempts


def test_nothing_known_yet():
    """A webhook without a row of health is about its URL from the start."""
    assert current(None, WEBHOOK) == Health(site=WEBHOOK.site, webhook_id=WEBHOOK.id, url="one")


def test_a_new_url_is_judged_anew():
    """The failures, the last outcome and the wish to wait of the receiver before are not its own."""
    failing = replace(
        HEALTH, breaker=Breaker(until=NOW), throttled_until=NOW, last_outcome="http_500", last_success_at=BEFORE
    )
    moved = replace(WEBHOOK, receiver_url=replace(WEBHOOK.receiver_url, fingerprint="two"))
    found = current(failing, moved)
    assert (found.failures_in_row, found.breaker, found.throttled_until) == (0, Breaker(), None)
    assert (found.last_outcome, found.last_attempt_at, found.last_success_at) == (None, None, BEFORE)
    assert found.url == "two"


def test_enabled_or_resumed_it_starts_anew():
    """A person says that it works again: old failures must not stop it at the first new one."""
    failing = replace(HEALTH, breaker=Breaker(until=NOW), failing=Failing(since=BEFORE), throttled_until=NOW)
    found = current(failing, replace(WEBHOOK, state_at=NOW))
    assert (found.failures_in_row, found.breaker, found.throttled_until) == (0, Breaker(), NOW)
    assert found.failing.since is None
    assert current(found, replace(WEBHOOK, state_at=NOW)) is found


@pytest.mark.parametrize("state", [WebhookState.PAUSED, WebhookState.DISABLED])
def test_while_it_is_held_what_it_did_is_still_shown(state):
    """Why it was disabled must not vanish by disabling it."""
    assert current(HEALTH, replace(WEBHOOK, state=state, state_at=NOW)) is HEALTH


@pytest.mark.parametrize(
    ("state", "health", "failing"),
    [
        (WebhookState.ENABLED, HEALTH, True),
        (WebhookState.PAUSED, HEALTH, False),
        (WebhookState.ENABLED, replace(HEALTH, failures_in_row=0), False),
        (WebhookState.ENABLED, replace(HEALTH, url="another"), False),
        (WebhookState.ENABLED, None, False),
    ],
)
def test_failing(state, health, failing):
    """Failing is an enabled webhook whose present receiver failed last."""
    assert is_failing(replace(WEBHOOK, state=state), health) is failing
