"""Carrying out a planned change: its rows and its events in one unit, planned anew when another was faster."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from deskbell.model.audit import AuditEntry
from deskbell.model.changes import ArmTimer, Change, Guard, Refused, Unit
from deskbell.model.draft import Draft
from deskbell.model.errors import Busy, Conflict, DiskFull, StoreBroken, TooLarge
from deskbell.model.event import Subject
from deskbell.model.ids import EventId, SiteId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor, ActorKind
from deskbell.ports import Publisher, Store
from deskbell.rules.limits import Limits

T = TypeVar("T")
Armed = Callable[[Instant], None]
"""Told when a timer was armed, with its due time: whoever fires timers may sleep for longer."""

TRIES = 8
"""How often a change is planned anew before the caller is told to try later."""


@dataclass(frozen=True, kw_only=True)
class Plan(Generic[T]):
    """What is to be written; without changes nothing is, and the value stands as it was."""

    value: T
    changes: tuple[Change, ...] = ()
    drafts: tuple[Draft, ...] = ()
    guards: tuple[Guard, ...] = ()
    audit: AuditEntry | None = None


@dataclass(frozen=True, kw_only=True)
class Done(Generic[T]):
    """What was written, and the events it made."""

    value: T
    event_ids: tuple[EventId, ...] = ()
    changed: bool = False


def _nobody(due_at: Instant) -> None:
    """No timers are armed."""


class Writer:
    """Writes plans with compare-and-set and a bounded number of new plans."""

    def __init__(self, *, store: Store, publisher: Publisher, limits: Limits, armed: Armed = _nobody) -> None:
        self._store = store
        self._publisher = publisher
        self._limits = limits
        self._armed = armed

    async def carry_out(self, site: SiteId, plan: Callable[[], Awaitable[Plan[T]]]) -> Done[T]:
        """Plan and write until it stands. Raises Conflict, Busy, DiskFull, TooLarge, StoreBroken."""
        for _ in range(TRIES):
            planned = await plan()
            if not planned.changes:
                return Done(value=planned.value)
            self._check_sizes(planned.drafts)
            event_ids = await self._write(site, planned)
            if event_ids is not None:
                self._ring(planned.changes)
                return Done(value=planned.value, event_ids=event_ids, changed=True)
        raise Conflict("Others are changing this at the same time. Read it again, then try again.", reason="version")

    async def _write(self, site: SiteId, plan: Plan[T]) -> tuple[EventId, ...] | None:
        """The ids of the events; None when somebody else changed a row first."""
        if plan.drafts:
            outcome = await self._publisher.publish(
                site, plan.drafts, changes=plan.changes, guards=plan.guards, audit=plan.audit
            )
            if not isinstance(outcome, Refused):
                return outcome.event_ids
            refused = outcome
        else:
            verdict = await self._store.commit(Unit(changes=plan.changes, guards=plan.guards, audit=plan.audit))
            if not isinstance(verdict, Refused):
                return ()
            refused = verdict
        if refused.reason == "busy":
            raise Busy
        if refused.reason == "disk_full":
            raise DiskFull
        if refused.reason == "broken":
            raise StoreBroken
        return None

    def _ring(self, changes: tuple[Change, ...]) -> None:
        due = [change.timer.due_at for change in changes if isinstance(change, ArmTimer)]
        if due:
            self._armed(min(due))

    def _check_sizes(self, drafts: tuple[Draft, ...]) -> None:
        size_max = self._limits.snapshot_bytes_max
        if any(len(draft.head or b"") > size_max for draft in drafts):
            raise TooLarge(f"The snapshot would have more than {size_max} bytes. Send shorter texts or fewer people.")


def draft(
    event_type: str, by: Actor, at: Instant, *, head: bytes, subject: Subject, sequence: int, hop: int,
    changed: tuple[str, ...] | None = None,
) -> Draft:  # fmt: skip
    """A draft of the desk; an API key that acts is also the maker, for loop protection."""
    return Draft(
        type=event_type,
        by=by,
        occurred_at=at,
        head=head,
        subject=subject,
        sequence=sequence,
        hop=hop,
        changed=changed,
        maker_key=by.id if by.kind is ActorKind.KEY else None,
    )
