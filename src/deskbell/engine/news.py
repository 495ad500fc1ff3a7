"""What Deskbell tells about its own work: a delivery that ended without success, a webhook that fails for long."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from deskbell.engine.accept import Accept
from deskbell.engine.ground import Ground
from deskbell.engine.publish import Intake
from deskbell.engine.run import Run
from deskbell.model.audit import AuditEntry
from deskbell.model.changes import Change, Committed, Guard, Refused, Replace, Verdict
from deskbell.model.delivery import Delivery
from deskbell.model.draft import Draft, Published
from deskbell.model.event import Subject
from deskbell.model.ids import EventId, SiteId, WebhookId
from deskbell.model.people import SYSTEM
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.event_types import NOT_IN_ALL, group_of
from deskbell.rules.failing import Turn
from deskbell.rules.payload import system_head

TRIES_MAX = 5
"""Another writer may change the webhook at the same moment."""


class News:
    """System events of the engine, each in the unit of what it tells."""

    def __init__(self, ground: Ground, *, intake: Intake) -> None:
        self._intake = intake
        self._settings = ground.settings
        self._supervisor = ground.supervisor
        self._doorbell = ground.doorbell
        self._clock = ground.clock
        self._ids = ground.ids
        self._log = ground.log

    def tell(
        self,
        run: Run,
        exhausted: Delivery | None,
        changes: tuple[Change, ...],
        done: Callable[[Verdict], None],
        *,
        guards: tuple[Guard, ...] = (),
    ) -> bool:
        """Write these changes together with what they are to be told as.

        False when nobody listens, or the site's settings cannot be read: then nothing was handed in.
        """
        site = run.parcel.delivery.site
        drafts = tuple(one for one in self._drafts(run, exhausted) if self._settings.listens(site, one))
        if not drafts or self._settings.unreadable.has_site(site):
            return False
        accept = Accept(site=site, drafts=drafts, changes=changes, guards=guards)
        self._intake.submit(accept, lambda answer: done(_verdict(answer)))
        return True

    def _drafts(self, run: Run, exhausted: Delivery | None) -> Iterator[Draft]:
        webhook = self._settings.webhook(run.opened.webhook.site, run.opened.webhook.id) or run.opened.webhook
        if exhausted is not None and not exhausted.test and not _is_about_us(exhausted):
            reason = exhausted.last_outcome
            yield self._draft("delivery.exhausted", webhook, self._ids.event(), reason, exhausted)
        if run.turned in (Turn.FAILING, Turn.RECOVERED):
            yield self._draft(run.turned.value, webhook, self._ids.event(), run.reason, None)

    def disable(self, webhook: Webhook, reason: str) -> None:
        """Disable the webhook in the background; its lane is held already."""
        fingerprint = webhook.receiver_url.fingerprint
        self._supervisor.errand("disable", lambda: self._disable(webhook.site, webhook.id, fingerprint, reason))

    async def _disable(self, site: SiteId, webhook_id: WebhookId, fingerprint: str, reason: str) -> None:
        for _ in range(TRIES_MAX):
            webhook = self._settings.webhook(site, webhook_id)
            if webhook is None or webhook.state in (WebhookState.DISABLED, WebhookState.DELETED):
                break
            if webhook.receiver_url.fingerprint != fingerprint:  # it was the receiver before that is gone
                break
            verdict = await self._commit_disabled(webhook, reason)
            self._settings.changed(site, webhook_id)
            if isinstance(verdict, Committed):
                self._log.warning("webhook.disabled", site=site, webhook=webhook_id, reason=reason)
                self._doorbell.ring("webhook", (site, webhook_id))
                return
            await self._settings.fresh(site)
        self._settings.changed(site, webhook_id)

    async def _commit_disabled(self, webhook: Webhook, reason: str) -> Verdict:
        now = self._clock.now()
        after = replace(
            webhook,
            version=webhook.version + 1,
            state=WebhookState.DISABLED,
            state_reason=reason,
            state_by=SYSTEM,
            state_at=now,
            paused_until=None,
        )
        audit = AuditEntry(
            site=webhook.site, at=now, actor=SYSTEM, operation="webhook.disable", object_id=webhook.id, reason=reason
        )
        event_id = self._ids.event()
        draft = self._draft("webhook.disabled", after, event_id, reason, None)
        told = self._settings.listens(webhook.site, draft)
        accept = Accept(
            site=webhook.site,
            drafts=(draft,) if told else (),
            changes=(Replace(row=after),),
            audit=audit,
        )
        return _verdict(await self._intake.accepted(accept))

    def _draft(
        self, event_type: str, webhook: Webhook, event_id: EventId, reason: str | None, delivery: Delivery | None
    ) -> Draft:
        head = system_head(webhook.site, event_id, webhook=webhook, actor=SYSTEM, reason=reason, delivery=delivery)
        return Draft(
            id=event_id,
            type=event_type,
            by=SYSTEM,
            occurred_at=self._clock.now(),
            head=head,
            subject=Subject(type="webhook", id=webhook.id, title=webhook.description),
        )


def _is_about_us(delivery: Delivery) -> bool:
    """Whether it carries news of Deskbell itself: they make no further news."""
    return any(group_of(one) in NOT_IN_ALL for one in delivery.event_types)


def _verdict(answer: Published | Refused) -> Verdict:
    return Committed() if isinstance(answer, Published) else answer
