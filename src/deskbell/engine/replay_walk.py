"""The walks of a replay over stored rows: pages by id ascending, so that any size needs the same little memory."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from deskbell.model.delivery import Delivery
from deskbell.model.event import Event
from deskbell.model.ids import EventId, SiteId, WebhookId
from deskbell.model.instant import Instant, plus
from deskbell.model.query import DeliveryFilter, EventFilter
from deskbell.model.replay import Choice
from deskbell.ports import Store
from deskbell.rules.replaying import (
    Again,
    Anew,
    Item,
    delivery_states,
    event_states,
    newest,
    of_deliveries,
    of_events,
    wants,
)

T = TypeVar("T")
ROWS = 200
"""Rows of one page."""
_YOUNGER_S = 300.0
"""So much later than its delivery was made may an event have joined it."""
_DELIVERIES, _EVENTS = "d:", "e:"


@dataclass(frozen=True, kw_only=True)
class Place:
    """One thing to do, and the position of the walk once it is done."""

    position: str
    what: Again | Anew


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page holds, and the position behind it; None: that was the last one."""

    places: tuple[Place, ...]
    position: str | None


class Walk:
    """Positions are opaque: which of the two walks it is, and the key after which it goes on."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def count(self, site: SiteId, choice: Choice, ended_by: Instant) -> Mapping[WebhookId, int]:
        """The dry run: how many deliveries a replay made at that moment would begin, by webhook."""
        found: Counter[WebhookId] = Counter()
        position: str | None = None
        while True:
            page = await self.page(site, choice, ended_by, position)
            found.update(place.what.webhook_id for place in page.places)
            position = page.position
            if position is None:
                return found

    async def page(self, site: SiteId, choice: Choice, ended_by: Instant, position: str | None) -> Page:
        """The page after this position; None: from the start."""
        walk = position[:2] if position else (_DELIVERIES if delivery_states(choice) else _EVENTS)
        after = position[2:] if position else ""
        names = await self._names(site, choice)
        if walk == _DELIVERIES:
            items, last = await self._deliveries(site, choice, ended_by, after, names)
            following = _EVENTS if event_states(choice) else None
        else:
            items, last = await self._events(site, choice, after, names)
            following = None
        places = tuple(Place(position=walk + item.done_to, what=item.what) for item in items)
        return Page(places=places, position=following if last is None else walk + last)

    async def _deliveries(
        self, site: SiteId, choice: Choice, ended_by: Instant, after: str, names: Mapping[WebhookId, str]
    ) -> tuple[list[Item], str | None]:
        which = DeliveryFilter(
            webhook_ids=choice.webhook_ids,
            states=delivery_states(choice),
            event_type=_only(choice.event_types),
            since=None if choice.since is None else plus(choice.since, -_YOUNGER_S),
            until=ended_by,
            words=choice.words,
            word_webhooks=tuple(tuple(one for one, name in names.items() if word in name) for word in choice.words),
        )
        rows = (await self._store.deliveries.page(site, which, after, ROWS, newer=True))[::-1]
        event_ids = tuple(dict.fromkeys(event_id for row in rows for event_id in row.event_ids))
        events = {one.id: one for one in await self._store.events.many(site, event_ids)}
        carrying = await self._carrying(site, choice, event_ids)
        items = of_deliveries(choice, ended_by=ended_by, rows=rows, events=events, speaking=newest(carrying))
        return items, rows[-1].id if len(rows) == ROWS else None

    async def _events(
        self, site: SiteId, choice: Choice, after: str, names: Mapping[WebhookId, str]
    ) -> tuple[list[Item], str | None]:
        which = EventFilter(type=_only(choice.event_types), since=choice.since, until=choice.until, test=False)
        rows = (await self._store.events.page(site, which, after, ROWS, newer=True))[::-1]
        meant: list[Event] = [row for row in rows if wants(choice, row)]
        carrying = await self._carrying(site, choice, tuple(row.id for row in meant))
        items = of_events(choice, after=after, events=meant, speaking=newest(carrying), names=names)
        return items, rows[-1].id if len(rows) == ROWS else None

    async def _carrying(self, site: SiteId, choice: Choice, event_ids: tuple[EventId, ...]) -> tuple[Delivery, ...]:
        if not event_ids:
            return ()
        return await self._store.deliveries.carrying(site, event_ids, _only(choice.webhook_ids))

    async def _names(self, site: SiteId, choice: Choice) -> dict[WebhookId, str]:
        """What words are looked for in, of each chosen webhook."""
        if not choice.words:
            return {}
        webhooks = await self._store.webhooks.all(site)
        return {
            one.id: f"{one.description} {one.receiver_url.host}".lower()
            for one in webhooks
            if one.id in choice.webhook_ids
        }


def _only(values: tuple[T, ...]) -> T | None:
    return values[0] if len(values) == 1 else None
