"""The attempts' partitions: a day each, made ahead; a day that is past the retention of every site is dropped whole.

An attempt whose day has no partition is in `attempt_other`, so no insert ever fails; making its partition moves it.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import asyncpg
import structlog

from deskbell.model.errors import StoreBroken
from deskbell.model.ids import SiteId, make_id
from deskbell.model.instant import Instant, unix_ms, unix_seconds
from deskbell.storage.bounds import SLACK_MS
from deskbell.storage.postgres.link import Link

DAYS_AHEAD = 3
TEND_S = 3_600.0
_PREFIX = "attempt_"
_DAY_MS = 86_400_000

_log = structlog.get_logger()


class Purged:
    """Up to when each site was purged by this process: what lies before that for every site can go as a whole."""

    def __init__(self) -> None:
        self._before: dict[SiteId, Instant] = {}

    def note(self, site: SiteId, before: Instant) -> None:
        """A site was purged."""
        self._before[site] = before

    def keeps_longest(self, site: SiteId) -> bool:
        """Whether no other site keeps its attempts longer; then days go whole, and nobody need pick rows from them."""
        return self._before[site] <= min(self._before.values())

    def of_all(self, sites: Sequence[SiteId]) -> Instant | None:
        """The earliest of these sites; None when one of them was not purged yet."""
        known = [self._before.get(one) for one in sites]
        return min((one for one in known if one is not None), default=None) if None not in known else None


class Partitions:
    """Makes and drops days."""

    def __init__(self, link: Link, purged: Purged) -> None:
        self._link = link
        self._purged = purged

    async def tend(self) -> None:
        """For ever, once an hour; what fails is tried again."""
        while True:
            try:
                await self.make_ahead()
                await self.drop_past()
            except (StoreBroken, asyncpg.PostgresError) as error:  # somebody may hold a lock for long
                _log.warning("partitions.later", error=repr(error))
            await asyncio.sleep(TEND_S)

    async def make_ahead(self) -> None:
        """Today's partition and those of the next days, by the database's clock."""
        ((now,),) = await self._link.ask("server_clock", {})
        today = datetime.fromtimestamp(unix_seconds(now), UTC).date()
        made = await self._names()
        for ahead in range(DAYS_AHEAD + 1):
            day = today + timedelta(days=ahead)
            if name_of(day) not in made:
                await self._make(day)

    async def drop_past(self) -> None:
        """Drop the days that are past the retention of every site."""
        sites = [site for (site,) in await self._link.ask("site_names", {})]
        before = self._purged.of_all(sites) if sites else None
        if before is None:
            return
        for name in await self._names():
            if end_ms(name) + SLACK_MS <= unix_ms(before):
                await self._link.change("partition_drop", name=name)
                _log.info("partitions.dropped", name=name)

    async def _names(self) -> list[str]:
        """The days that have a partition, in order."""
        return [name for (name,) in await self._link.ask("partition_all", {})]

    async def _make(self, day: date) -> None:
        begin, end = (lowest_id(one) for one in (day, day + timedelta(days=1)))
        try:
            await self._link.change("partition_make", name=name_of(day), begin=begin, end=end)
        except asyncpg.DuplicateTableError:
            return  # another process was faster


def name_of(day: date) -> str:
    """The partition of a day."""
    return f"{_PREFIX}{day:%Y%m%d}"


def end_ms(name: str) -> int:
    """The end of a partition's day, Unix milliseconds."""
    day = datetime.strptime(name.removeprefix(_PREFIX), "%Y%m%d").replace(tzinfo=UTC)
    return int(day.timestamp() * 1_000) + _DAY_MS


def lowest_id(day: date) -> str:
    """The lowest attempt id of a day."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return make_id("att", unix_ms=int(begin.timestamp() * 1_000), chance=0)
