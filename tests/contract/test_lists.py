"""Lists: filters, order, and pages that stay stable."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from contract.made import OTHER, SITE, at, attempt, chat, delivery, ended, event, inserts, site, ticket, user, webhook
from deskbell.model.changes import CancelWaiting, Committed, Replace, Settle, Unit
from deskbell.model.chat import ChatStatus, Reference
from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.event import Event, Subject
from deskbell.model.ids import WebhookId
from deskbell.model.query import ChatFilter, DeliveryFilter, EventFilter, TicketFilter, WaitingCount
from deskbell.model.ticket import Status
from deskbell.model.webhook import WebhookState
from deskbell.ports import Store

A, B, C = WebhookId("whk_a"), WebhookId("whk_b"), WebhookId("whk_c")


def many() -> list[Delivery]:
    """Sixty deliveries of every state over three webhooks, oldest first."""
    found = []
    states = list(DeliveryState)
    for number in range(60):
        title = ("Printer 100%", "Drücker_x", "PRINTER", None)[number % 4]
        row = delivery(
            number * 1_000,
            webhook_id=(A, B, C)[number % 3],
            event_types=(("chat.created",), ("ticket.created", "chat.createdx"), ("custom.a",))[number % 5 % 3],
            subject=None if title is None else Subject(type="chat", id=f"c{number % 7}", title=title),
            replay_id="rpl_1" if number % 11 == 0 else None,
        )
        state = states[number % 7 % 6]
        found.append(replace(row, state=state) if state in {"waiting", "gathering"} else ended(row, number, state))
    return found


FILTERS: dict[str, tuple[DeliveryFilter, Callable[[Delivery], bool]]] = {
    "all": (DeliveryFilter(), lambda r: True),
    "webhook": (DeliveryFilter(webhook_ids=(A,)), lambda r: r.webhook_id == A),
    "webhooks": (DeliveryFilter(webhook_ids=(A, B)), lambda r: r.webhook_id != C),
    "webhook+state": (
        DeliveryFilter(webhook_ids=(A,), states=("exhausted",)),
        lambda r: r.webhook_id == A and r.state == "exhausted",
    ),
    "delivered": (DeliveryFilter(states=("delivered",)), lambda r: r.state == "delivered"),
    "states": (DeliveryFilter(states=("waiting", "gathering")), lambda r: r.state in {"waiting", "gathering"}),
    "mixed states": (DeliveryFilter(states=("waiting", "delivered")), lambda r: r.state in {"waiting", "delivered"}),
    "held": (
        DeliveryFilter(held=True, held_webhooks=(A, C)),
        lambda r: r.state in {"waiting", "gathering"} and r.webhook_id != B,
    ),
    "not held": (
        DeliveryFilter(states=("waiting",), held=False, held_webhooks=(A, C)),
        lambda r: r.state == "waiting" and r.webhook_id == B,
    ),
    "none held": (DeliveryFilter(held=True), lambda r: False),
    "type": (DeliveryFilter(event_type="chat.created"), lambda r: "chat.created" in r.event_types),
    "group": (DeliveryFilter(event_type="ticket.*"), lambda r: "ticket.created" in r.event_types),
    "subject": (DeliveryFilter(subject=("chat", "c2")), lambda r: r.subject is not None and r.subject.id == "c2"),
    "time": (
        DeliveryFilter(since=at(10_000), until=at(20_000)),
        lambda r: at(10_000) <= r.created_at < at(20_000),
    ),
    "replay": (DeliveryFilter(replay_id="rpl_1"), lambda r: r.replay_id is not None),
    "word": (
        DeliveryFilter(words=("printer",)),
        lambda r: r.subject is not None and "rinter" in r.subject.title.lower(),
    ),
    "percent": (DeliveryFilter(words=("100%",)), lambda r: r.subject is not None and "100%" in r.subject.title),
    "underscore": (DeliveryFilter(words=("r_x",)), lambda r: r.subject is not None and "r_x" in r.subject.title),
    "umlaut": (DeliveryFilter(words=("DRÜCK",)), lambda r: r.subject is not None and "Drü" in r.subject.title),
    "two words": (
        DeliveryFilter(words=("printer", "http_200")),
        lambda r: r.subject is not None and "rinter" in r.subject.title.lower() and r.last_outcome is not None,
    ),
    "word webhooks": (
        DeliveryFilter(words=("acme", "printer"), word_webhooks=((B,), ())),
        lambda r: r.webhook_id == B and r.subject is not None and "rinter" in r.subject.title.lower(),
    ),
    "word webhook or text": (
        DeliveryFilter(words=("printer",), word_webhooks=((B,),)),
        lambda r: r.webhook_id == B or (r.subject is not None and "rinter" in r.subject.title.lower()),
    ),
}


@pytest.mark.parametrize("name", sorted(FILTERS))
async def test_deliveries_of_a_filter(store: Store, name: str) -> None:
    """A filter finds its deliveries newest first, in pages both ways, and counts them."""
    rows = many()
    await store.commit(inserts(*rows, delivery(5, site=OTHER, replay_id="rpl_1")))
    which, is_meant = FILTERS[name]
    expected = tuple(row for row in reversed(rows) if is_meant(row))
    assert name == "none held" or len(expected) > 0
    assert await store.deliveries.page(SITE, which, None, 100) == expected
    assert await store.deliveries.count(SITE, which, 100) == len(expected)
    assert await store.deliveries.count(SITE, which, 3) == min(3, len(expected))
    paged: list[Delivery] = []
    before = None
    while page := await store.deliveries.page(SITE, which, before, 4):
        paged += page
        before = page[-1].id
    assert tuple(paged) == expected
    if len(expected) > 5:
        newer = await store.deliveries.page(SITE, which, expected[5].id, 3, newer=True)
        assert newer == expected[2:5]
        assert await store.deliveries.page(SITE, which, expected[0].id, 3, newer=True) == ()


async def test_delivery_is_found_by_its_ids(store: Store) -> None:
    """The id of a delivery or of one of its events is a word, too."""
    rows = [delivery(n) for n in range(3)]
    await store.commit(inserts(*rows))
    for word in (rows[1].id.lower(), rows[1].event_ids[0]):
        assert await store.deliveries.page(SITE, DeliveryFilter(words=(word,)), None, 9) == (rows[1],)


async def test_page_is_stable_while_rows_arrive(store: Store) -> None:
    """New rows do not shift the pages that follow."""
    rows = [delivery(n) for n in range(6)]
    await store.commit(inserts(*rows))
    first = await store.deliveries.page(SITE, DeliveryFilter(), None, 3)
    await store.commit(inserts(delivery(100), delivery(101)))
    second = await store.deliveries.page(SITE, DeliveryFilter(), first[-1].id, 3)
    assert first + second == tuple(reversed(rows))


async def test_many_webhooks_in_one_filter(store: Store) -> None:
    """A filter of more webhooks than there are branches finds the same."""
    rows = [delivery(n, webhook_id=WebhookId(f"whk_{n}")) for n in range(40)]
    await store.commit(inserts(*rows))
    which = DeliveryFilter(webhook_ids=tuple(row.webhook_id for row in rows[::-1] if row is not rows[3]))
    assert await store.deliveries.page(SITE, which, None, 99) == tuple(r for r in reversed(rows) if r is not rows[3])


async def test_due_rows_come_in_order(store: Store) -> None:
    """What waits comes by due time, then id, strictly after a position, and for its webhook only."""
    rows = [delivery(n, due_at=at((7 * n) % 5), webhook_id=A) for n in range(10)]
    gone = ended(delivery(3, webhook_id=A), 4)
    await store.commit(inserts(*rows, gone, delivery(1, webhook_id=B), delivery(0, webhook_id=A, site=OTHER)))
    await store.commit(inserts(webhook(id=A), webhook(id=B)))
    expected = sorted(rows, key=lambda row: (row.due_at, row.id))
    found = list(await store.due.deliveries(SITE, A, None, 4))
    while more := await store.due.deliveries(SITE, A, (found[-1].due_at, found[-1].id), 4):
        found += more
    assert found == expected
    assert await store.due.webhooks() == ((SITE, A, 10, at(0)), (SITE, B, 1, at(1)), (OTHER, A, 1, at(0)))
    assert await store.deliveries.waiting(SITE) == (
        WaitingCount(webhook_id=A, waiting=10, oldest_at=at(0), next_at=at(0)),
        WaitingCount(webhook_id=B, waiting=1, oldest_at=at(1), next_at=at(1)),
    )


async def test_what_is_due_is_counted_up_to_a_limit(store: Store) -> None:
    """For every webhook of every site, with the next due time whatever the limit."""
    hooks = [WebhookId(f"whk_{n}") for n in range(3)]
    rows = [delivery(90 - n, site=name, webhook_id=hooks[n % 3]) for n in range(9) for name in (OTHER, SITE)]
    await store.commit(inserts(*rows, *[delivery(1, webhook_id=hooks[0], due_at=at(n)) for n in range(4)]))
    firsts = [(SITE, hooks[0], at(0)), (SITE, hooks[1], at(83)), (SITE, hooks[2], at(82))]
    others = [(OTHER, hooks[0], at(84)), (OTHER, hooks[1], at(83)), (OTHER, hooks[2], at(82))]
    for up_to in (1, 2, 3, 5, 7, 99):
        counts = [min(7, up_to), *[min(3, up_to)] * 5]
        expected = [(*one[:2], n, one[2]) for one, n in zip([*firsts, *others], counts, strict=True)]
        assert await store.due.webhooks(up_to) == tuple(expected)


async def test_what_is_being_cancelled_does_not_count(store: Store) -> None:
    """Nothing waits for a deleted webhook; of one whose old deliveries are dropped only newer ones count."""
    rows = [delivery(n, webhook_id=A) for n in range(5)]
    await store.commit(
        inserts(webhook(id=A), webhook(id=B, state=WebhookState.DELETED), *rows, delivery(1, webhook_id=B))
    )
    count = WaitingCount(webhook_id=A, waiting=5, oldest_at=at(0), next_at=at(0))
    assert await store.deliveries.waiting(SITE) == (count,)
    await store.commit(Unit(changes=(Replace(row=webhook(id=A, version=2, drop_before=at(3))),)))
    count = WaitingCount(webhook_id=A, waiting=2, oldest_at=at(3), next_at=at(3))
    assert await store.deliveries.waiting(SITE) == (count,)
    await store.commit(Unit(changes=(Replace(row=webhook(id=A, version=3, drop_before=at(9))),)))
    assert await store.deliveries.waiting(SITE) == ()
    assert [count for _, _, count, _ in await store.due.webhooks()] == [5, 1]


async def test_cancel_waiting(store: Store) -> None:
    """What waits or gathers for one webhook ends as cancelled, if wished only what is older."""
    rows = [delivery(n, webhook_id=A) for n in range(4)]
    gathers = delivery(1, webhook_id=A, state=DeliveryState.GATHERING)
    kept = [ended(delivery(0, webhook_id=A), 1, DeliveryState.EXHAUSTED), delivery(0, webhook_id=B)]
    await store.commit(inserts(*rows, gathers, *kept))
    old = Unit(changes=(CancelWaiting(site=SITE, webhook_id=A, at=at(50), older_than=at(2)),))
    assert await store.commit(old) == Committed(rows=3)
    assert await store.due.deliveries(SITE, A, None, 9) == tuple(rows[2:])
    assert await store.commit(Unit(changes=(CancelWaiting(site=SITE, webhook_id=A, at=at(60)),))) == Committed(rows=2)
    assert await store.due.deliveries(SITE, A, None, 9) == ()
    expected = replace(rows[0], state=DeliveryState.CANCELLED, ended_at=at(50))
    assert await store.deliveries.get(SITE, rows[0].id) == expected
    assert [await store.deliveries.get(SITE, row.id) for row in kept] == kept


EVENT_FILTERS: dict[str, tuple[EventFilter, Callable[[Event], bool]]] = {
    "all": (EventFilter(), lambda r: True),
    "type": (EventFilter(type="chat.created"), lambda r: r.type == "chat.created"),
    "group": (EventFilter(type="chat.*"), lambda r: r.type.startswith("chat.")),
    "subject": (EventFilter(subject=("chat", "c1")), lambda r: r.subject is not None and r.subject.id == "c1"),
    "test": (EventFilter(test=True), lambda r: r.test),
    "real": (EventFilter(test=False, type="chat.*"), lambda r: not r.test and r.type.startswith("chat.")),
    "time": (EventFilter(since=at(3), until=at(9)), lambda r: at(3) <= r.received_at < at(9)),
}


@pytest.mark.parametrize("name", sorted(EVENT_FILTERS))
async def test_events_of_a_filter(store: Store, name: str) -> None:
    """A filter finds its events newest first, in pages, and counts them."""
    rows = [
        event(
            n,
            type=("chat.created", "chat.completed", "chatter.x", "custom.a")[n % 4],
            test=n % 5 == 0,
            subject=None if n % 3 == 0 else Subject(type="chat", id=f"c{n % 2}"),
        )
        for n in range(24)
    ]
    await store.commit(inserts(*rows, event(1, site=OTHER)))
    which, is_meant = EVENT_FILTERS[name]
    expected = tuple(row for row in reversed(rows) if is_meant(row))
    assert expected
    assert await store.events.page(SITE, which, None, 99) == expected
    assert await store.events.page(SITE, which, expected[0].id, 2) == expected[1:3]
    assert await store.events.count(SITE, which) == len(expected)
    wanted = [expected[-1].id, expected[0].id, event(99).id]
    assert await store.events.many(SITE, wanted) == (expected[-1], expected[0])[: 2 if len(expected) > 1 else 1]


async def test_chats(store: Store) -> None:
    """Chats come by creation, newest first, filtered by status, creator and reference."""
    reference = Reference(type="ticket", id="7")
    rows = [chat(n % 4, status=(ChatStatus.CREATED, ChatStatus.HANDLED)[n % 2], creator=user(n % 3)) for n in range(9)]
    rows[4] = replace(rows[4], reference=reference)
    await store.commit(inserts(*rows, chat(1, site=OTHER)))
    expected = sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)
    first = await store.desk.chats(SITE, ChatFilter(), None, 4)
    rest = await store.desk.chats(SITE, ChatFilter(), first[-1].id, 99)
    assert [*first, *rest] == expected
    handled = await store.desk.chats(SITE, ChatFilter(statuses=("handled",)), None, 99)
    assert list(handled) == [row for row in expected if row.status == "handled"]
    of_one = await store.desk.chats(SITE, ChatFilter(creator_id=user(1).user_id), None, 99)
    assert list(of_one) == [row for row in expected if row.creator == user(1)]
    assert await store.desk.chats(SITE, ChatFilter(reference_id="7"), None, 99) == (rows[4],)


async def test_tickets(store: Store) -> None:
    """Tickets come by number, the highest first, without deleted ones; words look into title and contact."""
    closed = Status(id=2, name="Done", is_closed=True)
    rows = [
        ticket(n, contact=user(n % 2), status=closed if n % 3 == 0 else Status(id=1, name="New")) for n in range(1, 13)
    ]
    rows[4] = replace(rows[4], title="Der DRUCKER brennt")
    await store.commit(inserts(*rows, ticket(13, deleted_at=at(1)), ticket(99, site=OTHER)))
    expected = rows[::-1]
    first = await store.desk.tickets(SITE, TicketFilter(), None, 5)
    rest = await store.desk.tickets(SITE, TicketFilter(), first[-1].id, 99)
    assert [*first, *rest] == expected
    assert list(await store.desk.tickets(SITE, TicketFilter(closed=True), None, 99)) == [
        row for row in expected if row.status.is_closed
    ]
    mine = await store.desk.tickets(SITE, TicketFilter(contact_id=user(1).user_id), None, 99)
    assert list(mine) == [row for row in expected if row.contact == user(1)]
    found = await store.desk.tickets(SITE, TicketFilter(words=("drucker", "new")), None, 99)
    assert found == (rows[4],)
    assert len(await store.desk.tickets(SITE, TicketFilter(words=("ticket",)), None, 3)) == 3
    assert await store.desk.next_ticket_number(SITE) == 14


async def test_events_are_walked_from_the_oldest(store: Store) -> None:
    """`newer` gives the rows just newer, still newest first."""
    rows = [event(ms) for ms in range(5)]
    await store.commit(inserts(*rows))
    page = store.events.page
    assert await page(SITE, EventFilter(), "", 2, newer=True) == (rows[1], rows[0])
    assert await page(SITE, EventFilter(), rows[1].id, 2, newer=True) == (rows[3], rows[2])
    assert await page(SITE, EventFilter(), rows[4].id, 2, newer=True) == ()


async def test_deliveries_are_found_by_what_they_carry(store: Store) -> None:
    """Of one webhook, or of all."""
    one, two = event(1), event(2)
    first = delivery(1, event_ids=(one.id, two.id))
    second = delivery(2, event_ids=(two.id,), webhook_id="whk_2")
    await store.commit(inserts(one, two, first, second))
    assert await store.deliveries.carrying(SITE, (two.id,)) == (first, second)
    assert await store.deliveries.carrying(SITE, (one.id, two.id), second.webhook_id) == (second,)
    assert await store.deliveries.carrying(OTHER, (two.id,)) == ()


async def test_the_head_of_a_subject_is_its_oldest_open_delivery(store: Store) -> None:
    """An exhausted one counts only where it holds the rest."""
    a, b = Subject(type="chat", id="a"), Subject(type="ticket", id="a")
    rows = [delivery(ms, subject=subject, due_at=at(99 - ms)) for ms, subject in enumerate((a, a, a, b))]
    elsewhere = delivery(0, subject=b, webhook_id="whk_2")
    of_a_test = delivery(0, subject=Subject(type="chat", id="a"), test=True)
    await store.commit(inserts(*rows, elsewhere, of_a_test))
    wanted = (("chat", "a"), ("ticket", "a"), ("chat", "none"))

    async def heads(*, or_exhausted: bool = False) -> list[str]:
        found = await store.due.heads(SITE, rows[0].webhook_id, wanted, or_exhausted=or_exhausted)
        return [row.id for row in found]

    assert await heads() == [rows[0].id, rows[3].id]
    exhausted = ended(rows[0], state=DeliveryState.EXHAUSTED)
    await store.commit(Unit(changes=(Settle(attempt=attempt(rows[0]), after=exhausted, expected=rows[0].state),)))
    assert await heads() == [rows[1].id, rows[3].id]
    assert await heads(or_exhausted=True) == [rows[0].id, rows[3].id]


async def test_versions_of_all_settings(store: Store) -> None:
    """Sites and webhooks, so that another node sees what changed."""
    row = webhook()
    await store.commit(inserts(site(), site(OTHER), row))
    await store.commit(Unit(changes=(Replace(row=replace(row, version=2, description="New")),)))
    assert await store.webhooks.versions() == ((SITE, "", 1), (SITE, row.id, 2), (OTHER, "", 1))
