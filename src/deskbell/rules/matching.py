"""Which webhooks an event goes to, and why the others are left out (the trace)."""

from deskbell.model.draft import Draft
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.event_types import NOT_IN_ALL, group_of, matches
from deskbell.rules.filtering import Seen, refusal
from deskbell.rules.limits import Limits

MATCHED = "matched"
PAUSED = "paused"
"""Matched too: the delivery is made and held."""

_ABOUT_ITSELF = frozenset({"delivery.exhausted", "webhook.failing", "webhook.recovered", "webhook.disabled"})


def considered(webhook: Webhook, event_type: str) -> bool:
    """Whether the trace names this webhook: it chose a type of the event's group, or `*`."""
    if webhook.state is WebhookState.DELETED:
        return False
    group = group_of(event_type)
    for choice in webhook.event_types:
        if choice == "*":
            if group not in NOT_IN_ALL:
                return True
        elif group_of(choice) == group:
            return True
    return False


def standing_reason(webhook: Webhook, site: Site, event_type: str) -> str:
    """The part of the reason that is the same for every event of this type: it may be kept until a setting changes.

    What the webhook wants comes first, so that `off` and `disabled` name only events that would have been sent.
    """
    if not any(matches(choice, event_type) for choice in webhook.event_types):
        return "types"
    if webhook.state is WebhookState.DISABLED:
        return "disabled"
    if not site.webhooks_enabled:
        return "off"
    return PAUSED if webhook.state is WebhookState.PAUSED else MATCHED


def reason_for(webhook: Webhook, standing: str, draft: Draft, seen: Seen, limits: Limits) -> str:
    """Why this webhook gets the event (`matched`, `paused`) or not.

    What the webhook wants is asked before what holds it up: a replay of what was missed while webhooks were off sends
    what the trace calls `off`.
    """
    if standing == "types":
        return standing
    if webhook.filter is not None or webhook.changed_fields:
        why = refusal(webhook.filter, webhook.changed_fields, seen, draft.changed, limits)
        if why is not None:
            return why
    return "loop" if is_loop(webhook, draft) else standing


def is_loop(webhook: Webhook, draft: Draft) -> bool:
    """Whether the event was caused by the key that made the webhook, or tells a webhook about its own deliveries."""
    if webhook.loop_protection and draft.maker_key is not None and draft.maker_key == webhook.created_by.id:
        return True
    return draft.type in _ABOUT_ITSELF and draft.subject is not None and draft.subject.id == webhook.id


def makes_delivery(reason: str) -> bool:
    """Whether a delivery is made for this reason."""
    return reason in (MATCHED, PAUSED)
