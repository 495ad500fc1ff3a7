"""Who gets an event, and the reason for everybody else."""

from dataclasses import replace

import pytest

from deskbell.model.draft import Draft
from deskbell.model.event import Subject
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor, ActorKind
from deskbell.model.site import Site
from deskbell.model.webhook import SealedUrl, Webhook, WebhookState
from deskbell.rules.filtering import Seen
from deskbell.rules.limits import Limits
from deskbell.rules.matching import considered, makes_delivery, reason_for, standing_reason

KEY = Actor(kind=ActorKind.KEY, name="script", id="key_1")
SITE = Site(site=SiteId("dd"), name="Desk", created_at=Instant(0))
WEBHOOK = Webhook(
    site=SiteId("dd"),
    id=WebhookId("whk_1"),
    version=1,
    shard=0,
    description="A",
    receiver_url=SealedUrl(sealed=b"", masked="", host="", fingerprint=""),
    event_types=("ticket.*",),
    created_at=Instant(0),
    created_by=KEY,
)
DRAFT = Draft(type="ticket.created", by=KEY, occurred_at=Instant(0), head=b"{")


def match(webhook, site, draft, snapshot=b"{}"):
    """The reason that the trace gives."""
    standing = standing_reason(webhook, site, draft.type)
    return reason_for(webhook, standing, draft, Seen(snapshot), Limits())


@pytest.mark.parametrize(
    ("choices", "event_type", "is_considered"),
    [
        (("chat.created",), "chat.handled", True),
        (("chat.*",), "chat.handled", True),
        (("ticket.created",), "chat.handled", False),
        (("*",), "chat.handled", True),
        (("*",), "custom.order", True),
        (("*",), "webhook.disabled", False),
        (("*",), "delivery.exhausted", False),
        (("*",), "test.ping", False),
        (("webhook.*",), "webhook.disabled", True),
        (("ticket.created", "chat.created"), "chat.missed", True),
    ],
)
def test_who_is_considered(choices, event_type, is_considered):
    """The trace names who chose a type of the event's group, or `*`, which has no system and test events."""
    assert considered(replace(WEBHOOK, event_types=choices), event_type) is is_considered


def test_deleted_webhook_is_never_considered():
    """A deleted webhook is in no trace."""
    assert not considered(replace(WEBHOOK, state=WebhookState.DELETED), "ticket.created")


@pytest.mark.parametrize(
    ("webhook", "site", "draft", "reason"),
    [
        ({}, {}, {}, "matched"),
        ({"state": WebhookState.PAUSED}, {}, {}, "paused"),
        ({"state": WebhookState.DISABLED}, {}, {}, "disabled"),
        ({}, {"webhooks_enabled": False}, {}, "off"),
        ({"state": WebhookState.PAUSED}, {"webhooks_enabled": False}, {}, "off"),
        ({"state": WebhookState.DISABLED}, {"webhooks_enabled": False}, {}, "disabled"),
        ({"event_types": ("ticket.closed",)}, {}, {}, "types"),
        ({"event_types": ("ticket.closed",)}, {"webhooks_enabled": False}, {}, "types"),
        ({"event_types": ("ticket.closed",), "state": WebhookState.DISABLED}, {}, {}, "types"),
        ({"loop_protection": True}, {}, {"maker_key": "key_1"}, "loop"),
        ({"loop_protection": True}, {}, {"maker_key": "key_2"}, "matched"),
        ({"loop_protection": True}, {}, {}, "matched"),
        ({}, {}, {"maker_key": "key_1"}, "matched"),
        ({"filter": "a == 'x'"}, {}, {}, "matched"),
        ({"filter": "a == 'y'"}, {}, {}, "filter: a == 'y'"),
        ({"filter": "a == 'y'", "state": WebhookState.DISABLED}, {}, {}, "filter: a == 'y'"),
        ({"filter": "a == 'x'", "state": WebhookState.DISABLED}, {}, {}, "disabled"),
        ({"filter": "a == 'y'"}, {"webhooks_enabled": False}, {}, "filter: a == 'y'"),
        ({"filter": "a == 'x'"}, {"webhooks_enabled": False}, {}, "off"),
        ({"filter": "a == 'y'", "event_types": ("ticket.closed",)}, {}, {}, "types"),
        ({"loop_protection": True}, {"webhooks_enabled": False}, {"maker_key": "key_1"}, "loop"),
        ({"filter": "a == 'y'", "loop_protection": True}, {}, {"maker_key": "key_1"}, "filter: a == 'y'"),
        ({"filter": "a == 'x'", "loop_protection": True}, {}, {"maker_key": "key_1"}, "loop"),
        ({"filter": "a == 'x'", "state": WebhookState.PAUSED}, {}, {}, "paused"),
        ({"changed_fields": ("status",)}, {}, {"changed": ("tags",)}, "fields"),
        ({"changed_fields": ("status",)}, {}, {"changed": ("tags", "status")}, "matched"),
        ({"changed_fields": ("status",)}, {}, {"changed": None}, "matched"),
    ],
)
def test_reasons(webhook, site, draft, reason):
    """One row per reason, and which wins when several hold."""
    found = match(replace(WEBHOOK, **webhook), replace(SITE, **site), replace(DRAFT, **draft), b'{"a":"x"}')
    assert found == reason
    assert makes_delivery(found) is (reason in ("matched", "paused"))


@pytest.mark.parametrize(
    ("event_type", "about", "reason"),
    [
        ("delivery.exhausted", "whk_1", "loop"),
        ("delivery.exhausted", "whk_2", "matched"),
        ("webhook.failing", "whk_1", "loop"),
        ("webhook.changed", "whk_1", "matched"),
    ],
)
def test_nobody_is_told_about_their_own_deliveries(event_type, about, reason):
    """A webhook for system events hears of every other webhook's troubles, not of its own."""
    draft = replace(DRAFT, type=event_type, subject=Subject(type="webhook", id=about))
    assert match(replace(WEBHOOK, event_types=("webhook.*", "delivery.exhausted")), SITE, draft) == reason
