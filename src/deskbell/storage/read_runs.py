"""Reading what runs by itself: armed timers and replays."""

from collections.abc import Sequence
from typing import Any

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.replay import Replay
from deskbell.model.timer import NEVER, Timer
from deskbell.storage.filters import Dialect
from deskbell.storage.reading import Bodies, Reads, number


class SqlTimers:
    """`ports.Timers`."""

    def __init__(self, reads: Reads, dialect: Dialect) -> None:
        self._reads = reads
        self._listed = dialect.listed

    async def due(self, until: Instant, limit: int) -> tuple[Timer, ...]:
        """Due at or before, oldest first."""
        return await self._reads.rows("timer_due", {"until": until, "limit": limit}, timer_of)

    async def next_due(self) -> Instant | None:
        """When the next one is due."""
        found = await self._reads.rows("timer_due", {"until": NEVER - 1, "limit": 1}, timer_of)
        return found[0].due_at if found else None

    async def of_subjects(self, site: SiteId, subjects: Sequence[str]) -> tuple[Timer, ...]:
        """By subject and rule."""
        return await self._reads.rows("timer_of_subjects", {"site": site, "subjects": self._listed(subjects)}, timer_of)

    async def count(self) -> int:
        """How many are armed."""
        return await self._reads.one("timer_count", {"never": NEVER}, number) or 0


class SqlReplays(Bodies):
    """`ports.Replays`."""

    async def get(self, site: SiteId, replay_id: str) -> Replay | None:
        """One replay."""
        return await self._one(Replay, "replay_get", site=site, id=replay_id)

    async def page(self, site: SiteId, before: str | None, limit: int) -> tuple[Replay, ...]:
        """Newest first."""
        return await self._all(Replay, "replay_page", site=site, before=before or "~", limit=limit)

    async def running(self) -> tuple[Replay, ...]:
        """Of all sites: those that run."""
        return await self._all(Replay, "replay_running")


def timer_row(timer: Timer) -> dict[str, Any]:
    """Bindings of a timer's columns."""
    return {
        "site": timer.site,
        "rule": timer.rule,
        "subject": timer.subject,
        "epoch": timer.epoch,
        "due_at": timer.due_at,
        "since": timer.since,
        "fired": timer.fired,
    }


def timer_of(row: Any) -> Timer:
    """The timer of a row."""
    site, rule, subject, epoch, due_at, since, fired = row
    return Timer(site=site, rule=rule, subject=subject, epoch=epoch, due_at=due_at, since=since, fired=fired)
