"""One word, an icon and a colour for every state."""

from dataclasses import replace

import pytest

from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.failing import Failing
from deskbell.model.ids import DeliveryId, EventId, SiteId, WebhookId
from deskbell.model.instant import Instant, plus
from deskbell.model.people import SYSTEM
from deskbell.model.site import Site
from deskbell.model.webhook import Health, SealedUrl, Webhook, WebhookState
from deskbell.portal.states import delivery_state, outcome_text, outcome_tone, webhook_state
from deskbell.portal.webhook.rows import next_send, row_of

SITE = Site(site=SiteId("desk"), name="Desk", created_at=Instant(0))
WEBHOOK = Webhook(
    site=SiteId("desk"),
    id=WebhookId("whk_1"),
    version=1,
    shard=0,
    description="x",
    receiver_url=SealedUrl(sealed=b"", masked="", host="", fingerprint=""),
    event_types=("chat.*",),
    created_at=Instant(0),
    created_by=SYSTEM,
)
DELIVERY = Delivery(
    site=SiteId("desk"),
    id=DeliveryId("dlv_1"),
    webhook_id=WebhookId("whk_1"),
    webhook_version=1,
    shard=0,
    event_ids=(EventId("evt_1"),),
    event_types=("chat.created",),
    created_at=Instant(0),
    due_at=Instant(50),
)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (DeliveryState.GATHERING, "Gathering"), (DeliveryState.WAITING, "Waiting"),
        (DeliveryState.DELIVERED, "Delivered"), (DeliveryState.ACCEPTED, "Accepted"),
        (DeliveryState.EXHAUSTED, "Exhausted"), (DeliveryState.CANCELLED, "Cancelled"),
    ],
)  # fmt: skip
def test_every_delivery_state_has_its_word(state: DeliveryState, word: str) -> None:
    """As the table of states says."""
    assert delivery_state(replace(DELIVERY, state=state), SITE, WEBHOOK).word == word


@pytest.mark.parametrize(
    ("site", "webhook", "why"),
    [
        (replace(SITE, webhooks_enabled=False), WEBHOOK, "webhooks are off"),
        (SITE, replace(WEBHOOK, state=WebhookState.PAUSED), "its webhook is paused"),
        (SITE, replace(WEBHOOK, state=WebhookState.DISABLED), "its webhook is disabled"),
    ],
)
def test_held_deliveries_say_why(site: Site, webhook: Webhook, why: str) -> None:
    """Waiting for a person is not waiting for a receiver."""
    shown = delivery_state(DELIVERY, site, webhook)
    assert (shown.word, shown.why) == ("Held", why)


def test_sending_wins_over_waiting_and_retry_has_a_time() -> None:
    """On its way now, else when it goes next."""
    assert delivery_state(DELIVERY, SITE, WEBHOOK, sending=True).word == "Sending"
    assert delivery_state(DELIVERY, SITE, WEBHOOK).at is None
    assert delivery_state(replace(DELIVERY, attempts=1), SITE, WEBHOOK).at == 50


HEALTH = Health(site=SiteId("desk"), webhook_id=WebhookId("whk_1"), last_attempt_at=Instant(1))


@pytest.mark.parametrize(
    ("state", "health", "word"),
    [
        (WebhookState.ENABLED, None, "New"), (WebhookState.ENABLED, HEALTH, "Healthy"),
        (WebhookState.ENABLED, replace(HEALTH, failures_in_row=5), "Failing"),
        (WebhookState.PAUSED, replace(HEALTH, failures_in_row=5), "Paused"),
        (WebhookState.DISABLED, HEALTH, "Disabled"), (WebhookState.DELETED, HEALTH, "Deleted"),
    ],
)  # fmt: skip
def test_every_webhook_state_has_its_word(state: WebhookState, health: Health | None, word: str) -> None:
    """As the table of states says."""
    assert webhook_state(replace(WEBHOOK, state=state), health).word == word


def test_a_failing_webhook_says_when_it_is_sent_to_next() -> None:
    """Only a failing one: the others are sent to when something happens."""
    failing = replace(HEALTH, failures_in_row=5)
    assert webhook_state(WEBHOOK, failing, Instant(70)).at == 70
    assert webhook_state(WEBHOOK, HEALTH, Instant(70)).at is None


@pytest.mark.parametrize(
    ("next_at", "waits_until", "at"),
    [(60, 90, 90), (60, None, 60), (None, 90, 90), (40, 90, 90), (40, None, None), (None, None, None)],
)
def test_the_breaker_holds_what_is_due(next_at: int | None, waits_until: int | None, at: int | None) -> None:
    """The later of the two times, if it is still to come."""
    assert next_send(next_at and Instant(next_at), waits_until and Instant(waits_until), Instant(50)) == at


@pytest.mark.parametrize(("warned", "text"), [(0, ""), (1, "26 h"), (2, "26 h")])
def test_how_long_nothing_arrived_is_said_once_it_was_warned_of(warned: int, text: str) -> None:
    """From the first warning on."""
    now = plus(Instant(1), 26 * 3_600)
    failing = replace(HEALTH, failures_in_row=9, failing=Failing(since=Instant(1), attempts=9, warned=warned))
    assert row_of(WEBHOOK, SITE, failing, (), None, now).no_success_for == text


def test_outcomes_are_a_status_or_a_name() -> None:
    """Coloured by whether it goes on."""
    assert outcome_text(None, None) == "–"
    assert outcome_text("http_503", 503) == "503"
    assert outcome_text("timeout", None) == "timeout"
    assert outcome_tone("http_503", 503, DeliveryState.WAITING) == "warn"
    assert outcome_tone("http_503", 503, DeliveryState.EXHAUSTED) == "bad"
    assert outcome_tone("http_200", 200, DeliveryState.DELIVERED) == "ok"
