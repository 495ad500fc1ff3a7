"""The rows and figures of the tab Registered Webhooks, from stored counts alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from deskbell.engine import FilterFault
from deskbell.model.instant import Instant, unix_seconds
from deskbell.model.query import WaitingCount
from deskbell.model.site import Site
from deskbell.model.webhook import Health, StatHour, Webhook, WebhookState
from deskbell.portal import figures, words
from deskbell.portal.page import PageAsk
from deskbell.portal.states import Shown, held_why, webhook_state
from deskbell.rules.failing import how_long, in_words
from deskbell.rules.health import current, is_failing

CHIPS = 2
SEARCH_FROM = 8
"""Search and the filter by state appear from so many webhooks on."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One webhook in the list."""

    webhook: Webhook
    state: Shown
    health: Health  # as far as it is about the webhook as it is now
    bars: tuple[figures.Bar, ...]
    arrived: int
    failed: int
    p95_ms: int | None
    waiting: int
    next_at: Instant | None
    no_success_for: str  # how long, once that was warned of
    waits_until: Instant | None  # the breaker is open until then
    held: str  # why its deliveries are held, or nothing
    filter_fault: FilterFault | None = None  # the last event on which its filter could not be evaluated

    @property
    def chips(self) -> tuple[str, ...]:
        """The event types that are shown; the rest is a number."""
        return self.webhook.event_types[:CHIPS]

    @property
    def share(self) -> str:
        """How many of 100 attempts arrived."""
        return words.share(self.arrived, self.arrived + self.failed)

    @property
    def is_failing(self) -> bool:
        """Whether its last attempt failed."""
        return is_failing(self.webhook, self.health)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What stands above the list."""

    deliveries: int
    deliveries_path: str
    first_share: str
    not_first: int
    first_path: str
    p95_ms: int | None
    p95_path: str
    waiting: int
    held: int
    next_at: Instant | None


@dataclass(frozen=True, kw_only=True)
class Registered:
    """The whole tab."""

    site: Site
    rows: tuple[Row, ...]
    figures: Figures
    count: int  # registered webhooks, shown or not
    deleted: int
    disabled_after: str  # so long without success
    unreadable: int  # webhooks whose rows are damaged
    text: str = ""
    state: str = ""

    @property
    def has_search(self) -> bool:
        """Whether the list is long enough to be searched."""
        return self.count >= SEARCH_FROM


async def load(ask: PageAsk, text: str = "", state: str = "") -> Registered:
    """Everything of the tab, in a handful of reads."""
    rooms = ask.rooms
    site = await rooms.store.sites.get(ask.site)
    assert site is not None  # noqa: S101  # every caller belongs to a site
    webhooks = await rooms.store.webhooks.all(ask.site)
    healths = {row.webhook_id: row for row in await rooms.store.webhooks.health(ask.site)}
    now = rooms.clock.now()
    first_hour = unix_seconds(now) // 3600 - figures.HOURS + 1
    stats = await rooms.store.webhooks.stats(ask.site, first_hour)
    waiting: dict[str, WaitingCount] = {row.webhook_id: row for row in await rooms.store.deliveries.waiting(ask.site)}
    by_webhook: dict[str, list[StatHour]] = defaultdict(list)
    for one in stats:
        by_webhook[one.webhook_id].append(one)
    rows = [
        replace(
            row_of(one, site, current(healths.get(one.id), one), by_webhook.get(one.id, ()), waiting.get(one.id), now),
            filter_fault=ask.rooms.engine.filter_fault(one),
        )
        for one in webhooks
        if one.state is not WebhookState.DELETED
    ]
    rows.sort(
        key=lambda row: (
            not row.is_failing,
            row.webhook.state is not WebhookState.DISABLED,
            row.webhook.description.lower(),
        )
    )
    return Registered(
        site=site,
        rows=tuple(row for row in rows if is_wanted(row, text, state)),
        figures=figures_of(stats, first_hour, rows, waiting),
        count=len(rows),
        deleted=len(webhooks) - len(rows),
        disabled_after=in_words(rooms.limits.failing_disable_s),
        unreadable=len(rooms.engine.unreadable(ask.site)),
        text=text,
        state=state,
    )


def is_wanted(row: Row, text: str, state: str) -> bool:
    """Whether a row passes search and filter."""
    if state and row.state.word.lower() != state:
        return False
    where = f"{row.webhook.description} {row.webhook.receiver_url.host} {' '.join(row.webhook.event_types)}".lower()
    return all(word in where for word in text.lower().split())


def row_of(
    webhook: Webhook, site: Site, health: Health, stats: Sequence[StatHour], waiting: WaitingCount | None, now: Instant
) -> Row:
    """One row."""
    arrived, failed, _ = figures.totals(stats)
    first_hour = unix_seconds(now) // 3600 - figures.HOURS + 1
    opened = health.breaker_until
    waits_until = opened if opened is not None and opened > now else None
    next_at = waiting.next_at if waiting else None
    return Row(
        webhook=webhook,
        state=webhook_state(webhook, health, next_send(next_at, waits_until, now)),
        health=health,
        bars=figures.bars(figures.hourly(stats, first_hour)),
        arrived=arrived,
        failed=failed,
        p95_ms=figures.p95_ms(stats),
        waiting=waiting.waiting if waiting else 0,
        next_at=next_at,
        no_success_for=how_long(health.failing, now) if health.failing.warned else "",
        waits_until=waits_until,
        held=held_why(site, webhook),
    )


def next_send(next_at: Instant | None, waits_until: Instant | None, now: Instant) -> Instant | None:
    """When something is sent to a failing webhook next; None when that is now, or nothing waits."""
    times = [one for one in (next_at, waits_until) if one is not None]
    return max(times) if times and max(times) > now else None


def figures_of(
    stats: Sequence[StatHour], first_hour: int, rows: Sequence[Row], waiting: Mapping[str, WaitingCount]
) -> Figures:
    """The four figures with their lines."""
    hours: list[list[StatHour]] = [[] for _ in range(figures.HOURS)]
    for row in stats:
        if 0 <= row.hour - first_hour < figures.HOURS:
            hours[row.hour - first_hour].append(row)
    sums = [figures.totals(hour) for hour in hours]
    arrived, failed, first = figures.totals(stats)
    shares = [100.0 * one[2] / (one[0] + one[1]) if one[0] + one[1] else 100.0 for one in sums]
    next_times = [row.next_at for row in rows if row.next_at is not None and not row.held]
    return Figures(
        deliveries=arrived + failed,
        deliveries_path=figures.spark([float(one[0] + one[1]) for one in sums]),
        first_share=words.share(first, arrived + failed),
        not_first=arrived + failed - first,
        first_path=figures.spark(shares) if arrived + failed else "",
        p95_ms=figures.p95_ms(stats),
        p95_path=figures.spark([float(figures.p95_ms(hour) or 0) for hour in hours]),
        waiting=sum(one.waiting for one in waiting.values()),
        held=sum(row.waiting for row in rows if row.held),
        next_at=min(next_times) if next_times else None,
    )
