"""What a webhook may go through: pause and resume, disable and enable. delivery.md 4 says what is held."""

from dataclasses import replace

from deskbell.model.account import Caller
from deskbell.model.audit import Origin
from deskbell.model.changes import CancelWaiting
from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant, format_instant, plus
from deskbell.model.query import DeliveryFilter
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.limits import Limits
from deskbell.rules.text import check_line
from deskbell.webhooks.answers import Released
from deskbell.webhooks.ground import Ground, Step, actor_of, must_be

PAUSE_MINUTES_MAX = 525_600
DROP_S_MAX = 31_622_400
_HELD = ("resume", "cancel")
OPEN_STATES = ("waiting", "gathering")
COUNT_MAX = 1_000_000_000
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
    ) -> Released:
        """Send what was held; what was made longer ago than so many seconds is cancelled."""
        check_drop(drop_older_than_s)
        counts: list[tuple[int, int]] = []

        async def step(before: Webhook, now: Instant) -> Step:
            must_be(before, WebhookState.PAUSED, possible=POSSIBLE[before.state])
            older_than = None if drop_older_than_s is None else plus(now, -drop_older_than_s)
            counts[:] = [await self._held(before, older_than)]
            after = moved(before, WebhookState.ENABLED, caller, now)
            step = Step(operation="webhook.resume", after=after, reason="resumed")
            return step if older_than is None else self._dropping(step, older_than, now, counts[0][1])

        after = await self._take_step(caller, webhook_id, origin, step)
        return Released(webhook=after, kept=counts[0][0], cancelled=counts[0][1])

    async def enable(self, caller: Caller, webhook_id: str, held: str, *, origin: Origin) -> Released:
        """Enable a disabled webhook; its held deliveries are sent (`resume`) or cancelled (`cancel`)."""
        check_held(held)
        counts: list[tuple[int, int]] = []

        async def step(before: Webhook, now: Instant) -> Step:
            must_be(before, WebhookState.DISABLED, possible=POSSIBLE[before.state])
            older_than = Instant(now + 1) if held == "cancel" else None
            counts[:] = [await self._held(before, older_than)]
            after = moved(before, WebhookState.ENABLED, caller, now)
            step = Step(operation="webhook.enable", after=after, reason=f"enabled, held: {held}")
            return step if older_than is None else self._dropping(step, older_than, now, counts[0][1])

        after = await self._take_step(caller, webhook_id, origin, step)
        return Released(webhook=after, kept=counts[0][0], cancelled=counts[0][1])

    async def would_resume(self, site: SiteId, webhook_id: str, drop_older_than_s: int | None) -> Released:
        """The dry run of `resume`: the exact counts of this moment; nothing changes."""
        check_drop(drop_older_than_s)
        webhook = await self.get(site, webhook_id)
        must_be(webhook, WebhookState.PAUSED, possible=POSSIBLE[webhook.state])
        older_than = None if drop_older_than_s is None else plus(self._clock.now(), -drop_older_than_s)
        kept, cancelled = await self._held(webhook, older_than)
        return Released(webhook=webhook, kept=kept, cancelled=cancelled)

    async def would_enable(self, site: SiteId, webhook_id: str, held: str) -> Released:
        """The dry run of `enable`."""
        check_held(held)
        webhook = await self.get(site, webhook_id)
        must_be(webhook, WebhookState.DISABLED, possible=POSSIBLE[webhook.state])
        older_than = Instant(self._clock.now() + 1) if held == "cancel" else None
        kept, cancelled = await self._held(webhook, older_than)
        return Released(webhook=webhook, kept=kept, cancelled=cancelled)

    async def disable(self, caller: Caller, webhook_id: str, reason: str | None, *, origin: Origin) -> Webhook:
        """Record events without making deliveries; what waits is held."""
        check_reason(reason, self._limits)

        async def step(before: Webhook, now: Instant) -> Step:
            must_be(before, WebhookState.ENABLED, WebhookState.PAUSED, possible=POSSIBLE[before.state])
            after = moved(before, WebhookState.DISABLED, caller, now, reason=reason)
            return Step(operation="webhook.disable", after=after, event_type="webhook.disabled", reason=reason)

        return await self._take_step(caller, webhook_id, origin, step)

    async def _held(self, webhook: Webhook, older_than: Instant | None) -> tuple[int, int]:
        """How many deliveries wait that are kept, and how many that were made before this time."""
        which = DeliveryFilter(webhook_ids=(webhook.id,), states=OPEN_STATES)
        waiting = await self._store.deliveries.count(webhook.site, which, COUNT_MAX)
        if older_than is None:
            return waiting, 0
        old = await self._store.deliveries.count(webhook.site, replace(which, until=older_than), COUNT_MAX)
        return waiting - old, old

    def _dropping(self, step: Step, before: Instant, now: Instant, count: int) -> Step:
        """The step, and what waits from before that time cancelled: in the same unit, or when it is much by rounds.

        Until the rounds are done the webhook's row tells of it, so that nothing of what is dropped is sent.
        """
        row, rows_max = step.after, self._limits.rows_at_once
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


def check_drop(seconds: int | None) -> None:
    """Raises Invalid when the age is out of range."""
    check_range("/dropOlderThanSeconds", seconds, 0, DROP_S_MAX, "seconds, or leave it out to send all")


def check_held(held: str) -> None:
    """Raises Invalid for another word than resume or cancel."""
    if held not in _HELD:
        fault = FaultAt(pointer="/held", code="choice", detail="Choose resume or cancel.")
        raise Invalid(fault.detail, faults=(fault,))


def check_reason(reason: str | None, limits: Limits) -> None:
    """Raises Invalid when a reason was given and is no one-line text."""
    fault = None if reason is None else check_line(reason, "/reason", limits)
    if fault is not None:
        raise Invalid(fault.detail, faults=(fault,))
