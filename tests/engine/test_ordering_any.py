"""Order by subject whatever happens: first deliveries of a subject arrive in the order of acceptance, one at a time."""

import asyncio
import json
from collections import Counter, defaultdict
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbell.engine import order, ordered_reading
from deskbell.model.draft import Draft, Published
from deskbell.model.errors import Conflict
from deskbell.model.event import Subject
from deskbell.model.exchange import Reply, Stage
from deskbell.model.query import DeliveryFilter
from deskbell.model.webhook import Batch
from deskbell.rules.limits import Limits
from deskbell.storage.memory import MemoryStore
from deskbell.storage.sqlite import SqliteStore
from engine.cluster import Cluster
from engine.test_nodes import settle_shares
from engine.world import KEY, SITE, FakeSender, World, until

SMALL = Limits(in_memory_deliveries=100, in_flight_per_webhook=3, breaker_failures=100_000, breaker_attempts_min=10_000)
KEYS = ["a", "b", "c", "d", None]
calls = st.lists(st.sampled_from(KEYS), min_size=1, max_size=8)
steps = st.lists(
    st.one_of(
        calls,
        calls,
        st.sampled_from(["pass", "wait", "answer", "flood", "restart", "crash", "pause", "resume", "change", "cancel"]),
        st.sampled_from(["redeliver", "answer", "pass"]),
    ),
    min_size=1,
    max_size=25,
)


class Recorder(FakeSender):
    """A dialler that writes down what arrives and what is on its way; its receiver takes, fails or hangs."""

    def __init__(self, random):
        super().__init__()
        self.random = random
        self.sane = False  # it takes everything
        self.arrived = []  # (delivery, key)
        self.by_hand = set()  # deliveries that a person sent: they may pass others
        self.doubled = []  # what was sent while another one of its subject was on its way
        self._on_way = defaultdict(Counter)

    def submit(self, sendable, policy, done):
        headers = dict(sendable.headers)
        delivery_id = headers["webhook-id"]
        keys = {one["data"] for one in json.loads(sendable.body)}
        (key,) = keys
        manual = "deskbell-redelivery" in headers
        if manual:
            self.by_hand.add(delivery_id)
        elif key is not None:
            if self._on_way[key]:
                self.doubled.append((delivery_id, key))
            self._on_way[key][delivery_id] += 1
        self.arrived.append((delivery_id, key))

        def back(reply):
            if not manual and key is not None:
                self._on_way[key] -= Counter({delivery_id: 1})
            done(reply)

        super().submit(sendable, policy, back)

    def forget(self):
        """The process is gone, and what was on its way with it."""
        self.hanging.clear()
        self._on_way.clear()

    def receive(self, sendable):
        if self.sane:
            return Reply(stage=Stage.READ, status=200)
        what = self.random.choice([200, 200, 500, None])
        return None if what is None else Reply(stage=Stage.READ, status=what)


class Shop:
    """An ordered webhook, a moody receiver, and a person who interferes."""

    def __init__(self, seed, *, holds, batch, schedule_s, store=None):
        self.random = Random(seed)
        self.settings = {"on_exhausted": "hold" if holds else "continue", "batch": batch}
        self.schedule_s = schedule_s
        self.sender = Recorder(self.random)
        self.world = World(store or MemoryStore(), SMALL, self.sender)

    async def publish(self, keys):
        world = self.world
        drafts = [
            Draft(
                type="custom.n",
                by=KEY,
                occurred_at=world.clock.now(),
                data=json.dumps(key).encode(),
                subject=None if key is None else Subject(type="ticket", id=key),
            )
            for key in keys
        ]
        assert isinstance(await world.engine.publish(SITE, drafts), Published)

    async def rows(self):
        found, before = [], None
        while page := await self.world.store.deliveries.page(SITE, DeliveryFilter(), before, 200):
            found += page
            before = page[-1].id
        return found[::-1]

    async def step(self, step, webhook):
        world = self.world
        if isinstance(step, list):
            await self.publish(step)
        elif step == "flood":
            await self.publish([self.random.choice(KEYS) for _ in range(60)])
        elif step in ("pass", "wait"):
            await world.advance(2 if step == "pass" else 300)
        elif step == "answer":
            self.sender.answer_hanging(Reply(stage=Stage.READ, status=self.random.choice([200, 500])))
            await world.quiet()
        elif step in ("restart", "crash"):
            if step == "restart":
                await world.engine.stop(0)
            else:
                world.engine._dispatcher.halt()
                await world.engine._supervisor.stop()
            self.sender.forget()
            world.clock.advance(0.01)
            await world.new_engine().start()
        elif step in ("pause", "resume"):
            await world.change(webhook, state="paused" if step == "pause" else "enabled")
        elif step == "change":
            await world.change(webhook, description=f"{self.random.random()}")
        else:
            await self.interfere(step)

    async def interfere(self, step):
        rows = await self.rows()
        if rows:
            with suppress(Conflict):
                row = self.random.choice(rows)
                if step == "cancel":
                    await self.world.engine.cancel(SITE, row.id)
                else:
                    await self.world.engine.redeliver(SITE, row.id, by="Ann")

    async def play(self, script):
        world = self.world
        await world.start()
        webhook = await world.webhook(
            "custom.*",
            character=self.sender.receive,
            ordered_by="subject",
            retry_schedule_s=self.schedule_s,
            **self.settings,
        )
        self.sender.characters["https://" + webhook.id.lower() + ".example.com/in"] = self.sender.receive
        for step in script:
            await self.step(step, webhook)
        self.sender.sane = True
        await world.change(webhook, state="enabled")
        for _ in range(60):
            self.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
            await world.advance(100)
            if await self.is_through():
                break
        await self.check()
        await world.engine.stop(1)
        await world.store.close()

    async def is_through(self):
        still_open = [row for row in await self.rows() if row.ended_at is None]
        return len(await self.world.engine.waits_for(still_open)) == len(still_open)

    async def check(self):
        rows = await self.rows()
        assert self.sender.doubled == []
        order_of = {row.id: place for place, row in enumerate(rows)}
        for key in KEYS[:-1]:
            firsts = list(dict.fromkeys(one for one, about in self.sender.arrived if about == key))
            places = [order_of[one] for one in firsts if one not in self.sender.by_hand]
            assert places == sorted(places), key
        for row in rows:
            if row.ended_at is None:  # only behind a head that holds
                head = (await self.world.engine.waits_for([row])).get(row.id)
                assert self.settings["on_exhausted"] == "hold"
                assert head is not None
                assert head.state == "exhausted"


@pytest.fixture(autouse=True, scope="module")
def small_pages():
    """Few subjects and rows at once, so that every bound is met."""
    kept = order.LINES_MAX, order.BEHIND_MAX, ordered_reading.ROWS_MAX, ordered_reading.ASKED_MAX
    order.LINES_MAX, order.BEHIND_MAX, ordered_reading.ROWS_MAX, ordered_reading.ASKED_MAX = 3, 2, 7, 2
    yield
    order.LINES_MAX, order.BEHIND_MAX, ordered_reading.ROWS_MAX, ordered_reading.ASKED_MAX = kept


plans = st.sampled_from([(), (5,), (5, 20, 100), (1_000, 1_000)])
batches = st.sampled_from([Batch(), Batch(), Batch(events_max=3), Batch(events_max=3, wait_ms=3_000)])


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(0, 2**32), st.booleans(), batches, plans)
def test_first_deliveries_of_a_subject_arrive_in_order(script, seed, holds, batch, schedule_s):
    """Whatever fails, hangs, restarts, or is paused, cancelled or sent by hand."""
    asyncio.run(Shop(seed, holds=holds, batch=batch, schedule_s=schedule_s).play(script))


@pytest.mark.parametrize("seed", range(3))
async def test_the_same_on_a_file(tmp_path, seed):
    """With the embedded database, whose readers answer later."""
    random = Random(seed)
    store = SqliteStore.open(tmp_path / "deskbell.db")
    shop = Shop(seed, holds=bool(seed % 2), batch=Batch(), schedule_s=(5, 20), store=store)
    words = ["pass", "wait", "answer", "flood", "restart", "crash", "change", "cancel", "redeliver"]
    script = [random.choice([["a", "b"], ["a", None, "c"], random.choice(words)]) for _ in range(20)]
    await shop.play(["flood", *script])


@pytest.mark.parametrize("seed", range(6))
async def test_over_many_nodes_that_come_and_go(seed):
    """Events of one subject are accepted by any node; nodes die; whoever owns the shard keeps the order."""
    random = Random(seed)
    cluster = Cluster(SMALL)
    await cluster.start()
    await cluster.join("a", "b")
    await settle_shares(cluster)
    recorder = Recorder(random)
    recorder.sane = seed % 2 == 0
    webhook = await cluster.webhook("custom.*", ordered_by="subject", retry_schedule_s=(5,) * 50)
    arrived, accepted = [], defaultdict(list)

    def receive(sendable):
        arrived.append(dict(sendable.headers)["webhook-id"])
        return recorder.receive(sendable)

    (url,) = cluster.sender.characters
    cluster.sender.characters[url] = receive
    await settle_shares(cluster, 1)
    for number in range(120):
        key = random.choice("abc")
        node = random.choice(list(cluster.nodes.values()))
        cluster.clock.advance(0.001)  # the order over nodes is that of their clocks
        published = await node.publish(subject=Subject(type="ticket", id=key))
        accepted[key] += published.delivery_ids
        if number % 30 == 29:
            await change_of_nodes(cluster, random, number)
        elif number % 5 == 0:
            await cluster.tick(1)
    recorder.sane = True
    for _ in range(80):
        for node in cluster.nodes.values():
            node.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
        await cluster.tick(20)
        rows = await cluster.store.deliveries.page(SITE, DeliveryFilter(), None, 200)
        if all(row.state == "delivered" for row in rows):
            break
    assert {row.state.value for row in rows} == {"delivered"}
    firsts = list(dict.fromkeys(arrived))
    for ids in accepted.values():
        assert [one for one in firsts if one in ids] == ids
    assert webhook.ordered_by == "subject"
    for name in tuple(cluster.nodes):
        await cluster.stop(name)
    await cluster.store.close()


async def change_of_nodes(cluster, random, number):
    """One dies, one leaves, or a new one joins."""
    name = random.choice(list(cluster.nodes))
    if len(cluster.nodes) > 1 and number % 60 == 29:
        await cluster.kill(name)
        await cluster.tick(16)
    elif len(cluster.nodes) > 1:
        await cluster.stop(name)
        await cluster.tick(1)
    await cluster.join(f"n{number}")
    await settle_shares(cluster)


async def test_what_another_node_accepted_goes_first_though_nobody_rang():
    """The owner asks the database before each delivery of a subject: a ring may be slow, or lost."""
    cluster = Cluster(SMALL)
    await cluster.start()
    await cluster.join("a", "b")
    await settle_shares(cluster)
    webhook = await cluster.webhook("custom.*", ordered_by="subject")
    await settle_shares(cluster, 1)
    nodes = sorted(cluster.nodes.values(), key=lambda node: webhook.shard in node.owned())  # the owner is the last
    cluster.wire.cut = True
    ids = []
    for node in (nodes[0], nodes[1], nodes[0], nodes[0], nodes[1]):
        cluster.clock.advance(0.001)
        ids += (await node.publish(subject=Subject(type="ticket", id="a"))).delivery_ids
    await until(lambda: len(cluster.sender.requests) == 5)
    await cluster.calm()
    assert [dict(one.headers)["webhook-id"] for one in cluster.sender.requests] == ids
    for name in tuple(cluster.nodes):
        await cluster.stop(name)
    await cluster.store.close()
