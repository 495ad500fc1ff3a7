"""The twin in memory and the databases agree on whatever units come, verdicts and rows alike."""

import asyncio
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.made import (
    SITE,
    START_MS,
    at,
    attempt,
    company,
    delivery,
    ended,
    entry,
    event,
    health,
    inserts,
    site,
    webhook,
)
from deskbell.model.changes import (
    AddStats,
    CancelWaiting,
    Change,
    DeleteRow,
    Insert,
    Join,
    MoveDelivery,
    MustState,
    MustVersion,
    Purge,
    PutHealth,
    Refused,
    Replace,
    Settle,
    Unit,
    Verdict,
)
from deskbell.model.delivery import DeliveryState
from deskbell.model.event import Idempotency, Subject, TraceEntry
from deskbell.model.ids import DeliveryId, EventId, WebhookId, make_id
from deskbell.model.query import DeliveryFilter, EventFilter
from deskbell.model.webhook import StatHour
from deskbell.ports import Store
from deskbell.storage.memory import MemoryStore
from deskbell.storage.postgres import PostgresStore
from deskbell.storage.sqlite import SqliteStore
from postgres_server import PostgresServer, fresh_database

HOUR_MS = 3_600_000


def small_id(prefix: Any, number: int) -> str:
    """One of few ids, so that units meet; each is an hour after the one before."""
    return make_id(prefix, unix_ms=START_MS + number * HOUR_MS, chance=number)


numbers = st.integers(0, 5)
states = st.sampled_from([DeliveryState.WAITING] * 4 + [DeliveryState.GATHERING] * 2 + list(DeliveryState))
webhook_ids = st.sampled_from([WebhookId("whk_a"), WebhookId("whk_b")])


@st.composite
def deliveries(draw: st.DrawFn) -> Any:
    """A delivery in any state."""
    number = draw(numbers)
    row = delivery(
        number * HOUR_MS,
        id=DeliveryId(small_id("dlv", number)),
        event_ids=(EventId(small_id("evt", draw(numbers))),),
        webhook_id=draw(webhook_ids),
        due_at=at(draw(numbers)),
    )
    state = draw(states)
    is_open = state in {DeliveryState.WAITING, DeliveryState.GATHERING}
    return replace(row, state=state) if is_open else ended(row, number, state)


@st.composite
def events(draw: st.DrawFn) -> Any:
    """An event, perhaps with one of two external ids."""
    number = draw(numbers)
    key = draw(st.sampled_from([None, None, "x", "y"]))
    made = draw(st.none() | numbers)
    named = None if made is None else DeliveryId(small_id("dlv", made))
    trace = (TraceEntry(webhook_id=WebhookId("whk_a"), reason="matched", delivery_id=named),)
    return event(number * HOUR_MS, id=EventId(small_id("evt", number)), external_id=key, trace=trace)


@st.composite
def settles(draw: st.DrawFn) -> Change:
    """A settle of some delivery with some expectation."""
    after = draw(deliveries())
    tried = attempt(after, id=small_id("att", draw(st.integers(0, 40))), number=draw(numbers))
    return Settle(attempt=tried, after=after, expected=draw(states))


FIRST = [
    delivery(
        number * HOUR_MS,
        id=DeliveryId(small_id("dlv", number)),
        event_ids=(EventId(small_id("evt", number)),),
        webhook_id=WebhookId("whk_a"),
    )
    for number in range(0, 6, 2)
]
"""What is there before the first turn, so that settles and cancels meet something."""

versions = st.integers(1, 3)
one_webhook = webhook(id=WebhookId("whk_a"))
changes: st.SearchStrategy[Change] = st.one_of(
    deliveries().map(lambda row: Insert(row=row)),
    deliveries().map(lambda row: Insert(row=row)),
    events().map(lambda row: Insert(row=row)),
    settles(),
    settles(),
    st.builds(lambda after, expected: MoveDelivery(after=after, expected=expected), deliveries(), states),
    st.builds(
        lambda n, e, kind, due: Join(
            site=SITE,
            delivery_id=DeliveryId(small_id("dlv", n)),
            event_ids=(EventId(small_id("evt", e)),),
            event_types=(kind,),
            subject=Subject(type="chat", id="c1") if e % 2 else None,
            hop=e,
            due_at=at(due),
        ),
        numbers,
        numbers,
        st.sampled_from(["chat.created", "chat.updated", "custom.a"]),
        numbers,
    ),
    st.builds(
        lambda n: CancelWaiting(site=SITE, webhook_id=WebhookId("whk_a"), at=at(n), older_than=at(n * HOUR_MS)), numbers
    ),
    st.builds(lambda key, n: PutHealth(health=health(key, failures_in_row=n)), webhook_ids, numbers),
    st.builds(lambda n: Insert(row=company(n, external_id=str(n % 3))), numbers),
    st.builds(lambda n: DeleteRow(site=SITE, kind="company", key=(n,)), numbers),
    st.builds(lambda v: Replace(row=replace(one_webhook, version=v)), versions),
    st.builds(lambda v: Replace(row=site(version=v)), versions),
    st.builds(
        lambda n: Insert(
            row=Idempotency(site=SITE, maker="key_1", key="k", body_hash=str(n), answer=b"", at=at(n * HOUR_MS // 2))
        ),
        numbers,
    ),
    st.builds(lambda n: Purge(site=SITE, before=at(n * HOUR_MS + 1), rows_max=2), numbers),
    st.builds(
        lambda n, h: AddStats(
            rows=(StatHour(site=SITE, webhook_id=WebhookId("whk_a"), hour=h, delivered=n, ms_buckets=(n,)),),
            counted_to=small_id("att", n),
        ),
        st.integers(0, 40),
        numbers,
    ),
)
guards = st.one_of(
    st.builds(
        lambda n, s: MustState(site=SITE, delivery_id=DeliveryId(small_id("dlv", n)), states=(s,)), numbers, states
    ),
    st.builds(lambda v: MustVersion(site=SITE, kind="webhook", key=("whk_a",), version=v), versions),
)
units = st.builds(
    lambda some, must, audited: Unit(changes=tuple(some), guards=tuple(must), audit=entry() if audited else None),
    st.lists(changes, min_size=1, max_size=3)
    | st.tuples(events(), deliveries()).map(lambda two: [Insert(row=one) for one in two]),
    st.lists(guards, max_size=1) | st.just([]),
    st.integers(0, 9).map(lambda n: n == 0),
)
turns = st.lists(st.lists(units, min_size=1, max_size=6), min_size=1, max_size=6)


async def told(store: Store, rounds: list[list[Unit]]) -> list[Any]:
    """Every verdict, and then everything there is to read."""
    found: list[Any] = [await store.commit(inserts(site(), one_webhook, *FIRST))]
    for turn in rounds:
        verdicts: dict[int, Verdict] = {}
        for number, unit in enumerate(turn[:-1]):
            store.submit(unit, lambda verdict, number=number, verdicts=verdicts: verdicts.update({number: verdict}))
        last = await store.commit(turn[-1])
        await asyncio.sleep(0)
        found.append([_reason(verdicts[n]) for n in sorted(verdicts)] + [_reason(last)])
    found.append(await store.deliveries.page(SITE, DeliveryFilter(), None, 99))
    found.append(await store.events.page(SITE, EventFilter(), None, 99))
    found.append([await store.deliveries.carrying(SITE, [EventId(small_id("evt", n))]) for n in range(6)])
    found.append([await store.deliveries.attempts(SITE, small_id("dlv", n)) for n in range(6)])
    found.append([await store.due.webhooks(), await store.due.uncounted(99), await store.deliveries.waiting(SITE)])
    found.append(
        [await store.webhooks.all(SITE), await store.webhooks.health(SITE), await store.webhooks.stats(SITE, 0)]
    )
    found.append([await store.people.companies(SITE), await store.people.next_number(SITE, "company")])
    found.append([await store.sites.all(), await store.audit.range(SITE, 0, 99)])
    found.append(await store.events.idempotency(SITE, "key_1", "k"))
    await store.close()
    return found


def _reason(verdict: Verdict) -> str:
    return verdict.reason if isinstance(verdict, Refused) else "ok"


async def compare(rounds: list[list[Unit]]) -> None:
    """Run both stores on the same units."""
    with TemporaryDirectory() as folder:
        in_file = await told(SqliteStore.open(Path(folder) / "deskbell.db"), rounds)
    in_memory = await told(MemoryStore(), rounds)
    assert in_file == in_memory


@settings(max_examples=100, deadline=None)
@given(turns)
def test_memory_and_sqlite_tell_the_same(rounds: list[list[Unit]]) -> None:
    """Any turns of any units get the same verdicts and leave the same rows."""
    asyncio.run(compare(rounds))


async def compare_postgres(rounds: list[list[Unit]], server: PostgresServer) -> None:
    """Run both stores on the same units."""
    async with fresh_database(server) as url:
        in_server = await told(await PostgresStore.open(url), rounds)
    in_memory = await told(MemoryStore(), rounds)
    assert in_server == in_memory


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(turns)
def test_memory_and_postgres_tell_the_same(postgres_server: PostgresServer, rounds: list[list[Unit]]) -> None:
    """The same on a server."""
    asyncio.run(compare_postgres(rounds, postgres_server))
