"""After a restore: what waits is on hold until a person says, for all webhooks or one by one, what happens to it."""

from dataclasses import dataclass, replace

from deskbell.model.account import Caller
from deskbell.model.audit import Origin
from deskbell.model.changes import CancelWaiting, Replace
from deskbell.model.errors import Conflict, FaultAt, Invalid
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.query import DeliveryFilter
from deskbell.model.site import Restored, Site
from deskbell.webhooks.audit_view import as_json
from deskbell.webhooks.ground import CHANGED_MEANWHILE, TRIES_MAX, Ground, refusal_of

ANSWERS = ("send", "cancel")
COUNT_MAX = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class RestoredCounts:
    """What a restore left to be answered."""

    restored: Restored
    waiting: int  # deliveries that wait for the held webhooks
    due_since: int  # those of them that were due before the restore: they may have been sent since the backup


class Restores(Ground):
    """The question that a restore leaves open."""

    async def restored_counts(self, site: SiteId) -> RestoredCounts | None:
        """What is to be answered; None when nothing is."""
        restored = (await self._site(site)).restored
        if restored is None:
            return None
        which = DeliveryFilter(webhook_ids=restored.held, states=("waiting", "gathering"))
        count = self._store.deliveries.count
        return RestoredCounts(
            restored=restored,
            waiting=await count(site, which, COUNT_MAX),
            due_since=await count(site, replace(which, due_before=restored.at), COUNT_MAX),
        )

    async def answer_restored(
        self, caller: Caller, answer: str, webhook_id: str | None = None, *, origin: Origin
    ) -> Site:
        """`send` lets everything go; `cancel` first cancels what was due before the restore. One webhook, or all."""
        if answer not in ANSWERS:
            words = "Choose send or cancel."
            raise Invalid(words, faults=(FaultAt(pointer="/answer", code="choice", detail=words),))
        for _ in range(TRIES_MAX):
            before = await self._site(caller.site)
            chosen = self._chosen(before, webhook_id)
            cancelled = await self._cancel(before, chosen) if answer == "cancel" else 0
            if await self._let_go(caller, origin, before, chosen, answer, cancelled):
                return await self._site(caller.site)
        raise Conflict(CHANGED_MEANWHILE, reason="version")

    def _chosen(self, site: Site, webhook_id: str | None) -> tuple[WebhookId, ...]:
        held = () if site.restored is None else site.restored.held
        chosen = held if webhook_id is None else tuple(one for one in held if one == webhook_id)
        if not chosen:
            raise Conflict("Nothing is to be answered: no deliveries wait for it.", reason="nothing_restored")
        return chosen

    async def _cancel(self, site: Site, chosen: tuple[WebhookId, ...]) -> int:
        """In small units, which may be done again: they are held, so none of them is on its way."""
        now, due_before = self._clock.now(), None if site.restored is None else site.restored.at
        return sum(
            [
                await self._cancel_in_rounds(
                    CancelWaiting(site=site.site, webhook_id=one, at=now, due_before=due_before)
                )
                for one in chosen
            ]
        )

    async def _let_go(
        self, caller: Caller, origin: Origin, before: Site, chosen: tuple[WebhookId, ...], answer: str, cancelled: int
    ) -> bool:
        """Whether it was written; False when somebody else was faster."""
        assert before.restored is not None  # noqa: S101 - something was chosen from it
        rest = tuple(one for one in before.restored.held if one not in chosen)
        restored = replace(before.restored, held=rest) if rest else None
        after = replace(before, restored=restored, version=before.version + 1)
        told = as_json({"answer": answer, "webhooks": list(chosen), "cancelled": cancelled})
        entry = self._entry(caller, origin, "site.restored", before.site, after=told)
        refused = await self._commit((Replace(row=after),), entry)
        if refused is None:
            self._site_changed(before.site)
            return True
        if refused.reason != "version":
            raise refusal_of(refused)
        return False
