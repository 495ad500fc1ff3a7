"""Batching whatever happens: each accepted event is delivered in exactly one payload that never changes."""

import asyncio
import json
from collections import Counter, defaultdict
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskbell.model.changes import MustVersion
from deskbell.model.draft import Draft, Published
from deskbell.model.errors import Conflict
from deskbell.model.event import Subject
from deskbell.model.exchange import Reply, Stage
from deskbell.model.webhook import Batch
from deskbell.rules.limits import Limits
from deskbell.storage.memory import MemoryStore
from engine.cluster import Cluster
from engine.test_nodes import settle_shares
from engine.world import KEY, SITE, World, until

STALE = MustVersion(site=SITE, kind="chat", key=("none",), version=1)
BYTES_MAX = 2_000

calls = st.lists(
    st.tuples(st.lists(st.integers(1, 900), min_size=1, max_size=5), st.booleans(), st.sampled_from(["a", "b", None])),
    min_size=1,
    max_size=5,
)
"""Publishes of one turn: sizes of their events, whether their guard holds, what they are about."""

steps = st.lists(
    st.one_of(
        calls,
        st.sampled_from(["pass", "wait", "restart", "pause", "resume", "cancel", "change"]),
    ),
    min_size=1,
    max_size=12,
)


class Shop:
    """A webhook that fails now and then, publishers, and a book of what was accepted."""

    def __init__(self, seed: int, batch: Batch, ordered_by: str) -> None:
        self.random = Random(seed)
        self.batch, self.ordered_by = batch, ordered_by
        self.bodies: defaultdict[str, set[bytes]] = defaultdict(set)
        self.accepted: dict[str, str] = {}  # event: the delivery that its answer named
        self.world = World(MemoryStore(), Limits(in_memory_deliveries=100, in_flight_per_webhook=2))

    def receive(self, sendable):
        self.bodies[dict(sendable.headers)["webhook-id"]].add(sendable.body)
        return Reply(stage=Stage.READ, status=self.random.choice([200, 200, 500]))

    async def call(self, sizes, stale, subject):
        about = None if subject is None else Subject(type="chat", id=subject)
        drafts = [
            Draft(type="custom.n", by=KEY, occurred_at=self.world.clock.now(), data=b'"%b"' % (b"x" * n), subject=about)
            for n in sizes
        ]
        answer = await self.world.engine.publish(SITE, drafts, guards=(STALE,) if stale else ())
        assert isinstance(answer, Published) is not stale
        if isinstance(answer, Published):
            for event_id in answer.event_ids:
                event = await self.world.store.events.get(SITE, event_id)
                self.accepted[event_id] = event.trace[0].delivery_id

    async def step(self, step, webhook):
        world = self.world
        if isinstance(step, list):
            await asyncio.gather(*(self.call(*one) for one in step))
        elif step == "pass":
            await world.advance(1)
        elif step == "wait":
            await world.advance(400)
        elif step == "restart":
            await world.engine.stop(1)
            await world.new_engine().start()
        elif step in ("pause", "resume"):
            await world.change(webhook, state="paused" if step == "pause" else "enabled")
        elif step == "change":
            await world.change(webhook, description=f"{self.random.random()}")
        elif step == "cancel":
            rows = [row for row in self.rows() if row.state == "gathering"]
            for row in rows[:1]:
                with suppress(Conflict):  # it was filled, and is sent at this moment
                    await world.engine.cancel(SITE, row.id)

    def rows(self):
        return self.world.store._units._tables.of_site("delivery", SITE)

    async def play(self, script):
        await self.world.start()
        webhook = await self.world.webhook(
            "custom.*",
            character=self.receive,
            batch=self.batch,
            ordered_by=self.ordered_by,
            payload_bytes_max=BYTES_MAX,
            retry_schedule_s=(5,) * 30,
        )
        for step in script:
            await self.step(step, webhook)
        await self.world.change(webhook, state="enabled")
        for _ in range(40):
            await self.world.advance(60)
            if all(row.ended_at is not None for row in self.rows()):
                break
        await self.world.engine.stop(1)
        self.check()

    def check(self):
        rows = self.rows()
        carried = Counter(event_id for row in rows for event_id in row.event_ids)
        assert carried == Counter(self.accepted.keys())  # each once, none of a refused call
        for row in rows:
            assert {self.accepted[one] for one in row.event_ids} == {row.id}
            assert len(row.event_ids) <= self.batch.events_max
            assert row.state in ("delivered", "cancelled")
            bodies = self.bodies.get(row.id, set())
            assert len(bodies) <= 1  # frozen: the same bytes on every attempt
            for body in bodies:
                assert [one["meta"]["eventId"] for one in json.loads(body)] == list(row.event_ids)
                assert len(row.event_ids) == 1 or len(body) <= BYTES_MAX
            assert row.state == "cancelled" or bodies


@settings(max_examples=60, deadline=None)
@given(
    steps,
    st.integers(0, 2**32),
    st.builds(Batch, events_max=st.integers(2, 6), wait_ms=st.sampled_from([0, 2_000, 100_000])),
    st.sampled_from(["none", "subject"]),
)
def test_events_are_in_one_payload_each(script, seed, batch, ordered_by):
    """Whatever is published, refused, paused, cancelled or restarted, in whatever order."""
    asyncio.run(Shop(seed, batch, ordered_by).play(script))


@pytest.fixture
async def cluster():
    """Two nodes share the shards."""
    made = Cluster(Limits())
    await made.start()
    await made.join("a", "b")
    await settle_shares(made)
    yield made
    for name in tuple(made.nodes):
        await made.stop(name)
    await made.store.close()


async def test_every_node_gathers_what_it_takes_in(cluster):
    """Each gathers its own events into its own delivery; the owner of the shard sends both in time."""
    webhook = await cluster.webhook("custom.*", batch=Batch(events_max=10, wait_ms=5_000))
    await settle_shares(cluster, 1)
    published = {name: [await node.publish() for _ in range(3)] for name, node in cluster.nodes.items()}
    ids = {name: {one.delivery_ids[0] for one in some} for name, some in published.items()}
    assert len(ids["a"]) == len(ids["b"]) == 1
    assert ids["a"] != ids["b"]
    assert cluster.sender.requests == []
    await cluster.tick(5)
    await until(lambda: len(cluster.sender.requests) == 2)
    await cluster.calm()
    owner = next(node for node in cluster.nodes.values() if webhook.shard in node.owned())
    assert len(owner.sender.requests) == 2
    assert [len(json.loads(one.body)) for one in cluster.sender.requests] == [3, 3]


async def test_a_full_delivery_of_another_node_goes_at_once(cluster):
    """Its last event brings its time forward and rings the owner."""
    webhook = await cluster.webhook("custom.*", batch=Batch(events_max=3, wait_ms=60_000))
    await settle_shares(cluster, 1)
    other = next(node for node in cluster.nodes.values() if webhook.shard not in node.owned())
    for _ in range(3):
        await other.publish()
    await until(lambda: len(cluster.sender.requests) == 1)
    assert len(json.loads(cluster.sender.requests[0].body)) == 3


async def test_a_delivery_that_its_owner_froze_is_joined_by_nobody(cluster):
    """A node that still thinks it gathers is refused, and begins a new one: no event is lost."""
    webhook = await cluster.webhook("custom.*", batch=Batch(events_max=10, wait_ms=5_000))
    await settle_shares(cluster, 1)
    other = next(node for node in cluster.nodes.values() if webhook.shard not in node.owned())
    first = await other.publish()
    await cluster.tick(4)
    cluster.clock.wall += 20_000_000  # the owner's clock is ahead by so much as it looks
    owner = next(node for node in cluster.nodes.values() if webhook.shard in node.owned())
    owner.engine._holding.behind(SITE, webhook.id)
    await cluster.calm()
    cluster.clock.seconds += 2
    owner.engine.wake()
    await until(lambda: len(cluster.sender.requests) == 1)
    cluster.clock.wall -= 20_000_000
    second = await other.publish()
    assert first.delivery_ids != second.delivery_ids
    await cluster.tick(6)
    await until(lambda: len(cluster.sender.requests) == 2)
