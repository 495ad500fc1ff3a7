"""More than fits into memory, restarts, fairness, rates, back-pressure and an orderly stop."""

import asyncio

import pytest

from deskbell.engine import settle
from deskbell.model.changes import Insert, Refused
from deskbell.model.draft import Draft
from deskbell.model.errors import Busy
from deskbell.model.exchange import Reply, Stage
from deskbell.model.ids import SiteId
from deskbell.model.site import Site
from deskbell.rules.limits import Limits
from engine.world import KEY, SITE, answer, hang, in_turn, ok, until


@pytest.fixture
def limits() -> Limits:
    """Small numbers, so that a few deliveries are many."""
    return Limits(in_memory_deliveries=100, in_flight_max=8, in_flight_per_webhook=4, commit_queue_max=50)


async def publish_many(world, count):
    """Publish so many events in one unit."""
    at = world.clock.now()
    return await world.engine.publish(
        SITE, [Draft(type="custom.n", by=KEY, occurred_at=at, data=b"%d" % n) for n in range(count)]
    )


async def test_more_than_memory_is_all_delivered(world):
    """What does not fit into memory waits in the database and is sent too, each delivery once."""
    webhook = await world.webhook("custom.*")
    published = await publish_many(world, 400)
    await until(lambda: len(world.sender.to(webhook)) >= 400)
    await world.quiet()
    sent = [dict(one.headers)["webhook-id"] for one in world.sender.requests]
    assert sorted(sent) == sorted(published.delivery_ids)
    assert world.engine.counters().in_memory == 0


async def test_memory_is_bounded_while_a_receiver_hangs(world):
    """A hanging receiver with a long queue takes little memory, and others are served."""
    await world.webhook("custom.*", character=hang)
    healthy = await world.webhook("custom.*")
    await publish_many(world, 300)
    await until(lambda: len(world.sender.to(healthy)) == 300)
    assert world.engine.counters().in_memory <= 20


async def test_backlog_of_a_paused_webhook_drains_on_resume(world):
    """A long held queue is sent whole when the webhook is resumed."""
    webhook = await world.webhook("custom.*", state="paused")
    await publish_many(world, 250)
    assert world.engine.counters().in_memory == 0
    await world.change(webhook, state="enabled")
    await until(lambda: len(world.sender.to(webhook)) == 250)
    await world.quiet()
    assert len(world.sender.to(webhook)) == 250


async def test_restart_sends_what_was_waiting(world):
    """A new process on the same database sends what was due and keeps to the schedule of the rest."""
    webhook = await world.webhook("custom.*", character=in_turn(answer(500), ok))
    published = await world.publish()
    await world.quiet()
    await world.engine.stop(1)
    world.clock.advance(3)
    await world.new_engine().start()
    await world.quiet()
    assert len(world.sender.to(webhook)) == 1
    await world.advance(2)
    await until(lambda: len(world.sender.to(webhook)) == 2)
    await world.quiet()
    assert await world.state(published) == "delivered"
    assert world.sender.requests[0].body == world.sender.requests[1].body


async def test_crash_before_the_settle_sends_again_with_the_same_id(world):
    """An attempt whose settle was never written is made again: same id, same bytes, same number."""
    await world.webhook("custom.*", character=hang)
    published = await world.publish()
    await until(lambda: len(world.sender.hanging) == 1)
    url = world.sender.requests[0].url
    world.sender.hanging.clear()  # the process is gone
    world.sender.characters[url] = ok
    await world.new_engine().start()
    await until(lambda: len(world.sender.requests) == 2)
    await world.quiet()
    first, second = world.sender.requests
    assert (first.body, dict(first.headers)["webhook-id"]) == (second.body, dict(second.headers)["webhook-id"])
    assert dict(second.headers)["deskbell-attempt"] == "1"
    assert await world.state(published) == "delivered"


async def test_start_counts_what_was_left_uncounted(world):
    """Attempts settled just before the end of a process are counted by the next one, once."""
    await world.webhook("custom.*")
    await publish_many(world, 5)
    await until(lambda: world.engine.counters().attempts.get("delivered") == 5)
    await world.new_engine().start()
    await world.engine.tend()
    rows = await world.store.webhooks.stats(SITE, 0)
    assert sum(row.delivered for row in rows) == 5


async def test_at_most_so_many_in_flight_per_webhook(world):
    """The cap per webhook holds, whatever waits."""
    webhook = await world.webhook("custom.*", character=hang)
    await publish_many(world, 30)
    await until(lambda: len(world.sender.hanging) == 4)
    await world.quiet()
    assert len(world.sender.to(webhook)) == 4


async def test_at_most_so_many_in_flight_in_all(world):
    """The cap of the process holds over all webhooks, and each freed slot is used."""
    for _ in range(5):
        await world.webhook("custom.*", character=hang)
    await publish_many(world, 10)
    await until(lambda: len(world.sender.hanging) == 8)
    await world.quiet()
    assert len(world.sender.requests) == 8
    world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
    await until(lambda: len(world.sender.requests) == 16)


async def test_turns_are_fair_between_webhooks(world):
    """A webhook with a long queue does not keep a short one waiting: they take turns."""
    long = await world.webhook("custom.n", character=ok)
    short = await world.webhook("custom.s")
    at = world.clock.now()
    drafts = [Draft(type="custom.n", by=KEY, occurred_at=at, data=b"1") for _ in range(10)]
    drafts += [Draft(type="custom.s", by=KEY, occurred_at=at, data=b"1") for _ in range(2)]
    await world.engine.publish(SITE, drafts)
    await until(lambda: len(world.sender.requests) == 12)
    assert world.sender.requests.index(world.sender.to(short)[1]) < 6
    assert len(world.sender.to(long)) == 10


async def test_one_site_leaves_slots_to_another(world):
    """While another site waits, a site with a flood holds at most a quarter of the slots."""
    other = SiteId("other")
    await world.commit(Insert(row=Site(site=other, name="Other", created_at=world.clock.now())))
    world.engine.site_changed(other)
    flood = [await world.webhook("custom.*", character=hang) for _ in range(4)]
    quiet = [await world.webhook("custom.*", character=hang, site=other) for _ in range(2)]
    at = world.clock.now()
    draft = Draft(type="custom.n", by=KEY, occurred_at=at, data=b"1")
    await asyncio.gather(world.engine.publish(SITE, [draft] * 8), world.engine.publish(other, [draft] * 8))
    await until(lambda: len(world.sender.hanging) == 7)  # one of eight is kept for a site below its share
    world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
    await until(lambda: len(world.sender.requests) >= 14)
    second = world.sender.requests[7:14]
    shares = [sum(1 for one in second if one.site == site) for site in (SITE, other)]
    assert min(shares) >= 2
    assert len(flood) + len(quiet) == 6


async def test_retries_leave_slots_to_first_attempts(world):
    """Retries of a failing webhook never hold more than half the slots."""
    failing = [await world.webhook("custom.f", character=in_turn(*[answer(500)] * 4, hang)) for _ in range(4)]
    at = world.clock.now()
    await world.engine.publish(SITE, [Draft(type="custom.f", by=KEY, occurred_at=at, data=b"1")] * 4)
    await until(lambda: world.engine.counters().attempts.get("failed") == 16)
    await world.quiet()
    await world.advance(5)
    await until(lambda: len(world.sender.hanging) == 4)
    await world.quiet()
    assert len(world.sender.hanging) == 4
    fresh = await world.webhook("custom.n")
    await world.publish("custom.n")
    await until(lambda: len(world.sender.to(fresh)) == 1)
    assert len(failing) == 4


async def test_rate_of_a_webhook(world):
    """A webhook with a rate gets its first burst, then so many per second; waiting uses no attempt."""
    webhook = await world.webhook("custom.*", rate_per_second=2.0)
    await publish_many(world, 6)
    await until(lambda: len(world.sender.to(webhook)) == 2)
    await world.quiet()
    assert len(world.sender.to(webhook)) == 2
    await world.advance(1)
    await until(lambda: len(world.sender.to(webhook)) == 4)
    await world.advance(0.5)
    await until(lambda: len(world.sender.to(webhook)) == 5)
    await world.quiet()
    assert len(world.sender.to(webhook)) == 5


class SlowStore:
    """A store whose commits wait until they are let go."""

    def __init__(self, store):
        self.store, self.held, self.holding = store, [], False

    def __getattr__(self, name):
        return getattr(self.store, name)

    def submit(self, unit, done):
        if self.holding:
            self.held.append((unit, done))
        else:
            self.store.submit(unit, done)

    def let_go(self):
        self.holding = False
        for unit, done in self.held:
            self.store.submit(unit, done)


async def test_full_queue_of_commits_is_busy(world, limits):
    """When too many publishes wait for their commit the next one is told to come back; nothing of it is stored."""
    await world.engine.stop(0)
    slow = SlowStore(world.store)
    world.store = slow
    await world.new_engine().start()
    slow.holding = True
    answers = []
    draft = Draft(type="custom.n", by=KEY, occurred_at=world.clock.now(), data=b"1")
    for _ in range(limits.commit_queue_max):
        world.engine.submit(SITE, [draft], answers.append)
    with pytest.raises(Busy) as refused:
        world.engine.submit(SITE, [draft], answers.append)
    assert refused.value.retry_after_s >= 1
    slow.let_go()
    await until(lambda: len(answers) == limits.commit_queue_max)


async def test_slow_commit_is_busy_too(world):
    """When the oldest publish has waited too long for its commit, the next is told to come back later."""
    await world.engine.stop(0)
    slow = SlowStore(world.store)
    world.store = slow
    await world.new_engine().start()
    slow.holding = True
    answers = []
    draft = Draft(type="custom.n", by=KEY, occurred_at=world.clock.now(), data=b"1")
    world.engine.submit(SITE, [draft], answers.append)
    world.clock.advance(0.2)
    world.engine.submit(SITE, [draft], answers.append)
    wanted = []
    for seconds in (0.1, 5, 60):
        world.clock.advance(seconds)
        with pytest.raises(Busy) as refused:
            world.engine.submit(SITE, [draft], answers.append)
        wanted.append(refused.value.retry_after_s)
    assert wanted == [1, 6, 30]
    slow.let_go()
    await until(lambda: len(answers) == 2)
    world.engine.submit(SITE, [draft], answers.append)
    await until(lambda: len(answers) == 3)


async def test_orderly_stop_waits_for_answers(world):
    """Stop starts nothing new, waits for what is in flight, and settles it."""
    await world.webhook("custom.*", character=hang)
    published = await publish_many(world, 6)
    await until(lambda: len(world.sender.hanging) == 4)
    stopping = asyncio.ensure_future(world.engine.stop(5))
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await world.publish()
    world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
    await stopping
    states = [(await world.delivery(one)).state.value for one in published.delivery_ids]
    assert sorted(states) == ["delivered"] * 4 + ["waiting"] * 2
    assert len(world.sender.requests) == 4


async def test_settle_waits_for_room_on_the_disk(world, monkeypatch):
    """A settle that meets a full disk is written later; the attempt is not made again."""

    monkeypatch.setattr(settle, "AGAIN_S", 0.01)
    await world.webhook("custom.*")
    submit, refusals = world.store.submit, [Refused(reason="disk_full"), Refused(reason="disk_full")]

    def full(unit, done):
        if refusals and any(type(change).__name__ == "Settle" for change in unit.changes):
            done(refusals.pop())
        else:
            submit(unit, done)

    monkeypatch.setattr(world.store, "submit", full)
    published = await world.publish()
    await until(lambda: world.engine.counters().attempts.get("delivered") == 1)
    assert await world.state(published) == "delivered"
    assert len(world.sender.requests) == 1


async def test_broken_store_is_told(world, monkeypatch):
    """When a commit says the database is broken, the caller is refused and the bell `broken` rings."""

    heard = []
    world.doorbell.listen("broken", heard.append)
    monkeypatch.setattr(world.store, "submit", lambda unit, done: done(Refused(reason="broken")))
    verdict = await world.engine.publish(
        SITE, [Draft(type="custom.n", by=KEY, occurred_at=world.clock.now(), data=b"1")]
    )
    assert (verdict.reason, heard) == ("broken", ["publish"])


async def test_bells_ring_for_live_pages(world):
    """Events, deliveries and attempts are rung once they are durable."""
    heard = []
    for bell in ("event", "delivery", "attempt"):
        world.doorbell.listen(bell, lambda detail, bell=bell: heard.append((bell, detail.id)))
    await world.webhook("custom.*")
    await world.publish()
    await world.quiet()
    assert [bell for bell, _ in heard] == ["event", "delivery", "attempt", "delivery"]


async def test_wall_clock_jumps_move_no_retry_in_memory(world):
    """A retry waits by the monotonic clock: a jump of the wall clock makes it neither early nor late."""
    webhook = await world.webhook("custom.*", character=in_turn(answer(500), ok))
    await world.publish()
    await world.quiet()
    world.clock.wall += 3_600 * 10_000_000
    world.engine.wake()
    await world.quiet()
    assert len(world.sender.to(webhook)) == 1
    await world.advance(5)
    assert len(world.sender.to(webhook)) == 2
