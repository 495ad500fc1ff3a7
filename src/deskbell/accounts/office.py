"""What every part of the accounts works with, and how it writes: each change with its audit entry."""

import asyncio

from deskbell.model.audit import AuditEntry, Origin
from deskbell.model.changes import Change, Guard, Refused, Unit
from deskbell.model.errors import Busy, Conflict, DiskFull, StoreBroken
from deskbell.model.ids import SiteId
from deskbell.model.people import SYSTEM, Actor
from deskbell.ports import Clock, Random, Store
from deskbell.rules.limits import Limits

TOLD_EVERY_S = 60.0
_REMEMBERED_MAX = 10_000
COMMAND_LINE = Origin(address="", request_id="command line")


class Office:
    """Store, clock, chance, numbers."""

    def __init__(self, *, store: Store, clock: Clock, random: Random, limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._limits = limits
        self._told = Told(clock)
        self._one_at_a_time = asyncio.Lock()
        """Logins, keys and links have no version: they are read again and written under this lock, so that what has
        ended is never written back as living."""

    async def _write(
        self,
        site: SiteId,
        changes: tuple[Change, ...],
        operation: str,
        object_id: str,
        *,
        actor: Actor = SYSTEM,
        origin: Origin = COMMAND_LINE,
        reason: str | None = None,
        before: str | None = None,
        after: str | None = None,
        guards: tuple[Guard, ...] = (),
    ) -> None:
        """One unit of changes with its audit entry. Raises Conflict, Busy, DiskFull or StoreBroken."""
        entry = AuditEntry(
            site=site,
            at=self._clock.now(),
            actor=actor,
            operation=operation,
            object_id=object_id,
            address=origin.address,
            request_id=origin.request_id,
            reason=reason,
            before=before,
            after=after,
        )
        verdict = await self._store.commit(Unit(changes=changes, guards=guards, audit=entry))
        if isinstance(verdict, Refused):
            raise refusal_of(verdict)


class Told:
    """What was refused is told at once, then once a minute for each actor and operation, with a count."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[tuple[str, ...], tuple[float, int]] = {}  # when last told, and how many since

    def count(self, *name: str) -> int | None:
        """How many the row that is to be written now stands for; None: it is told with a later one."""
        now = self._clock.monotonic()
        told_at, since = self._known.get(name, (now - TOLD_EVERY_S, 0))
        if now - told_at < TOLD_EVERY_S:
            self._known[name] = (told_at, since + 1)
            return None
        if len(self._known) >= _REMEMBERED_MAX:
            self._known.clear()
        self._known[name] = (now, 0)
        return since + 1


def times(count: int) -> str | None:
    """The count as the audit tells it."""
    return f"{count} times" if count > 1 else None


def refusal_of(verdict: Refused) -> Exception:
    """What a refused unit means to the caller."""
    if verdict.reason in ("exists", "version", "state", "missing"):
        return Conflict("Somebody changed this at the same time. Look at it again, then try again.")
    if verdict.reason == "disk_full":
        return DiskFull(retry_after_s=10)
    return Busy(retry_after_s=5) if verdict.reason == "busy" else StoreBroken()
