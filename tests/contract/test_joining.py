"""Deliveries that gather: events join side by side, and nothing joins what was frozen or cancelled."""

from dataclasses import replace
from typing import Any

import pytest

from contract.made import SITE, at, delivery, event, inserts
from contract.test_units import OK, submit_all
from deskbell.model.changes import Committed, Insert, Join, MoveDelivery, MustVersion, Refused, Unit
from deskbell.model.delivery import Delivery, DeliveryState
from deskbell.model.event import Subject
from deskbell.ports import Store

REFUSED = Refused(reason="state", what="delivery")
CHAT = Subject(type="chat", id="c1", title="Printer on fire")


def gathering(**members: Any) -> Delivery:
    """A delivery that gathers, due in 100 ms."""
    return delivery(1, state=DeliveryState.GATHERING, due_at=at(100), subject=CHAT, **members)


def join(to: Delivery, *numbers: int, **members: Any) -> Join:
    """Events join."""
    plain: dict[str, Any] = {
        "site": SITE,
        "delivery_id": to.id,
        "event_ids": tuple(event(number).id for number in numbers),
        "event_types": ("chat.updated",),
        "subject": CHAT,
        "hop": 0,
        "due_at": at(100),
    }
    return Join(**{**plain, **members})


async def read(store: Store, row: Delivery) -> Delivery:
    """The delivery as it is now."""
    found = await store.deliveries.get(SITE, row.id)
    assert found is not None
    return found


async def test_events_join_at_the_end(store: Store) -> None:
    """Ids at the end, types once and in order, the highest hop, and it is found by each of its events."""
    one = gathering()
    await store.commit(inserts(one))
    first = join(one, 2, 3, event_types=("chat.updated", "chat.created"), hop=2)
    second = join(one, 4, event_types=("chat.completed",), hop=1)
    assert await submit_all(store, Unit(changes=(first,)), Unit(changes=(second,))) == [OK, OK]
    found = await read(store, one)
    assert found == replace(
        one,
        event_ids=(*one.event_ids, *first.event_ids, *second.event_ids),
        event_types=("chat.created", "chat.updated", "chat.completed"),
        hop=2,
    )
    assert await store.due.deliveries(SITE, one.webhook_id, None, 9) == (found,)
    for event_id in found.event_ids:
        assert await store.deliveries.carrying(SITE, (event_id,)) == (found,)


@pytest.mark.parametrize(
    ("subjects", "left"),
    [
        ((Subject(type="chat", id="c1", title="Renamed"),), CHAT),
        ((Subject(type="chat", id="c2"),), None),
        ((Subject(type="ticket", id="c1"),), None),
        ((None,), None),
        ((Subject(type="chat", id="c2"), CHAT), None),
    ],
)
async def test_subject_stays_when_it_is_common(store: Store, subjects: Any, left: Subject | None) -> None:
    """The subject is what all events are about, or none; once gone it does not come back."""
    one = gathering()
    await store.commit(inserts(one))
    for number, subject in enumerate(subjects):
        assert await store.commit(Unit(changes=(join(one, number + 2, subject=subject),))) == OK
    assert (await read(store, one)).subject == left


async def test_full_delivery_falls_due_sooner(store: Store) -> None:
    """A join may bring the time forward, never back."""
    one = gathering()
    await store.commit(inserts(one))
    await store.commit(Unit(changes=(join(one, 2, due_at=at(7)),)))
    await store.commit(Unit(changes=(join(one, 3, due_at=at(50)),)))
    assert (await read(store, one)).due_at == at(7)


@pytest.mark.parametrize("state", [state for state in DeliveryState if state is not DeliveryState.GATHERING])
async def test_nothing_joins_a_frozen_delivery(store: Store, state: DeliveryState) -> None:
    """Once it does not gather any more, a unit that would join is refused as a whole."""
    one = replace(gathering(), state=state)
    await store.commit(inserts(one))
    late = event(2)
    unit = Unit(changes=(Insert(row=late), join(one, 2, event_ids=(late.id,))))
    assert await submit_all(store, unit, inserts(event(3))) == [REFUSED, OK]
    assert await read(store, one) == one
    assert await store.events.get(SITE, late.id) is None
    assert await store.deliveries.carrying(SITE, (late.id,)) == ()


async def test_unknown_delivery_is_not_joined(store: Store) -> None:
    """A delivery whose own unit was refused is joined by nothing."""
    one = gathering()
    stale = Unit(changes=(Insert(row=one),), guards=(MustVersion(site=SITE, kind="chat", key=("no",), version=1),))
    verdicts = await submit_all(store, stale, Unit(changes=(join(one, 2),)))
    assert verdicts == [Refused(reason="version", what="chat"), REFUSED]
    assert await store.deliveries.get(SITE, one.id) is None


async def test_join_in_the_turn_of_the_insert(store: Store) -> None:
    """What was made a moment ago is joined in the same turn; a refused neighbour leaves no event behind."""
    one = gathering()
    refused = Unit(changes=(join(one, 2),), guards=(MustVersion(site=SITE, kind="chat", key=("no",), version=1),))
    last = join(one, 3)
    verdicts = await submit_all(store, inserts(one), refused, Unit(changes=(last,)))
    assert [isinstance(one, Committed) for one in verdicts] == [True, False, True]
    assert (await read(store, one)).event_ids == (*one.event_ids, *last.event_ids)


async def test_freeze_needs_all_its_events(store: Store) -> None:
    """A delivery that was joined since it was read is not moved: who froze it would send too little."""
    one = gathering()
    more = join(one, 2)
    await store.commit(inserts(one))
    freeze = Unit(changes=(MoveDelivery(after=replace(one, state=DeliveryState.WAITING), expected=one.state),))
    late = Unit(changes=(join(one, 3),))
    assert await submit_all(store, Unit(changes=(more,)), freeze) == [OK, REFUSED]
    now = await read(store, one)
    again = Unit(changes=(MoveDelivery(after=replace(now, state=DeliveryState.WAITING), expected=now.state),))
    assert await submit_all(store, again, late) == [OK, REFUSED]
    assert await read(store, one) == replace(now, state=DeliveryState.WAITING)
