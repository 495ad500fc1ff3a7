"""States of webhooks and deliveries as people see them: one word, an icon, a colour, and why."""

from dataclasses import dataclass

from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.instant import Instant
from deskbell.model.site import Site
from deskbell.model.webhook import Health, Webhook, WebhookState
from deskbell.rules.health import is_failing


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A state as a pill."""

    word: str
    icon: str
    tone: str  # ok, warn, bad, info, idle
    why: str = ""
    at: Instant | None = None  # the next attempt, where there is one


_ENDED = {
    DeliveryState.DELIVERED: Shown(word="Delivered", icon="check", tone="ok"),
    DeliveryState.ACCEPTED: Shown(word="Accepted", icon="circle-check", tone="info", why="effect unknown"),
    DeliveryState.EXHAUSTED: Shown(word="Exhausted", icon="x", tone="bad", why="no more attempts follow"),
    DeliveryState.CANCELLED: Shown(word="Cancelled", icon="ban", tone="idle"),
}
_HELD = {WebhookState.PAUSED: "its webhook is paused", WebhookState.DISABLED: "its webhook is disabled"}


def held_why(site: Site | None, webhook: Webhook | None) -> str:
    """Why waiting deliveries of this webhook are held; nothing when they are not."""
    if site is not None and not site.webhooks_enabled:
        return "webhooks are off"
    if site is not None and webhook is not None and site.holds(webhook.id):
        return "a backup was restored"
    return _HELD.get(webhook.state, "") if webhook else ""


def delivery_state(
    delivery: Delivery,
    site: Site | None,
    webhook: Webhook | None,
    *,
    sending: bool = False,
    before: Delivery | None = None,
) -> Shown:
    """A delivery's state; `before` is what it waits for."""
    ended = _ENDED.get(delivery.state)
    if ended is not None:
        return ended
    if sending:
        return Shown(word="Sending", icon="send", tone="info")
    held = held_why(site, webhook)
    if held:
        return Shown(word="Held", icon="pause", tone="idle", why=held)
    if before is not None:
        return Shown(word="Waiting", icon="hourglass", tone="idle", why=f"for {before.id}, which is before it")
    if delivery.state is DeliveryState.GATHERING:
        return Shown(word="Gathering", icon="inbox", tone="idle", why="more events may join until it is full or due")
    due = delivery.due_at if delivery.attempts else None
    return Shown(word="Waiting", icon="refresh-cw", tone="warn", at=due)


def webhook_state(webhook: Webhook, health: Health | None, next_at: Instant | None = None) -> Shown:
    """A webhook's state; of a failing one also when it is sent to next."""
    if webhook.state is WebhookState.PAUSED:
        by = f"by {webhook.state_by.name}" if webhook.state_by else ""
        return Shown(word="Paused", icon="pause", tone="idle", why=by, at=webhook.paused_until)
    if webhook.state is WebhookState.DISABLED:
        return Shown(word="Disabled", icon="ban", tone="bad", why=webhook.state_reason or "")
    if webhook.state is WebhookState.DELETED:
        return Shown(word="Deleted", icon="trash-2", tone="idle")
    if is_failing(webhook, health):
        return Shown(word="Failing", icon="triangle-alert", tone="warn", at=next_at)
    if health is None or health.last_attempt_at is None:
        return Shown(word="New", icon="circle-dashed", tone="idle", why="nothing was sent yet")
    return Shown(word="Healthy", icon="check", tone="ok")


def outcome_tone(name: str | None, status: int | None, state: DeliveryState | None = None) -> str:
    """The colour of an outcome: good, a passing fault, a fault, or none yet."""
    if name is None:
        return "none"
    if status is not None and 200 <= status < 300:
        return "ok"
    return "warn" if state is DeliveryState.WAITING else "bad"


def outcome_text(name: str | None, status: int | None) -> str:
    """The status where there is one, else the name."""
    return "–" if name is None else str(status) if status is not None else name
