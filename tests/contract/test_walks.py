"""Lists: however rows come in while somebody walks from page to page, each earlier row comes exactly once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amount import examples
from contract.conftest import STORES
from contract.made import ANN, at, bin_, capture, chat, delivery, ended, entry, event, ident, inserts, site, ticket
from deskbell.model.changes import Committed, Unit
from deskbell.model.delivery import DeliveryState
from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.query import ChatFilter, DeliveryFilter, EventFilter, TicketFilter
from deskbell.model.replay import Choice, Replay
from deskbell.ports import Store

Pages = Callable[[Store, SiteId, Any, int], Awaitable[tuple[Any, ...]]]
WORDS = DeliveryFilter(words=("printer",))
STATES = DeliveryFilter(states=("waiting", "exhausted"))
_numbers = count(1)


@dataclass(frozen=True)
class Walk:
    """One list: a new row of a moment, a page behind a row, and whether the list goes from the newest to the oldest."""

    made: Callable[[SiteId, int, int], Any]  # site, moment, a number that is new
    page: Pages
    key: Callable[[Any], Any]
    in_order: bool = False  # rows can only be added at the newer end
    oldest_first: bool = False


def a_delivery(name: SiteId, ms: int, number: int) -> Any:
    """In one of three states."""
    row = delivery(ms, site=name)
    state = (DeliveryState.WAITING, DeliveryState.EXHAUSTED, DeliveryState.DELIVERED)[number % 3]
    return row if state is DeliveryState.WAITING else ended(row, ms, state)


def a_replay(name: SiteId, ms: int) -> Replay:
    """Of everything exhausted."""
    choice = Choice(webhook_ids=(WebhookId("whk_1"),), states=("exhausted",), since=at(0))
    return Replay(site=name, id=ident("rpl", ms), choice=choice, by=ANN, created_at=at(ms), total=7)


def wants(which: DeliveryFilter) -> Callable[[SiteId, int, int], Any]:
    """Rows that the filter finds."""
    return lambda name, ms, number: a_delivery(name, ms, number % 2 if which.states else number)


def deliveries(which: DeliveryFilter, **more: bool) -> Pages:
    """Pages of deliveries."""
    return lambda store, name, row, size: store.deliveries.page(name, which, row and row.id, size, **more)


async def captures(store: Store, name: SiteId, row: Any, size: int) -> tuple[Any, ...]:
    """Pages of a bin."""
    return await store.bins.captures(name, "bin_1", row and row.seq, size)


WALKS = {
    "deliveries": Walk(wants(DeliveryFilter()), deliveries(DeliveryFilter()), lambda row: row.id),
    "deliveries in two states": Walk(wants(STATES), deliveries(STATES), lambda row: row.id),
    "deliveries of a word": Walk(wants(WORDS), deliveries(WORDS), lambda row: row.id),
    "events": Walk(
        lambda name, ms, number: event(ms, site=name),
        lambda store, name, row, size: store.events.page(name, EventFilter(type="chat.*"), row and row.id, size),
        lambda row: row.id,
    ),
    "chats": Walk(
        lambda name, ms, number: chat(ms, site=name),
        lambda store, name, row, size: store.desk.chats(name, ChatFilter(), row and row.id, size),
        lambda row: row.id,
    ),
    "tickets": Walk(
        lambda name, ms, number: ticket(number, site=name),
        lambda store, name, row, size: store.desk.tickets(name, TicketFilter(), row and row.id, size),
        lambda row: row.id,
    ),
    "replays": Walk(
        lambda name, ms, number: a_replay(name, ms),
        lambda store, name, row, size: store.replays.page(name, row and row.id, size),
        lambda row: row.id,
    ),
    "captures": Walk(
        lambda name, ms, number: capture(bin_(site=name, id="bin_1"), number), captures, lambda row: row.seq, True
    ),
    "captures, oldest first": Walk(
        lambda name, ms, number: capture(bin_(site=name, id="bin_1"), number),
        lambda store, name, row, size: store.bins.captures_after(name, "bin_1", row.seq if row else 0, size),
        lambda row: row.seq,
        True,
        oldest_first=True,
    ),
    "audit": Walk(
        lambda name, ms, number: entry(site=name, object_id=str(number)),
        lambda store, name, row, size: store.audit.page(name, row and row.seq, size),
        lambda row: getattr(row, "entry", row).object_id,
        True,
    ),
    "audit, oldest first": Walk(
        lambda name, ms, number: entry(site=name, object_id=str(number)),
        lambda store, name, row, size: store.audit.range(name, row.seq if row else 0, size),
        lambda row: getattr(row, "entry", row).object_id,
        True,
        oldest_first=True,
    ),
}


class House:
    """A store with a loop of its own; each walk has a site of its own."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        opened = STORES[request.param](request, folder)
        self.store: Store = self.runner.run(self._stack.enter_async_context(opened))

    def close(self) -> None:
        """The store, then the loop."""
        self.runner.run(self.store.close())
        self.runner.run(self._stack.aclose())
        self.runner.close()


@pytest.fixture(scope="module", params=sorted(STORES))
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One of each kind for all walks."""
    made = House(request, tmp_path_factory.mktemp("walks"))
    yield made
    made.close()


async def put(store: Store, walk: Walk, name: SiteId, moments: list[int]) -> list[Any]:
    """Add a row for each of these moments; their keys."""
    rows = [walk.made(name, ms, next(_numbers)) for ms in moments]
    for row in rows:
        unit = Unit(changes=(), audit=row) if hasattr(row, "operation") else inserts(row)
        assert await store.commit(unit) == Committed()
    return [walk.key(row) for row in rows]


async def walked(store: Store, walk: Walk, first: list[int], size: int, later: list[list[int]]) -> None:
    """Walk from page to page, with rows that come in between."""
    name = SiteId(f"s{next(_numbers)}")
    assert await store.commit(inserts(site(name), bin_(site=name, id="bin_1"))) == Committed()
    earlier = await put(store, walk, name, first)
    seen: list[Any] = []
    last, pages = None, iter(later)
    while rows := await walk.page(store, name, last, size):
        assert len(rows) <= size
        seen += [walk.key(row) for row in rows]
        last = rows[-1]
        if (more := next(pages, None)) is not None:
            await put(store, walk, name, more)
    assert len(seen) == len(set(seen)), "twice"
    found = [one for one in seen if one in set(earlier)]
    assert sorted(found) == sorted(earlier), "each earlier row once"
    newer = bool(set(seen) - set(earlier))
    assert not (newer and walk.in_order and not walk.oldest_first), (
        "what is newer than the first page comes in no other"
    )


moments = st.integers(0, 30)


@pytest.mark.parametrize("what", sorted(WALKS))
def test_each_earlier_row_comes_once(house: House, what: str) -> None:
    """Rows come in between the pages, with older and newer moments, and fewer or more than a page."""

    @settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(
        st.lists(moments, max_size=12),
        st.integers(1, 5),
        st.lists(st.lists(moments, max_size=4), max_size=6),
    )
    def walks(first: list[int], size: int, later: list[list[int]]) -> None:
        house.runner.run(walked(house.store, WALKS[what], first, size, later))

    walks()
