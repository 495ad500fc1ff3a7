"""Batches: several events in one payload, closed at the first attempt, none of them lost or sent twice."""

import asyncio
import json
from dataclasses import replace

import pytest

from deskbell.engine.faultpoints import Faultpoints
from deskbell.model.changes import Insert, MoveDelivery, MustVersion
from deskbell.model.delivery import DeliveryState
from deskbell.model.draft import Draft, Published
from deskbell.model.event import Subject
from deskbell.model.webhook import Batch
from engine.test_backlog import SlowStore
from engine.world import KEY, SITE, answer, hang, in_turn, ok, until

HUNDRED = Batch(events_max=100, wait_ms=10_000)
THREE = Batch(events_max=3, wait_ms=10_000)


def draft(world, number=0, **more):
    """One custom event."""
    return Draft(type="custom.n", by=KEY, occurred_at=world.clock.now(), data=b"%d" % number, **more)


async def publish_many(world, count, **more):
    """So many events in one call."""
    answer = await world.engine.publish(SITE, [draft(world, number, **more) for number in range(count)])
    assert isinstance(answer, Published), answer
    return answer


def payload(sendable):
    """What the events of a request carry, in order."""
    return [one["data"] for one in json.loads(sendable.body)]


async def trace(world, event_id):
    """The delivery that an event's trace names."""
    event = await world.store.events.get(SITE, event_id)
    (entry,) = event.trace
    return entry.delivery_id


async def test_events_of_one_call_are_one_delivery(world, monkeypatch):
    """A hundred events of one call are one row, one request and one list of a hundred snapshots."""
    await world.webhook("custom.*", batch=HUNDRED)
    units, submit = [], world.store.submit
    monkeypatch.setattr(world.store, "submit", lambda unit, done: (units.append(unit), submit(unit, done)))
    published = await publish_many(world, 100)
    await until(lambda: len(world.sender.requests) == 1)
    await world.quiet()
    (delivery_id,) = published.delivery_ids
    row = await world.delivery(delivery_id)
    assert (row.event_ids, row.event_types, row.state) == (published.event_ids, ("custom.n",), "delivered")
    assert payload(world.sender.requests[0]) == list(range(100))
    inserted = [type(one.row).__name__ for unit in units for one in unit.changes if isinstance(one, Insert)]
    assert inserted.count("Delivery") == 1
    assert not [one for unit in units for one in unit.changes if isinstance(one, MoveDelivery)]
    assert {await trace(world, one) for one in published.event_ids} == {delivery_id}


async def test_calls_share_a_delivery_until_it_is_full(world):
    """The third event fills it and it goes at once; the fourth begins a new one."""
    await world.webhook("custom.*", batch=THREE)
    published = [await publish_many(world, 1) for _ in range(4)]
    await until(lambda: len(world.sender.requests) == 1)
    await world.quiet()
    ids = [one.delivery_ids[0] for one in published]
    assert ids == [ids[0]] * 3 + [ids[3]]
    assert ids[0] != ids[3]
    row = await world.delivery(ids[0])
    assert row.event_ids == tuple(one.event_ids[0] for one in published[:3])
    assert (await world.delivery(ids[3])).state is DeliveryState.GATHERING
    for one in published:
        assert [await trace(world, one.event_ids[0])] == list(one.delivery_ids)


async def test_it_goes_when_its_oldest_event_has_waited_long_enough(world):
    """Later events do not put it off."""
    await world.webhook("custom.*", batch=THREE)
    first = await publish_many(world, 1)
    await world.advance(6)
    second = await publish_many(world, 1)
    await world.advance(3.9)
    assert world.sender.requests == []
    await world.advance(0.2)
    await until(lambda: len(world.sender.requests) == 1)
    await world.quiet()
    assert (await world.delivery(first.delivery_ids[0])).event_ids == first.event_ids + second.event_ids
    assert await world.state(first) == "delivered"


async def test_a_call_larger_than_a_batch_makes_several(world):
    """Seven events of one call, three each: two go at once, the rest waits for more."""
    await world.webhook("custom.*", batch=THREE)
    published = await publish_many(world, 7)
    await until(lambda: len(world.sender.requests) == 2)
    await world.quiet()
    assert sorted(payload(one) for one in world.sender.requests) == [[0, 1, 2], [3, 4, 5]]
    assert [(await world.delivery(one)).state.value for one in published.delivery_ids] == [
        "delivered", "delivered", "gathering",
    ]  # fmt: skip
    await world.advance(10)
    await until(lambda: len(world.sender.requests) == 3)


async def test_nothing_joins_after_the_first_attempt(world):
    """A batch that failed is sent again with the same bytes; what happens meanwhile goes into another one."""
    await world.webhook("custom.*", batch=Batch(events_max=3, wait_ms=1_000), character=in_turn(answer(500), ok))
    first = await publish_many(world, 2)
    await world.advance(1)
    await until(lambda: len(world.sender.requests) == 1)
    await world.quiet()
    assert (await world.delivery(first.delivery_ids[0])).state is DeliveryState.WAITING
    second = await publish_many(world, 1)
    assert second.delivery_ids != first.delivery_ids
    await world.advance(5)
    await until(lambda: len(world.sender.requests) == 3)
    bodies = {one.body for one in world.sender.requests if dict(one.headers)["webhook-id"] == first.delivery_ids[0]}
    assert [payload(world.sender.requests[0])] == [json_data(body) for body in bodies]


def json_data(body):
    """The data of a body."""
    return [one["data"] for one in json.loads(body)]


async def test_it_is_frozen_before_a_byte_leaves(world):
    """The row says waiting, durably, when the request goes out."""
    seen = []

    def look(sendable):
        (delivery,) = world.store._units._tables.of_site("delivery", SITE)
        seen.append(delivery.state)
        return ok(sendable)

    await world.webhook("custom.*", batch=THREE, character=look)
    await publish_many(world, 2)
    await world.advance(10)
    await until(lambda: len(seen) == 1)
    assert seen == [DeliveryState.WAITING]


class Dies(Exception):
    """The process is gone."""


class DiesAt(Faultpoints):
    """A process that ends at one point."""

    def __init__(self, point):
        self.point = point

    def crash_point(self, name):
        if name == self.point:
            raise Dies(name)


@pytest.mark.parametrize("point", ["before_freeze", "after_freeze", "before_send", "after_send"])
async def test_crash_around_the_freeze_loses_and_joins_nothing(world, point):
    """After the next start the same events go out in the same delivery; new ones in another."""
    await world.webhook("custom.*", batch=THREE)
    await world.engine.stop(0)
    errors = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context["exception"]))
    await world.new_engine(faultpoints=DiesAt(point)).start()
    first = await publish_many(world, 2)
    world.clock.advance(10)
    world.engine.wake()
    await until(lambda: any(isinstance(one, Dies) for one in errors))
    world.engine._dispatcher.halt()
    await world.engine._supervisor.stop()
    await world.new_engine().start()
    second = await publish_many(world, 1)
    await world.advance(10)
    await until(lambda: len({dict(one.headers)["webhook-id"] for one in world.sender.requests}) == 2)
    await world.quiet()
    assert (await world.delivery(first.delivery_ids[0])).event_ids == first.event_ids
    assert [await world.state(one) for one in (first, second)] == ["delivered", "delivered"]
    asyncio.get_running_loop().set_exception_handler(None)


async def test_restart_sends_what_was_gathering_when_it_is_due(world):
    """The next process finds it, sends it in time, and gathers anew."""
    await world.webhook("custom.*", batch=THREE)
    first = await publish_many(world, 2)
    await world.engine.stop(0)
    await world.new_engine().start()
    second = await publish_many(world, 1)
    await world.advance(5)
    assert world.sender.requests == []
    await world.advance(5)
    await until(lambda: len(world.sender.requests) == 2)
    assert first.delivery_ids != second.delivery_ids


async def test_a_long_wait_is_spent_in_the_database(world):
    """What gathers for minutes takes no memory, takes events, and goes in time."""
    await world.webhook("custom.*", batch=Batch(events_max=100, wait_ms=300_000))
    published = [await publish_many(world, 1) for _ in range(5)]
    assert world.engine.counters().in_memory == 0
    await world.advance(299)
    assert world.sender.requests == []
    await world.advance(1.5)
    await until(lambda: len(world.sender.requests) == 1)
    assert (await world.delivery(published[0].delivery_ids[0])).event_ids == tuple(p.event_ids[0] for p in published)


async def test_a_batch_that_waits_in_the_database_goes_when_full(world):
    """It falls due with its last event."""
    await world.webhook("custom.*", batch=Batch(events_max=3, wait_ms=300_000))
    for _ in range(3):
        await publish_many(world, 1)
    await until(lambda: len(world.sender.requests) == 1)
    assert len(payload(world.sender.requests[0])) == 3


async def test_without_a_wait_an_idle_webhook_sends_at_once(world):
    """No wait and nobody in front: one event goes alone, without a freeze."""
    await world.webhook("custom.*", batch=Batch(events_max=100))
    await publish_many(world, 1)
    await until(lambda: len(world.sender.requests) == 1)


async def test_without_a_wait_what_piles_up_goes_together(world):
    """While the receiver is busy events gather; a free slot takes them all."""
    webhook = await world.webhook("custom.*", batch=Batch(events_max=100), character=hang)
    for number in range(world.limits.in_flight_per_webhook):
        await publish_many(world, 1)
        await until(lambda number=number: len(world.sender.hanging) == number + 1)
    more = [await publish_many(world, 1) for _ in range(30)]
    assert len({one.delivery_ids for one in more}) == 1
    world.sender.characters[world.sender.to(webhook)[0].url] = ok
    world.sender.answer_hanging(ok(world.sender.requests[0]))
    await until(lambda: len(world.sender.requests) == world.limits.in_flight_per_webhook + 1)
    assert len(payload(world.sender.requests[-1])) == 30


async def test_a_paused_webhook_gathers_too(world):
    """Events of a pause come in full payloads, not one by one."""
    webhook = await world.webhook("custom.*", batch=Batch(events_max=10), state="paused")
    for _ in range(25):
        await publish_many(world, 1)
    await world.change(webhook, state="enabled")
    await until(lambda: len(world.sender.requests) == 3)
    assert sorted(len(payload(one)) for one in world.sender.requests) == [5, 10, 10]


async def test_a_payload_stays_under_the_limit(world):
    """What would not fit begins a new delivery, within one call and over calls; one that is alone always goes in."""
    await world.webhook("custom.*", batch=HUNDRED, payload_bytes_max=1_500)
    big = b'"' + b"x" * 400 + b'"'
    one_call = await world.engine.publish(
        SITE, [Draft(type="custom.n", by=KEY, occurred_at=world.clock.now(), data=big) for _ in range(5)]
    )
    await world.publish("custom.n", data=big)
    await world.publish("custom.n", data=b'"' + b"x" * 1_400 + b'"')
    await world.advance(10)
    await until(lambda: len(world.sender.requests) == 3)
    assert all(len(one.body) <= 1_500 for one in world.sender.requests)
    assert [len(payload(one)) for one in world.sender.requests] == [2, 2, 2]
    assert len(one_call.delivery_ids) == 3
    failed = [row for row in world.store._units._tables.of_site("delivery", SITE) if row.last_outcome == "too_large"]
    assert [len(row.event_ids) for row in failed] == [1]


async def test_headers_speak_for_all_events(world):
    """Types once each, the time of the oldest, the highest hop plus this one."""
    await world.webhook("custom.*", batch=Batch(events_max=3, wait_ms=1_000))
    now = world.clock.now()
    await world.engine.publish(
        SITE,
        [
            Draft(type="custom.b", by=KEY, occurred_at=now, data=b"1", hop=1),
            Draft(type="custom.a", by=KEY, occurred_at=now - 50_000_000, data=b"2", hop=3),
        ],
    )
    await world.publish("custom.b", hop=2)
    await until(lambda: len(world.sender.requests) == 1)
    headers = world.sender.headers()
    assert headers["deskbell-event"] == "custom.b,custom.a"
    assert headers["deskbell-triggered-at"] == "2020-09-13T12:26:35.0000000Z"
    assert headers["deskbell-hop"] == "4"


@pytest.mark.parametrize(("titles", "common"), [("c1 c1", "c1"), ("c1 c2", None), ("c1 -", None)])
async def test_subject_is_what_all_are_about(world, titles, common):
    """In one call and over calls."""
    await world.webhook("custom.*", batch=THREE)
    for title in titles.split():
        subject = None if title == "-" else Subject(type="chat", id=title)
        published = await publish_many(world, 1, subject=subject)
    found = (await world.delivery(published.delivery_ids[0])).subject
    assert (found and found.id) == common


async def test_cloudevents_take_the_batch_form(world):
    """One event is an object, several are a list with another content type."""
    await world.webhook("custom.*", batch=Batch(events_max=2, wait_ms=1_000), format="cloudevents")
    published = await publish_many(world, 2)
    await until(lambda: len(world.sender.requests) == 1)
    assert world.sender.headers()["content-type"] == "application/cloudevents-batch+json"
    assert [one["id"] for one in json.loads(world.sender.requests[0].body)] == list(published.event_ids)
    await publish_many(world, 1)
    await world.advance(1)
    await until(lambda: len(world.sender.requests) == 2)
    assert world.sender.headers()["content-type"] == "application/cloudevents+json"


async def test_a_cancelled_batch_takes_nothing_and_loses_nothing(world):
    """An event that would have joined at that moment gets a new delivery before its publisher is answered."""
    await world.webhook("custom.*", batch=THREE)
    first = await publish_many(world, 1)
    row = await world.delivery(first.delivery_ids[0])
    await world.commit(  # by another process: this engine has not heard of it
        MoveDelivery(after=replace(row, state=DeliveryState.CANCELLED, ended_at=world.clock.now()), expected=row.state)
    )
    second = await publish_many(world, 2)
    assert second.delivery_ids != first.delivery_ids
    assert [await trace(world, one) for one in second.event_ids] == list(second.delivery_ids) * 2
    third = await publish_many(world, 1)
    assert third.delivery_ids == second.delivery_ids
    await until(lambda: len(world.sender.requests) == 1)
    assert len(payload(world.sender.requests[0])) == 3


async def test_cancel_by_hand_ends_a_batch(world):
    """The events of a cancelled batch stay in it; the next one begins anew."""
    await world.webhook("custom.*", batch=THREE)
    first = await publish_many(world, 2)
    await world.engine.cancel(SITE, first.delivery_ids[0])
    second = await publish_many(world, 1)
    await world.advance(10)
    await until(lambda: len(world.sender.requests) == 1)
    await world.quiet()
    assert [await world.state(one) for one in (first, second)] == ["cancelled", "delivered"]


async def test_a_refused_neighbour_leaves_no_trace_in_a_shared_batch(world):
    """Calls of one turn share a delivery; one whose guard does not hold takes only its own event with it."""
    await world.webhook("custom.*", batch=THREE)
    stale = MustVersion(site=SITE, kind="chat", key=("none",), version=1)
    answers = await asyncio.gather(
        world.engine.publish(SITE, [draft(world, 1)]),
        world.engine.publish(SITE, [draft(world, 2)], guards=(stale,)),
        world.engine.publish(SITE, [draft(world, 3)]),
        world.engine.publish(SITE, [draft(world, 4)]),
    )
    assert [isinstance(one, Published) for one in answers] == [True, False, True, True]
    await world.advance(10)
    await until(lambda: len(world.sender.requests) == 2)
    assert sorted(payload(one) for one in world.sender.requests) == [[1, 3], [4]]


async def test_when_the_maker_is_refused_the_others_begin_anew(world):
    """The first call of a turn would have made the delivery: without it the others make their own."""
    await world.webhook("custom.*", batch=THREE)
    stale = MustVersion(site=SITE, kind="chat", key=("none",), version=1)
    answers = await asyncio.gather(
        world.engine.publish(SITE, [draft(world, 1)], guards=(stale,)),
        world.engine.publish(SITE, [draft(world, 2)]),
        world.engine.publish(SITE, [draft(world, 3)]),
    )
    assert [isinstance(one, Published) for one in answers] == [False, True, True]
    await world.advance(10)
    await until(lambda: sum(len(payload(one)) for one in world.sender.requests) == 2)
    await world.quiet()
    assert sorted(n for one in world.sender.requests for n in payload(one)) == [2, 3]


async def test_a_changed_webhook_begins_a_new_batch(world):
    """A delivery keeps the format and batch of its version."""
    webhook = await world.webhook("custom.*", batch=THREE)
    first = await publish_many(world, 1)
    await world.change(webhook, format="cloudevents", batch=Batch(events_max=2, wait_ms=10_000))
    second = await publish_many(world, 1)
    assert first.delivery_ids != second.delivery_ids
    await world.advance(10)
    await until(lambda: len(world.sender.requests) == 2)
    assert sorted(dict(one.headers)["content-type"] for one in world.sender.requests) == [
        "application/cloudevents+json", "application/json; charset=utf-8",
    ]  # fmt: skip


async def test_a_test_goes_alone(world):
    """The Test button never waits for a batch."""
    webhook = await world.webhook("custom.*", batch=HUNDRED)
    await publish_many(world, 1)
    await world.engine.send_test(SITE, webhook.id, by=KEY)
    await until(lambda: len(world.sender.requests) == 1)
    assert world.sender.headers()["deskbell-event"] == "test.ping"


async def test_a_batch_that_falls_due_waits_for_what_is_joining_it(world):
    """A slow commit: the delivery is full and due before its last event is durable; it goes once, with all of them."""
    await world.engine.stop(0)
    slow = world.store = SlowStore(world.store)
    await world.new_engine().start()
    await world.webhook("custom.*", batch=Batch(events_max=2, wait_ms=1_000))
    await publish_many(world, 1)
    slow.holding = True
    second = asyncio.ensure_future(publish_many(world, 1))
    await asyncio.sleep(0)
    world.clock.advance(2)
    world.engine.wake()
    await until(lambda: world.engine.counters().in_flight == 1)
    moves = [one for unit, _ in slow.held for one in unit.changes if isinstance(one, MoveDelivery)]
    assert (moves, world.sender.requests) == ([], [])
    slow.let_go()
    await second
    await until(lambda: len(world.sender.requests) == 1)
    assert len(payload(world.sender.requests[0])) == 2
