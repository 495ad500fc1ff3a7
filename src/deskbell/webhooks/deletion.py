"""Deleting a webhook, and bringing it back within 30 days with the same id, URL and secret."""

from collections.abc import AsyncIterator
from dataclasses import replace

from deskbell.model.account import Caller
from deskbell.model.audit import Origin
from deskbell.model.changes import CancelWaiting, MoveDelivery, MustVersion, Refused
from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.errors import Conflict
from deskbell.model.instant import Instant, format_instant, plus
from deskbell.model.query import DeliveryFilter
from deskbell.model.webhook import Deletion, Webhook, WebhookState
from deskbell.webhooks.audit_view import as_json
from deskbell.webhooks.ground import Ground, Step, actor_of, must_be, refusal_of
from deskbell.webhooks.states import COUNT_MAX, OPEN_STATES, POSSIBLE, check_reason

_DAY_S = 86_400
_MOVES_MAX = 200


class Deletions(Ground):
    """A deleted webhook stays as a row: who, when, how, why."""

    async def delete(self, caller: Caller, webhook_id: str, reason: str | None, *, origin: Origin) -> Webhook:
        """Delete it; waiting deliveries are cancelled, and how many is kept."""
        check_reason(reason, self._limits)

        async def step(before: Webhook, now: Instant) -> Step:
            must_be(before, *_NOT_DELETED, possible=POSSIBLE[before.state])
            which = DeliveryFilter(webhook_ids=(before.id,), states=OPEN_STATES)
            deletion = Deletion(
                at=now,
                by=actor_of(caller),
                reason=reason,
                cancelled=await self._store.deliveries.count(before.site, which, COUNT_MAX),
                state_before=before.state,
            )
            after = replace(before, state=WebhookState.DELETED, deletion=deletion)
            rows_max = self._limits.rows_at_once  # the engine cancels the rest: that the webhook is deleted tells it
            cancel = CancelWaiting(site=before.site, webhook_id=before.id, at=now, rows_max=rows_max)
            return Step(
                operation="webhook.delete",
                after=after,
                changes=(cancel,),
                event_type="webhook.deleted",
                reason=reason,
            )

        return await self._take_step(caller, webhook_id, origin, step)

    async def restore(self, caller: Caller, webhook_id: str, send_cancelled: bool, *, origin: Origin) -> Webhook:
        """The same id, URL and secret again; on wish the deliveries that the deletion cancelled wait anew."""
        found: list[tuple[Webhook, Deletion]] = []

        async def step(before: Webhook, now: Instant) -> Step:
            deletion = self._restorable(before, now)
            found[:] = [(before, deletion)]
            await self._finish(before, now)
            state = before.state if deletion.state_before is WebhookState.DELETED else deletion.state_before
            if state is WebhookState.PAUSED and before.paused_until is not None and before.paused_until <= now:
                state = WebhookState.ENABLED
            until = before.paused_until if state is WebhookState.PAUSED else None
            after = replace(before, state=state, deletion=None, paused_until=until, drop_before=None)
            note = (as_json({"state": "deleted"}), as_json({"state": state.value, "sendCancelled": send_cancelled}))
            return Step(operation="webhook.restore", after=after, reason="restored", note=note)

        after = await self._take_step(caller, webhook_id, origin, step)
        if send_cancelled:
            await self._revive(*found[0])
        return after

    async def _finish(self, deleted: Webhook, now: Instant) -> None:
        """Cancel what the engine has not come to yet: as long as the webhook is deleted."""
        cancel = CancelWaiting(site=deleted.site, webhook_id=deleted.id, at=now)
        version = MustVersion(site=deleted.site, kind="webhook", key=(deleted.id,), version=deleted.version)
        await self._cancel_in_rounds(cancel, version)

    def _restorable(self, webhook: Webhook, now: Instant) -> Deletion:
        if webhook.state is not WebhookState.DELETED or webhook.deletion is None:
            raise Conflict(
                f"This webhook is {webhook.state.value}, not deleted. {POSSIBLE[webhook.state]}",
                reason=webhook.state.value,
            )
        last = plus(webhook.deletion.at, self._limits.restorable_days * _DAY_S)
        if now >= last:
            raise Conflict(
                f"This webhook was deleted too long ago: it could be restored until {format_instant(last)}. "
                "Create a new one.",
                reason="too_old",
            )
        return webhook.deletion

    async def _revive(self, deleted: Webhook, deletion: Deletion) -> None:
        """Move what the deletion cancelled back to waiting, a bounded number at a time; the lane is read anew after."""
        now = self._clock.now()
        try:
            async for page in self._cancelled_since(deleted, deletion.at):
                moves = tuple(
                    MoveDelivery(
                        after=replace(row, state=DeliveryState.WAITING, due_at=now, ended_at=None),
                        expected=DeliveryState.CANCELLED,
                    )
                    for row in page
                )
                await self._move(moves)
        finally:
            self._changed(deleted.site, deleted.id)

    async def _move(self, moves: tuple[MoveDelivery, ...]) -> None:
        """In one unit; one by one when a person was faster with some of them."""
        refused = await self._commit(moves, None)
        if refused is None:
            return
        if refused.reason != "state":
            raise refusal_of(refused)
        for move in moves:
            alone: Refused | None = await self._commit((move,), None)
            if alone is not None and alone.reason != "state":
                raise refusal_of(alone)

    async def _cancelled_since(self, deleted: Webhook, at: Instant) -> AsyncIterator[list[Delivery]]:
        """The deliveries that ended as cancelled since the deletion: while deleted, nothing else cancels.

        But for what a person had dropped before.
        """
        dropped = deleted.drop_before
        which = DeliveryFilter(webhook_ids=(deleted.id,), states=(DeliveryState.CANCELLED.value,), since=dropped)
        place: str | None = None
        while rows := await self._store.deliveries.page(deleted.site, which, place, _MOVES_MAX):
            place = rows[-1].id
            found = [row for row in rows if row.ended_at is not None and row.ended_at >= at]
            if found:
                yield found


_NOT_DELETED = (WebhookState.ENABLED, WebhookState.PAUSED, WebhookState.DISABLED)
