"""Order by subject: one delivery of a chat or ticket at a time, oldest first, whatever fails; others go on."""

import json

import pytest

from deskbell.engine import order
from deskbell.model.changes import MoveDelivery
from deskbell.model.delivery import DeliveryState
from deskbell.model.draft import Draft, Published
from deskbell.model.errors import Conflict
from deskbell.model.event import Subject
from deskbell.model.exchange import Reply, Stage
from deskbell.model.webhook import Batch
from deskbell.rules.limits import Limits
from deskbell.rules.renewing import begun_anew
from engine.world import KEY, SITE, answer, hang, in_turn, ok, until


@pytest.fixture
def limits() -> Limits:
    """Small numbers, so that a few deliveries are many; a breaker that stays closed."""
    return Limits(
        in_memory_deliveries=100, in_flight_per_webhook=10, breaker_failures=1_000, breaker_attempts_min=10_000
    )


def ticket(key):
    """What events are about."""
    return Subject(type="ticket", id=key)


async def publish(world, *keys):
    """One event about each of these, in one call; a number counts up in their data."""
    world.numbers = getattr(world, "numbers", 0)
    drafts = []
    for key in keys:
        world.numbers += 1
        subject = None if key is None else ticket(key)
        data = json.dumps({"about": key, "n": world.numbers}).encode()
        drafts.append(Draft(type="custom.n", by=KEY, occurred_at=world.clock.now(), data=data, subject=subject))
    found = await world.engine.publish(SITE, drafts)
    assert isinstance(found, Published)
    return found


def sent(world):
    """What was sent, as (about, n), in order."""
    return [(one["data"]["about"], one["data"]["n"]) for req in world.sender.requests for one in json.loads(req.body)]


def healing(*keys):
    """A receiver that takes events about these from some moment on."""
    broken = set(keys)

    def receive(sendable):
        about = json.loads(sendable.body)[0]["data"]["about"]
        return Reply(stage=Stage.READ, status=500 if about in broken else 200)

    return receive, broken


async def test_one_in_flight_per_subject(world):
    """Three of one ticket go one after the other; another ticket and what is about nothing go beside them."""
    webhook = await world.webhook("custom.*", ordered_by="subject", character=hang)
    await publish(world, "a", "a", "a", "b", None)
    await until(lambda: len(world.sender.hanging) == 3)
    await world.quiet()
    assert sent(world) == [("a", 1), ("b", 4), (None, 5)]
    for number in (2, 3):
        world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
        await until(lambda number=number: len(world.sender.hanging) == 1 and sent(world)[-1] == ("a", number))
    world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
    await world.quiet()
    assert len(world.sender.to(webhook)) == 5
    lane = world.engine._dispatcher.lanes[webhook.id]
    assert (lane.order.lines, lane.order.wanted, lane.members) == ({}, {}, {})


async def test_a_failing_head_blocks_its_own_subject_only(world):
    """Its retries keep their place; the subject goes on when it is through."""
    receive, broken = healing("a")
    await world.webhook("custom.*", ordered_by="subject", character=receive)
    await publish(world, "a", "a", "b", "b", "a", "b")
    await until(lambda: len(sent(world)) == 4)
    await world.quiet()
    assert sent(world) == [("a", 1), ("b", 3), ("b", 4), ("b", 6)]
    await world.advance(5)  # second attempt
    await world.advance(30)  # third: the next one is beyond what memory holds
    assert [n for about, n in sent(world) if about == "a"] == [1, 1, 1]
    await publish(world, "a", "b")
    await until(lambda: sent(world)[-1] == ("b", 8))
    broken.clear()
    await world.advance(120)
    await until(lambda: len(sent(world)) == 11)
    assert [n for about, n in sent(world) if about == "a"] == [1, 1, 1, 1, 2, 5, 7]


async def test_an_exhausted_head_lets_its_subject_go_on(world):
    """The default: what could not be delivered is passed by."""
    await world.webhook("custom.*", ordered_by="subject", character=in_turn(answer(500), ok), retry_schedule_s=())
    published = await publish(world, "a", "a")
    await until(lambda: len(sent(world)) == 2)
    await world.quiet()
    assert [await world.state(published, n) for n in (0, 1)] == ["exhausted", "delivered"]


async def held(world, *keys, **more):
    """A webhook that holds, with an exhausted head of ticket a and others behind it."""
    receive, broken = healing("a")
    webhook = await world.webhook(
        "custom.*", ordered_by="subject", on_exhausted="hold", character=receive, retry_schedule_s=(), **more
    )
    published = await publish(world, *(keys or ("a", "a", "b", "a")))
    await world.quiet()
    return webhook, published, broken


async def test_an_exhausted_head_holds_its_subject_where_wished(world):
    """Nothing more of that ticket is sent, however long; others go on."""
    _, published, _ = await held(world)
    await publish(world, "a", "b")
    await world.advance(3_600)
    assert sent(world) == [("a", 1), ("b", 3), ("b", 6)]
    assert [await world.state(published, n) for n in (0, 1, 3)] == ["exhausted", "waiting", "waiting"]
    assert world.engine.counters().in_memory == 0


async def test_redelivered_with_success_it_holds_no_more(world):
    """A failed redelivery changes nothing; a good one lets the others go, in order."""
    _, published, broken = await held(world)
    await world.engine.redeliver(SITE, published.delivery_ids[0], by="Ann")
    await world.quiet()
    assert [n for about, n in sent(world) if about == "a"] == [1, 1]
    broken.clear()
    await world.engine.redeliver(SITE, published.delivery_ids[0], by="Ann")
    await until(lambda: len(sent(world)) == 6)
    assert [n for about, n in sent(world) if about == "a"] == [1, 1, 1, 2, 4]


async def test_cancelled_it_holds_no_more(world):
    """A person may pass by what cannot be delivered; elsewhere an exhausted delivery has ended for good."""
    _, published, broken = await held(world)
    broken.clear()
    await world.engine.cancel(SITE, published.delivery_ids[0])
    await until(lambda: len(sent(world)) == 4)
    assert [n for about, n in sent(world) if about == "a"] == [1, 2, 4]
    assert await world.state(published) == "cancelled"
    with pytest.raises(Conflict):
        await world.engine.cancel(SITE, published.delivery_ids[0])


async def test_only_what_holds_can_be_cancelled_after_its_end(world):
    """Without holding, exhausted is an end."""
    await world.webhook("custom.*", ordered_by="subject", character=answer(500), retry_schedule_s=())
    published = await publish(world, "a")
    await world.quiet()
    with pytest.raises(Conflict):
        await world.engine.cancel(SITE, published.delivery_ids[0])


async def test_replayed_it_holds_no_more(world):
    """It begins anew, still as the first of its ticket."""
    webhook, published, broken = await held(world)
    broken.clear()
    row = await world.delivery(published.delivery_ids[0])
    await world.commit(MoveDelivery(after=begun_anew(row, "rpl_1", world.clock.now()), expected=row.state))
    world.engine._holding.behind(SITE, webhook.id)
    await until(lambda: len(sent(world)) == 5)
    assert [n for about, n in sent(world) if about == "a"] == [1, 1, 2, 4]


async def test_held_over_a_restart(world):
    """The next process finds the head, and holds what is behind it until somebody sends it."""
    _, published, broken = await held(world)
    await world.engine.stop(1)
    await world.new_engine().start()
    await world.advance(60)
    await publish(world, "a", "b")
    await world.advance(60)
    assert [n for about, n in sent(world) if about == "a"] == [1]
    broken.clear()
    await world.engine.redeliver(SITE, published.delivery_ids[0], by="Ann")
    await until(lambda: len(sent(world)) == 7)
    assert [n for about, n in sent(world) if about == "a"] == [1, 1, 2, 4, 5]


async def test_what_was_exhausted_before_does_not_hold(world):
    """Holding begins with the setting: old failures stop nobody, new ones do, over a restart too."""
    webhook, published, _ = await held(world, "a", "a")
    await world.change(webhook, on_exhausted="continue")
    await until(lambda: len(sent(world)) == 2)
    await world.quiet()
    await world.change(webhook, on_exhausted="hold")
    await publish(world, "a", "a")
    await until(lambda: len(sent(world)) == 3)
    await world.quiet()
    await world.engine.stop(1)
    await world.new_engine().start()
    await world.advance(10)
    assert [n for _, n in sent(world)] == [1, 2, 3]
    assert [await world.state(published, n) for n in (0, 1)] == ["exhausted", "exhausted"]


async def test_retry_beyond_memory_keeps_its_place_over_a_restart(world):
    """A head that waits for hours in the database is the head of its subject for the next process too."""
    receive, broken = healing("a")
    await world.webhook("custom.*", ordered_by="subject", character=receive, retry_schedule_s=(3_600, 3_600))
    await publish(world, "a", "a")
    await world.quiet()
    await world.engine.stop(1)
    broken.clear()
    await world.new_engine().start()
    await publish(world, "a", "b")
    await world.advance(3_000)
    assert sent(world) == [("a", 1), ("b", 4)]
    await world.advance(601)
    await until(lambda: len(sent(world)) == 5)
    assert sent(world)[2:] == [("a", 1), ("a", 2), ("a", 3)]


async def test_a_long_queue_of_one_ticket_leaves_room_to_others(world):
    """It waits in the database; others find memory and slots, and all of it is sent in order in the end."""
    receive, broken = healing("a")
    webhook = await world.webhook("custom.*", ordered_by="subject", character=receive)
    await publish(world, *["a"] * 300)
    await world.quiet()
    lane = world.engine._dispatcher.lanes[webhook.id]
    assert len(lane.members) <= order.BEHIND_MAX + 1
    await publish(world, *[f"t{n % 50}" for n in range(100)])
    await until(lambda: len(sent(world)) >= 101)
    await world.quiet()
    broken.clear()
    await world.advance(3_600)
    await until(lambda: len([1 for about, n in sent(world) if about == "a"]) >= 300)
    await world.quiet()
    numbers = [n for about, n in sent(world) if about == "a"]
    assert sorted(set(numbers)) == list(dict.fromkeys(numbers)) == list(range(1, 301))
    assert (lane.order.lines, lane.members) == ({}, {})


async def test_a_backlog_of_many_tickets_drains_in_order(world):
    """More tickets than fit into memory, met at start: each in its order."""
    webhook = await world.webhook("custom.*", ordered_by="subject", state="paused")
    for _ in range(4):
        await publish(world, *[f"t{n}" for n in range(150)])
    await world.change(webhook, state="enabled")
    await until(lambda: len(sent(world)) == 600)
    await world.quiet()
    assert_ordered(sent(world))


def assert_ordered(found):
    """For every subject, first deliveries are in the order of acceptance."""
    firsts = list(dict.fromkeys(found))
    for about in {about for about, _ in firsts if about is not None}:
        numbers = [n for key, n in firsts if key == about]
        assert numbers == sorted(numbers)


async def test_no_room_for_more_subjects_delays_and_loses_nothing(world, monkeypatch):
    """So many subjects are known at once; the others have their turn later, in order."""
    monkeypatch.setattr(order, "LINES_MAX", 20)
    receive, broken = healing(*[f"t{n}" for n in range(15)])
    webhook = await world.webhook("custom.*", ordered_by="subject", character=receive, state="paused")
    await publish(world, *[f"t{n % 60}" for n in range(180)])
    await world.change(webhook, state="enabled")
    await world.quiet()
    broken.clear()
    for _ in range(20):
        await world.advance(30)
    await until(lambda: len(set(sent(world))) == 180)
    assert_ordered(sent(world))


async def test_sent_by_hand_it_may_pass_others(world):
    """A person decides: it goes at once, and the rest keeps its order."""
    receive, broken = healing("a")
    await world.webhook("custom.*", ordered_by="subject", character=receive)
    published = await publish(world, "a", "a", "a")
    await world.quiet()
    await world.engine.redeliver(SITE, published.delivery_ids[2], by="Ann")
    await world.quiet()
    assert sent(world) == [("a", 1), ("a", 3)]
    broken.clear()
    await world.advance(5)
    await until(lambda: len(sent(world)) == 5)
    assert sent(world)[2:] == [("a", 1), ("a", 2), ("a", 3)]


async def test_cancelled_head_makes_way(world):
    """In memory or not: what was behind it goes on."""
    receive, _ = healing("a", "b")
    await world.webhook("custom.*", ordered_by="subject", character=receive, retry_schedule_s=(20, 3_600))
    published = await publish(world, "a", "a", "b", "b")
    await world.quiet()
    await world.engine.cancel(SITE, published.delivery_ids[0])  # in memory, due soon
    await until(lambda: ("a", 2) in sent(world))
    await world.advance(20)
    await world.engine.cancel(SITE, published.delivery_ids[2])  # in the database, due in an hour
    await until(lambda: ("b", 4) in sent(world))


async def test_order_of_a_changed_webhook(world):
    """A change of settings, even of the order itself, sends nothing twice and keeps the order."""
    receive, broken = healing("a")
    webhook = await world.webhook("custom.*", character=receive, retry_schedule_s=(10,) * 20)
    await publish(world, "a")
    await world.quiet()
    await world.change(webhook, ordered_by="subject")
    await publish(world, "a", "b")
    await world.advance(10)
    assert sent(world) == [("a", 1), ("b", 3), ("a", 1)]
    await world.change(webhook, description="renamed")
    broken.clear()
    await world.advance(10)
    await until(lambda: len(sent(world)) == 5)
    assert sent(world)[3:] == [("a", 1), ("a", 2)]


async def test_batches_of_an_ordered_webhook_are_of_one_subject(world):
    """Events gather with those of their own ticket, and batches of a ticket go one after the other."""
    webhook = await world.webhook(
        "custom.*", ordered_by="subject", batch=Batch(events_max=3, wait_ms=5_000), character=hang
    )
    await publish(world, "a", "b", "a", None, "b", None, "a", "a")
    await until(lambda: len(world.sender.hanging) == 1)  # three of a are full; the fourth waits behind them
    assert sent(world) == [("a", 1), ("a", 3), ("a", 7)]
    await world.advance(5)
    await until(lambda: len(world.sender.hanging) == 3)
    world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
    await until(lambda: len(world.sender.to(webhook)) == 4)
    assert sent(world)[-1] == ("a", 8)


async def test_without_a_wait_a_busy_ticket_gathers(world):
    """While one of the ticket is on its way, what happens to it meanwhile goes together."""
    await world.webhook("custom.*", ordered_by="subject", batch=Batch(events_max=10), character=hang)
    await publish(world, "a")
    await until(lambda: len(world.sender.hanging) == 1)
    for _ in range(5):
        await publish(world, "a")
    url = world.sender.requests[0].url
    world.sender.characters[url] = ok
    world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
    await until(lambda: len(world.sender.requests) == 2)
    assert sent(world)[1:] == [("a", n) for n in range(2, 7)]


async def test_who_waits_for_whom_is_told(world):
    """The head of the subject, while it is another one."""
    _, published, _ = await held(world)
    rows = [await world.delivery(one) for one in published.delivery_ids]
    assert await world.engine.waits_for(rows) == {rows[1].id: rows[0], rows[3].id: rows[0]}


async def test_states_stay_as_the_table_says(world):
    """Holding changes no state: what waits for others is waiting."""
    _, published, _ = await held(world)
    assert (await world.delivery(published.delivery_ids[1])).state is DeliveryState.WAITING
