"""Many engines on one store: shards are shared evenly, each event is delivered, whoever comes, goes or dies."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from deskbell.model.draft import Published
from deskbell.model.errors import Conflict
from deskbell.model.event import Subject
from deskbell.model.exchange import Sendable
from deskbell.model.instant import from_seconds
from deskbell.model.webhook import Batch, Webhook
from deskbell.rules.limits import Limits
from engine.cluster import Cluster, Node
from engine.world import ANN, SITE, Character, answer, hang, in_turn, ok, until, url_of


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    """No node yet, a site."""
    made = Cluster(Limits())
    await made.start()
    yield made
    for name in tuple(made.nodes):
        await made.stop(name)
    await made.store.close()


PROBE = Sendable(site=SITE, url="https://probe.example.com", body=b"", headers=())
"""The characters look at a request; these do not care which."""


async def settle_shares(cluster: Cluster, rounds: int = 3) -> None:
    """Let every node look until the shares rest."""
    for _ in range(rounds):
        await cluster.tick(1)


def ids_of(cluster: Cluster) -> Counter[str]:
    """How often each delivery was sent, by its id."""
    return Counter(dict(one.headers)["webhook-id"] for one in cluster.sender.requests)


async def test_shares_are_even_as_nodes_join_and_leave(cluster: Cluster) -> None:
    """One owns all, two own half each, three a third; who leaves in order is replaced without waiting for a lease."""
    await cluster.join("a")
    assert cluster.shares() == {"a": 256}
    await cluster.join("b")
    await settle_shares(cluster)
    assert cluster.shares() == {"a": 128, "b": 128}
    await cluster.join("c")
    await settle_shares(cluster)
    assert sorted(cluster.shares().values()) == [85, 85, 86]
    await cluster.stop("a")
    await settle_shares(cluster, 1)
    assert cluster.shares() == {"b": 128, "c": 128}
    assert not cluster.nodes["b"].owned() & cluster.nodes["c"].owned()


async def test_a_joining_node_gets_its_part_by_ring_without_waiting_for_the_next_beat(cluster: Cluster) -> None:
    """Nobody moves the clock here."""
    await cluster.join("a")
    await cluster.join("b")
    await until(lambda: cluster.shares() == {"a": 128, "b": 128})


async def test_whatever_node_takes_an_event_its_owner_delivers_it(cluster: Cluster) -> None:
    """Each node publishes to webhooks of every node; each delivery is sent once, by the owner of its shard."""
    nodes = await cluster.join("a", "b", "c")
    await settle_shares(cluster)
    webhooks = [await cluster.webhook() for _ in range(12)]
    await settle_shares(cluster, 1)
    published = [await node.publish() for node in nodes for _ in range(5)]
    await until(lambda: len(cluster.sender.requests) == 180)
    await cluster.calm()
    assert set(ids_of(cluster).values()) == {1}
    states = [await cluster.state(one, n) for one in published for n in range(12)]
    assert set(states) == {"delivered"}
    for node in nodes:
        urls = {one.url for one in node.sender.requests}
        owned = {one.id.lower() for one in webhooks if one.shard in node.owned()}
        assert {url.removeprefix("https://").partition(".")[0] for url in urls} == owned


async def test_a_lost_ring_costs_one_safety_poll(cluster: Cluster) -> None:
    """The delivery is in the database: its owner finds it."""
    a, b = await cluster.join("a", "b")
    await settle_shares(cluster)
    webhook = await cluster.webhook()
    await settle_shares(cluster, 1)
    owner, other = (a, b) if webhook.shard in a.owned() else (b, a)
    cluster.wire.cut = True
    published = await other.publish()
    assert not owner.sender.requests
    await cluster.tick()
    await until(lambda: len(owner.sender.requests) == 1)
    await cluster.calm()
    assert await cluster.state(published) == "delivered"


async def test_after_a_death_the_others_deliver_what_it_had(cluster: Cluster) -> None:
    """Within a lease: what it had in flight is sent again with the same id and body; nothing is lost."""
    a, b, c = await cluster.join("a", "b", "c")
    await settle_shares(cluster)
    for _ in range(12):
        await cluster.webhook(character=hang)
    await settle_shares(cluster, 1)
    published = await b.publish()
    await until(lambda: len(cluster.sender.requests) == 12)
    first = {dict(one.headers)["webhook-id"]: one.body for one in cluster.sender.requests}
    hung = len(a.sender.hanging)
    assert hung
    cluster.sender.characters.update(dict.fromkeys(cluster.sender.characters, ok))
    await cluster.kill("a")
    await cluster.tick(4.9)
    await cluster.tick(4.9)
    assert len(cluster.sender.requests) == 12
    await cluster.tick(5)
    await cluster.tick(0.5)
    await cluster.tick(0.5)
    await until(lambda: len(cluster.sender.requests) == 12 + hung)
    for node in (b, c):
        node.sender.answer_hanging(answer(200)(PROBE))
    await cluster.calm()
    assert cluster.shares() == {"b": 128, "c": 128}
    again = {dict(one.headers)["webhook-id"]: one.body for one in cluster.sender.requests[12:]}
    assert again == {one: first[one] for one in again}
    assert {await cluster.state(published, n) for n in range(12)} == {"delivered"}


async def test_who_wakes_after_its_lease_starts_nothing_and_finds_its_fence_refused(cluster: Cluster) -> None:
    """A process that was stopped for longer than its lease: its settle changes nothing, the new owner's counts."""
    a, b = await cluster.join("a", "b")
    await settle_shares(cluster)
    webhooks = [await cluster.webhook(character=hang) for _ in range(8)]
    await settle_shares(cluster, 1)
    published = await b.publish()
    await until(lambda: len(cluster.sender.requests) == 8)
    slept = len(a.sender.hanging)
    assert slept
    cluster.sender.characters.update(dict.fromkeys(cluster.sender.characters, ok))
    for _ in range(4):
        await cluster.tick(5, asleep=("a",))
    assert len(b.owned()) == 256
    assert len(a.owned()) == 128  # it still believes so
    await until(lambda: len(cluster.sender.requests) == 8 + slept)
    await cluster.calm()

    more = await b.publish()  # and a is asked to send what it believes to own
    for webhook in webhooks:
        a.bell.ring("due", (SITE, webhook.id, webhook.shard))
    a.sender.answer_hanging(answer(500)(PROBE))
    b.sender.answer_hanging(answer(200)(PROBE))
    await cluster.calm()
    assert len(a.sender.requests) == slept  # nothing new
    assert a.engine.counters().settles_refused == slept
    await until(lambda: not a.owned())  # a refused fence makes it ask at once
    assert a.engine.counters().in_memory == 0
    await settle_shares(cluster)
    assert cluster.shares() == {"a": 128, "b": 128}
    for one in (published, more):
        found = [await cluster.delivery(one.delivery_ids[n]) for n in range(8)]
        assert {row.state.value for row in found} == {"delivered"}
        assert {row.attempts for row in found} == {1}


async def test_a_database_that_is_not_reached_lets_leases_end_without_any_answer(cluster: Cluster) -> None:
    """The monotonic clock decides alone; once the database answers again and nobody took the shards, it goes on."""
    (a,) = await cluster.join("a")
    await cluster.webhook()
    await cluster.tick()
    cluster.clock.advance(15)
    published = await a.publish()
    await cluster.calm()
    assert not cluster.sender.requests
    await cluster.tick()
    await until(lambda: len(cluster.sender.requests) == 1)
    await cluster.calm()
    assert await cluster.state(published) == "delivered"


async def test_stopping_in_order_sends_no_duplicates(cluster: Cluster) -> None:
    """Shards at rest are handed over at once, the one with an attempt in flight when that has come back."""
    a, b = await cluster.join("a", "b")
    await settle_shares(cluster)
    while not (webhook := await cluster.webhook(character=hang)) or webhook.shard not in a.owned():
        pass
    await cluster.tick()
    await a.publish()
    await until(lambda: bool(a.sender.hanging))
    task = asyncio.ensure_future(cluster.nodes.pop("a").engine.stop(5.0))
    await until(lambda: len(b.owned()) >= 255)
    assert webhook.shard not in b.owned()
    a.sender.answer_hanging(answer(200)(a.sender.requests[0]))
    await task
    await until(lambda: len(b.owned()) == 256)
    await cluster.calm()
    assert set(ids_of(cluster).values()) == {1}


async def test_a_new_owner_knows_how_the_webhook_fares(cluster: Cluster) -> None:
    """A receiver that asked for a pause is not sent to by the next owner either."""
    _, b = await cluster.join("a", "b")
    await settle_shares(cluster)
    webhooks = [await cluster.webhook(character=answer(429, retry_after="600")) for _ in range(8)]
    await cluster.tick()
    await b.publish()
    await until(lambda: len(cluster.sender.requests) == 8)
    await cluster.calm()
    await cluster.stop("a")
    await settle_shares(cluster)
    assert len(b.owned()) == 256
    await b.publish()
    await cluster.calm()
    await cluster.tick(60)
    assert len(cluster.sender.requests) == 8
    cluster.sender.characters.update(dict.fromkeys(cluster.sender.characters, ok))
    await cluster.tick(541)
    await until(lambda: len(cluster.sender.requests) == 24)
    assert webhooks


async def test_a_change_acts_on_every_node_even_when_its_ring_is_lost(cluster: Cluster) -> None:
    """Versions are compared every second."""
    a, b = await cluster.join("a", "b")
    await settle_shares(cluster)
    webhook = await cluster.webhook("custom.order")
    await cluster.tick()
    for lost in (False, True):
        cluster.wire.cut = lost
        webhook = await cluster.change(webhook, state="paused")
        await cluster.tick()
        for node in (a, b):
            await node.publish()
        await cluster.calm()
        assert not cluster.sender.requests
        webhook = await cluster.change(webhook, state="enabled")
        await cluster.tick()
        await until(lambda: len(cluster.sender.requests) == 2)
        await cluster.calm()
        cluster.sender.requests.clear()


async def test_a_rotated_secret_signs_on_the_owners_next_attempt(cluster: Cluster) -> None:
    """Rotating bumps the webhook's version, so that no node signs with the old secret alone."""
    _, b = await cluster.join("a", "b")
    await settle_shares(cluster)
    webhook = await cluster.webhook()
    await cluster.tick()
    cluster.wire.cut = True
    old = (await cluster.store.webhooks.secrets(SITE, webhook.id))[0]
    await cluster.rotate(old, webhook, from_seconds(1_600_090_000))
    webhook = await cluster.change(webhook, description="rotated")
    await cluster.tick()
    await b.publish()
    await cluster.tick()
    await until(lambda: len(cluster.sender.requests) == 1)
    assert dict(cluster.sender.requests[0].headers)["webhook-signature"].count("v1,") == 2


async def test_who_only_serves_owns_nothing_and_its_events_are_delivered(cluster: Cluster) -> None:
    """`serve --no-deliver` beside a worker."""
    (front,) = await cluster.join("front", delivers=False)
    await cluster.join("worker")
    await settle_shares(cluster)
    assert cluster.shares() == {"front": 0, "worker": 256}
    await cluster.webhook()
    await cluster.tick()
    published = await front.publish()
    await until(lambda: len(cluster.nodes["worker"].sender.requests) == 1)
    await cluster.calm()
    assert await cluster.state(published) == "delivered"
    await cluster.stop("worker")
    later = await front.publish()
    await cluster.tick(1)
    assert await cluster.state(later) == "waiting"
    await cluster.join("worker")
    await until(lambda: len(cluster.sender.requests) == 2)


async def owner_and_other(cluster: Cluster, **webhook: Any) -> tuple[Node, Node, Webhook]:
    """Two nodes and a webhook: the node that owns its shard, and the other one."""
    a, b = await cluster.join("a", "b")
    await settle_shares(cluster)
    made = await cluster.webhook(**webhook)
    await cluster.tick()
    return (a, b, made) if made.shard in a.owned() else (b, a, made)


@pytest.mark.parametrize("ring_is_lost", [False, True])
async def test_send_again_at_another_node_is_done_by_the_owner(cluster: Cluster, ring_is_lost: bool) -> None:
    """One manual attempt, by that person, whether or not the ring arrives."""
    owner, other, _ = await owner_and_other(cluster, character=answer(413))
    published = await other.publish()
    await until(lambda: len(owner.sender.requests) == 1)
    await cluster.calm()
    assert await cluster.state(published) == "exhausted"
    cluster.sender.characters.update(dict.fromkeys(cluster.sender.characters, ok))
    cluster.wire.cut = ring_is_lost
    await other.engine.redeliver(SITE, published.delivery_ids[0], by="Ann Lee")
    with pytest.raises(Conflict):
        await other.engine.redeliver(SITE, published.delivery_ids[0], by="Ben")
    if ring_is_lost:
        await cluster.tick()
    await until(lambda: len(owner.sender.requests) == 2)
    await cluster.calm()
    assert not other.sender.requests
    attempts = await cluster.store.deliveries.attempts(SITE, published.delivery_ids[0])
    assert [(one.trigger.value, one.by) for one in attempts] == [("automatic", None), ("manual", "Ann Lee")]
    assert await cluster.state(published) == "delivered"
    assert await cluster.store.due.asked(9) == ()


async def test_send_again_of_what_the_owner_has_in_flight_waits_for_it(cluster: Cluster) -> None:
    """Never two requests of one delivery at once; the second comes when the first was answered."""
    owner, other, webhook = await owner_and_other(cluster, character=hang)
    published = await other.publish()
    await until(lambda: len(owner.sender.hanging) == 1)
    await other.engine.redeliver(SITE, published.delivery_ids[0], by="Ann Lee")
    await cluster.tick()
    assert len(cluster.sender.requests) == 1
    owner.sender.answer_hanging(answer(500)(PROBE))
    await cluster.tick()
    await until(lambda: len(owner.sender.hanging) == 1)
    assert owner.sender.most_at_once[url_of(webhook.id)] == 1
    owner.sender.answer_hanging(answer(200)(PROBE))
    await cluster.calm()
    attempts = await cluster.store.deliveries.attempts(SITE, published.delivery_ids[0])
    assert [one.trigger.value for one in attempts] == ["automatic", "manual"]


async def test_what_was_asked_for_survives_the_owner(cluster: Cluster) -> None:
    """The owner dies before it makes the attempt: the next one makes it."""
    owner, other, _ = await owner_and_other(cluster, character=answer(413))
    published = await other.publish()
    await until(lambda: len(owner.sender.requests) == 1)
    await cluster.calm()
    cluster.sender.characters.update(dict.fromkeys(cluster.sender.characters, ok))
    cluster.wire.cut = True
    await other.engine.redeliver(SITE, published.delivery_ids[0], by="Ann Lee")
    await cluster.kill(owner.name)
    await cluster.tick(8)
    await cluster.tick(8)
    await until(lambda: len(other.sender.requests) == 1)
    await cluster.calm()
    assert await cluster.state(published) == "delivered"


async def test_send_again_is_dropped_when_the_webhook_was_disabled_since(cluster: Cluster) -> None:
    """The owner judges by the settings of its time."""
    owner, other, webhook = await owner_and_other(cluster, character=answer(413))
    published = await other.publish()
    await until(lambda: len(owner.sender.requests) == 1)
    await cluster.calm()
    cluster.wire.cut = True
    await other.engine.redeliver(SITE, published.delivery_ids[0], by="Ann Lee")
    await cluster.change(webhook, state="disabled")
    await cluster.tick()
    assert len(cluster.sender.requests) == 1
    assert await cluster.store.due.asked(9) == ()


@pytest.mark.parametrize("ring_is_lost", [False, True])
async def test_a_test_at_another_node_is_sent_by_the_owner_even_when_paused(
    cluster: Cluster, ring_is_lost: bool
) -> None:
    """Whether or not the ring arrives."""
    owner, other, webhook = await owner_and_other(cluster, state="paused")
    cluster.wire.cut = ring_is_lost
    delivery_id = await other.engine.send_test(SITE, webhook.id, by=ANN)
    if ring_is_lost:
        await cluster.tick()
    await until(lambda: len(owner.sender.requests) == 1)
    await cluster.calm()
    (attempt,) = await cluster.store.deliveries.attempts(SITE, delivery_id)
    assert attempt.trigger == "test"
    assert await cluster.store.due.asked(9) == ()
    await cluster.tick(60)
    assert len(cluster.sender.requests) == 1


async def test_a_delivery_that_is_cancelled_at_another_node_is_not_sent(cluster: Cluster) -> None:
    """The owner forgets it."""
    owner, other, _ = await owner_and_other(cluster, character=in_turn(answer(500), ok))
    published = await other.publish()
    await until(lambda: len(owner.sender.requests) == 1)
    await cluster.calm()
    await other.engine.cancel(SITE, published.delivery_ids[0])
    await cluster.tick(60)
    assert len(cluster.sender.requests) == 1
    assert await cluster.state(published) == "cancelled"


class Load:
    """Events published all the time, at whatever node is there; remembers which were accepted."""

    def __init__(self, cluster: Cluster, chance: Random) -> None:
        self._cluster, self._chance = cluster, chance
        self.accepted: list[Published] = []
        self.of_subject: dict[str, list[str]] = {}  # events in the order in which they were accepted

    async def some(self, count: int) -> None:
        """Publish so many events."""
        for _ in range(count):
            node = self._cluster.nodes[self._chance.choice(sorted(self._cluster.nodes))]
            self._cluster.clock.advance(0.001)  # the order of events of one moment is that of nobody
            number = self._chance.randrange(3)
            subject = Subject(type="chat", id=f"c{number}", title="")
            self.accepted.append(await node.publish(subject=subject))
            self.of_subject.setdefault(subject.id, []).append(self.accepted[-1].event_ids[0])


@pytest.mark.parametrize("seed", range(8))
async def test_nodes_come_go_and_die_under_load_and_nothing_is_lost(cluster: Cluster, seed: int) -> None:
    """Every accepted event ends delivered, subjects in their order where that is wanted; what is sent twice has the
    same id and body; the shares end even."""
    chance = Random(seed)
    load, names = Load(cluster, chance), iter(f"n{number}" for number in range(99))
    await cluster.join(next(names), next(names))
    kinds = [{}] * 4 + [{"batch": Batch(events_max=3, wait_ms=3_000)}] * 4 + [{"ordered_by": "subject"}] * 4
    webhooks = [await cluster.webhook(character=unreliable(chance), **kind) for kind in kinds]
    await settle_shares(cluster)
    for _ in range(25):
        what = chance.choice(["join", "stop", "kill", "sleep", "tick", "tick", "cut"])
        some = chance.choice(sorted(cluster.nodes))
        cluster.wire.cut = what == "cut"
        await load.some(chance.randrange(4))
        if what == "join" and len(cluster.nodes) < 5:
            await cluster.join(next(names))
        elif what == "stop" and len(cluster.nodes) > 1:
            await cluster.stop(some)
        elif what == "kill" and len(cluster.nodes) > 1:
            await cluster.kill(some)
        await load.some(chance.randrange(4))
        await cluster.tick(chance.choice([0.5, 2, 5]), asleep=(some,) if what == "sleep" else ())
        for node in cluster.nodes.values():
            node.sender.answer_hanging(answer(chance.choice([200, 500]))(PROBE))
    cluster.wire.cut = False
    cluster.sender.characters.update(dict.fromkeys(cluster.sender.characters, ok))
    for _ in range(12):
        await cluster.tick(5)
        for node in cluster.nodes.values():
            node.sender.answer_hanging(answer(200)(PROBE))
    for _ in range(3):
        await cluster.tick(10_800)
        await settle_shares(cluster)

    sent: dict[str, set[bytes]] = {}
    for one in cluster.sender.requests:
        sent.setdefault(dict(one.headers)["webhook-id"], set()).add(one.body)
    assert all(len(bodies) == 1 for bodies in sent.values())
    rows = {one: await cluster.delivery(one) for one in {one for made in load.accepted for one in made.delivery_ids}}
    assert sent.keys() == rows.keys()
    assert {row.state.value for row in rows.values()} == {"delivered"}
    carried = Counter((row.webhook_id, event_id) for row in rows.values() for event_id in row.event_ids)
    assert carried == Counter((hook.id, one) for hook in webhooks for made in load.accepted for one in made.event_ids)
    first_sent = list(dict.fromkeys(dict(one.headers)["webhook-id"] for one in cluster.sender.requests))
    for hook in webhooks[8:]:
        sent_events = [rows[one].event_ids[0] for one in first_sent if rows[one].webhook_id == hook.id]
        for accepted in load.of_subject.values():
            assert [one for one in sent_events if one in accepted] == accepted
    counts = cluster.shares().values()
    assert sum(counts) == 256
    assert max(counts) - min(counts) <= 1


def unreliable(chance: Random) -> Character:
    """A receiver that answers well, badly, or not at all."""
    return lambda sendable: chance.choice([ok, ok, answer(500), hang])(sendable)
