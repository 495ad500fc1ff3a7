"""What a webhook may go through: pause and resume, disable and enable. delivery.md 4 says what is held."""

from dataclasses import replace

from deskbell.model.account import Caller
from deskbell.model.audit import Origin
from deskbell.model.changes import CancelWaiting
from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.instant import Instant, format_instant, plus
from deskbell.model.query import DeliveryFilter
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.limits import Limits
from deskbell.rules.text import check_line
from deskbell.webhooks.ground import Ground, Step, actor_of, must_be

PAUSE_MINUTES_MAX = 525_600
DROP_S_MAX = 31_622_400
_HELD = ("resume", "cancel")
OPEN_STATES = ("waiting", "gathering")
"""States of deliveries that have not ended."""


class States(Ground):
    """Each step is legal from some states only; else Conflict names the present one and what is possible."""

    async def pause(self, caller: Caller, webhook_id: str, minutes: int | None, *, origin: Origin) -> Webhook:
        """Hold deliveries until resumed, or for so many minutes; again to change how long."""
        check_range("/minutes", minutes, 1, PAUSE_MINUTES_MAX, "minutes, or leave it out to pause until resumed")

        async def step(before: Webhook, now: Instant) -> Step:
            must_be(before, WebhookState.ENABLED, WebhookState.PAUSED, possible=POSSIBLE[before.state])
            until = None if minutes is None else plus(now, minutes * 60)
            after = moved(before, WebhookState.PAUSED, caller, now, until=until)
            reason = "paused" if until is None else f"paused until {format_instant(until)}"
            return Step(operation="webhook.pause", after=after, reason=reason)

        return await self._take_step(caller, webhook_id, origin, step)

    async def resume(
        self, caller: Caller, webhook_id: str, drop_older_than_s: int | None, *, origin: Origin
    ) -> Webhook:
        """Send what was held; what waited longer than so many seconds is cancelled."""
        check_range("/dropOlderThanSeconds", drop_older_than_s, 0, DROP_S_MAX, "seconds, or leave it out to send all")

        async def step(before: Webhook, now: Instant) -> Step:
            must_be(before, WebhookState.PAUSED, possible=POSSIBLE[before.state])
            after = moved(before, WebhookState.ENABLED, caller, now)
            step = Step(operation="webhook.resume", after=after, reason="resumed")
            return step if drop_older_than_s is None else await self._dropping(step, plus(now, -drop_older_than_s), now)

        return await self._take_step(caller, webhook_id, origin, step)

    async def enable(self, caller: Caller, webhook_id: str, held: str, *, origin: Origin) -> Webhook:
        """Enable a disabled webhook; its held deliveries are sent (`resume`) or cancelled (`cancel`)."""
        if held not in _HELD:
            fault = FaultAt(pointer="/held", code="choice", detail="Choose resume or cancel.")
            raise Invalid(fault.detail, faults=(fault,))

        async def step(before: Webhook, now: Instant) -> Step:
            must_be(before, WebhookState.DISABLED, possible=POSSIBLE[before.state])
            after = moved(before, WebhookState.ENABLED, caller, now)
            step = Step(operation="webhook.enable", after=after, reason=f"enabled, held: {held}")
            return await self._dropping(step, Instant(now + 1), now) if held == "cancel" else step

        return await self._take_step(caller, webhook_id, origin, step)

    async def disable(self, caller: Caller, webhook_id: str, reason: str | None, *, origin: Origin) -> Webhook:
        """Record events without making deliveries; what waits is held."""
        check_reason(reason, self._limits)

        async def step(before: Webhook, now: Instant) -> Step:
            must_be(before, WebhookState.ENABLED, WebhookState.PAUSED, possible=POSSIBLE[before.state])
            after = moved(before, WebhookState.DISABLED, caller, now, reason=reason)
            return Step(operation="webhook.disable", after=after, event_type="webhook.disabled", reason=reason)

        return await self._take_step(caller, webhook_id, origin, step)

    async def _dropping(self, step: Step, before: Instant, now: Instant) -> Step:
        """The step, and what waits from before that time cancelled: in the same unit, or when it is much by rounds.

        Until the rounds are done the webhook's row tells of it, so that nothing of what is dropped is sent.
        """
        row, rows_max = step.after, self._limits.rows_at_once
        which = DeliveryFilter(webhook_ids=(row.id,), states=OPEN_STATES, until=before)
        count = await self._store.deliveries.count(row.site, which, rows_max + 1)
        cancel = CancelWaiting(site=row.site, webhook_id=row.id, at=now, older_than=before, rows_max=rows_max)
        marked = row if count <= rows_max else replace(row, drop_before=max(before, row.drop_before or before))
        return replace(step, after=marked, changes=(*step.changes, cancel))


POSSIBLE = {
    WebhookState.ENABLED: "Pause, disable or delete it.",
    WebhookState.PAUSED: "Resume, disable or delete it.",
    WebhookState.DISABLED: "Enable or delete it.",
    WebhookState.DELETED: "Restore it first.",
}
"""What a person can do from each state."""


def moved(
    before: Webhook,
    state: WebhookState,
    caller: Caller,
    now: Instant,
    *,
    reason: str | None = None,
    until: Instant | None = None,
) -> Webhook:
    """The webhook in another state, with who, when, why and until when."""
    return replace(
        before, state=state, state_reason=reason, state_by=actor_of(caller), state_at=now, paused_until=until
    )


def check_range(pointer: str, value: int | None, low: int, high: int, words: str) -> None:
    """Raises Invalid when a number was given and is out of range."""
    if value is not None and not low <= value <= high:
        fault = FaultAt(pointer=pointer, code="range", detail=f"Use {low:,} to {high:,} {words}.")
        raise Invalid(fault.detail, faults=(fault,))


def check_reason(reason: str | None, limits: Limits) -> None:
    """Raises Invalid when a reason was given and is no one-line text."""
    fault = None if reason is None else check_line(reason, "/reason", limits)
    if fault is not None:
        raise Invalid(fault.detail, faults=(fault,))
