"""What every use case of webhooks works with, and how it writes: one unit with its audit entry and its event."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from deskbell.model.account import Caller
from deskbell.model.audit import AuditEntry, Origin
from deskbell.model.changes import CancelWaiting, Change, Guard, Refused, Replace, Unit
from deskbell.model.draft import Draft
from deskbell.model.errors import Busy, Conflict, DiskFull, NotFound, StoreBroken
from deskbell.model.event import Subject
from deskbell.model.ids import EventId, Prefix, SiteId, WebhookId, make_id
from deskbell.model.instant import Instant, unix_ms
from deskbell.model.people import Actor, ActorKind
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.ports import Clock, Publisher, Random, Store
from deskbell.rules.limits import Limits
from deskbell.rules.payload import system_head
from deskbell.rules.sealing import Keyring
from deskbell.rules.urls import UrlPolicy
from deskbell.webhooks.audit_view import differences, webhook_view
from deskbell.webhooks.kinds import Kind
from deskbell.webhooks.safe import Safe

TRIES_MAX = 5
"""The engine, or another person, may change the same webhook at the same moment."""

CHANGED_MEANWHILE = "Somebody changed this at the same time. Look at it again, then try again."


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one use case makes of the present webhook."""

    operation: str  # the audit's verb, e.g. webhook.pause
    after: Webhook  # its version is set when it is written
    changes: tuple[Change, ...] = ()  # besides the webhook itself
    event_type: str = "webhook.changed"
    reason: str | None = None
    note: tuple[str, str] | None = None  # before and after for the audit, when members do not tell it


class Ground:
    """Store, publisher, clock, chance, numbers, keyring, URL policy, and who hears of changes."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        random: Random,
        limits: Limits,
        keyring: Keyring,
        url_policy: UrlPolicy,
        changed: Callable[[SiteId, WebhookId], None],
        site_changed: Callable[[SiteId], None],
        publisher: Publisher,
        kinds: Mapping[str, Kind],
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._clock = clock
        self._random = random
        self._limits = limits
        self._policy = url_policy
        self._changed = changed
        self._site_changed = site_changed
        self._publisher = publisher
        self._safe = Safe(keyring, random)

    async def get(self, site: SiteId, webhook_id: str) -> Webhook:
        """A webhook in any state, a deleted one too. Raises NotFound."""
        webhook = await self._store.webhooks.get(site, webhook_id)
        if webhook is None:
            raise NotFound
        return webhook

    async def _site(self, site: SiteId) -> Site:
        found = await self._store.sites.get(site)
        if found is None:
            raise NotFound
        return found

    def _fresh_id(self, prefix: Prefix) -> str:
        return make_id(prefix, unix_ms=unix_ms(self._clock.now()), chance=self._random.bits(74))

    async def _take_step(
        self,
        caller: Caller,
        webhook_id: str,
        origin: Origin,
        step_from: Callable[[Webhook, Instant], Awaitable[Step]],
    ) -> Webhook:
        """Change a webhook that is not deleted by looking at its present state; again when overtaken."""
        for _ in range(TRIES_MAX):
            before = await self.get(caller.site, webhook_id)
            step = await step_from(before, self._clock.now())
            after = await self._write_step(caller, origin, before, step)
            if after is not None:
                return after
        raise Conflict(CHANGED_MEANWHILE, reason="version")

    async def _write_step(self, caller: Caller, origin: Origin, before: Webhook, step: Step) -> Webhook | None:
        """The step in one unit; None when somebody else was faster."""
        after = replace(step.after, version=before.version + 1)
        was, now_is = step.note or differences(webhook_view(before), webhook_view(after))
        entry = self._entry(caller, origin, step.operation, after.id, before=was, after=now_is, reason=step.reason)
        refused = await self._publish(
            caller, (Replace(row=after), *step.changes), entry, self._draft(caller, step.event_type, after, step.reason)
        )
        if refused is not None and refused.reason != "version":
            raise refusal_of(refused)
        return after if refused is None else None

    async def _publish(
        self, caller: Caller, changes: tuple[Change, ...], entry: AuditEntry, draft: Draft
    ) -> Refused | None:
        """Changes, audit entry and system event in one unit; then the engine hears of it."""
        answer = await self._publisher.publish(caller.site, (draft,), changes=changes, audit=entry)
        if isinstance(answer, Refused):
            return answer
        self._changed(caller.site, WebhookId(entry.object_id))
        return None

    async def _cancel_in_rounds(self, change: CancelWaiting, *guards: Guard) -> int:
        """Cancel in units that hold up nobody; how many. What is done stays done when a later one is refused."""
        rows_max = self._limits.rows_at_once
        total, rows = 0, rows_max
        while rows == rows_max:
            verdict = await self._store.commit(Unit(changes=(replace(change, rows_max=rows_max),), guards=guards))
            if isinstance(verdict, Refused):
                raise refusal_of(verdict)
            rows = verdict.rows
            total += rows
        return total

    async def _commit(self, changes: tuple[Change, ...], entry: AuditEntry | None) -> Refused | None:
        """A unit that no event tells of."""
        verdict = await self._store.commit(Unit(changes=changes, audit=entry))
        return verdict if isinstance(verdict, Refused) else None

    def _entry(
        self,
        caller: Caller,
        origin: Origin,
        operation: str,
        object_id: str,
        *,
        before: str | None = None,
        after: str | None = None,
        reason: str | None = None,
    ) -> AuditEntry:
        return AuditEntry(
            site=caller.site,
            at=self._clock.now(),
            actor=actor_of(caller),
            operation=operation,
            object_id=object_id,
            address=origin.address,
            request_id=origin.request_id,
            before=before,
            after=after,
            reason=reason,
        )

    def _draft(self, caller: Caller, event_type: str, webhook: Webhook, reason: str | None) -> Draft:
        event_id, actor = EventId(self._fresh_id("evt")), actor_of(caller)
        return Draft(
            id=event_id,
            type=event_type,
            by=actor,
            occurred_at=self._clock.now(),
            head=system_head(webhook.site, event_id, webhook=webhook, actor=actor, reason=reason),
            subject=Subject(type="webhook", id=webhook.id, title=webhook.description),
            maker_key=caller.id if caller.kind == "key" else None,
        )


def actor_of(caller: Caller) -> Actor:
    """The caller as one who acts."""
    kind = ActorKind.KEY if caller.kind == "key" else ActorKind.PERSON
    return Actor(kind=kind, name=caller.name, id=caller.id)


def refusal_of(refused: Refused) -> Exception:
    """What a refused unit means to the caller."""
    if refused.reason in ("exists", "version", "state", "missing"):
        return Conflict(CHANGED_MEANWHILE, reason=refused.reason)
    if refused.reason == "disk_full":
        return DiskFull(retry_after_s=10)
    return Busy(retry_after_s=5) if refused.reason == "busy" else StoreBroken()


def must_be(webhook: Webhook, *states: WebhookState, possible: str) -> None:
    """Raises Conflict naming the present state and what is possible, unless the state is one of these."""
    if webhook.state not in states:
        raise Conflict(f"This webhook is {webhook.state.value}. {possible}", reason=webhook.state.value)
