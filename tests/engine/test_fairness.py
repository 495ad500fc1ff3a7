"""One receiver, or one site, is as slow as it likes: the others do not notice. Counted in attempts, not in time."""

import pytest

from deskbell.model.changes import Insert
from deskbell.model.draft import Draft
from deskbell.model.exchange import Reply, Stage
from deskbell.model.ids import SiteId
from deskbell.model.site import Site
from deskbell.rules.limits import Limits
from engine.world import KEY, SITE, hang, ok, until

HEALTHY = 50
WAITING = 5_000


async def flood(world, event_type, count, site=SITE, data=b"1"):
    """Publish so many events, a thousand at a time."""
    draft = Draft(type=event_type, by=KEY, occurred_at=world.clock.now(), data=data)
    for start in range(0, count, 1_000):
        await world.engine.publish(site, [draft] * min(1_000, count - start))


async def waves(world, healthy, count):
    """Publish to the healthy ones wave by wave; how many of each wave had started when the engine came to rest."""
    started = []
    for _ in range(count):
        before = len(world.sender.requests)
        await flood(world, "custom.well", 4)
        await world.quiet()
        started.append(sum(1 for one in world.sender.requests[before:] if one.url in healthy))
    return started


async def healthy_ones(world):
    """Fifty webhooks whose receivers answer at once; their URLs."""
    made = [await world.webhook("custom.well") for _ in range(HEALTHY)]
    await flood(world, "custom.well", 1)
    await until(lambda: len(world.sender.requests) == HEALTHY)
    return {world.sender.to(one)[0].url for one in made}


async def test_a_hanging_receiver_with_five_thousand_waiting_is_noticed_by_nobody(world):
    """Fifty healthy webhooks start every attempt at once, as without it; it holds twenty slots and little memory."""
    healthy = await healthy_ones(world)
    baseline = await waves(world, healthy, 3)
    slow = await world.webhook("custom.slow", character=hang)
    await flood(world, "custom.slow", WAITING)
    await until(lambda: len(world.sender.hanging) == world.limits.in_flight_per_webhook)
    assert await waves(world, healthy, 10) == [4 * HEALTHY] * 10
    assert baseline == [4 * HEALTHY] * 3
    assert len(world.sender.to(slow)) == world.limits.in_flight_per_webhook
    assert world.engine.counters().in_memory <= world.limits.in_memory_deliveries // 10
    world.sender.answer_hanging(Reply(stage=Stage.WAIT, fault="timeout"))  # five in a row open its breaker
    await world.advance(10)
    assert await waves(world, healthy, 3) == [4 * HEALTHY] * 3
    assert len(world.sender.to(slow)) == world.limits.in_flight_per_webhook


async def other_site(world):
    """Another site of the same process."""
    site = SiteId("other")
    await world.commit(Insert(row=Site(site=site, name="Other", created_at=world.clock.now())))
    return site


class TestKeptSlots:
    """Forty slots: ten are a site's share, five are kept for who holds less."""

    @pytest.fixture
    def limits(self) -> Limits:
        """As said."""
        return Limits(in_flight_max=40, in_flight_per_webhook=20)

    async def test_slots_are_kept_for_a_site_that_comes_late(self, world):
        """Another site has filled every slot that it may with receivers that hang: the newcomer is sent to at once."""
        for _ in range(4):
            await world.webhook("custom.n", character=hang)
        other = await other_site(world)
        late = await world.webhook("custom.n", site=other)
        await flood(world, "custom.n", 50)
        await until(lambda: len(world.sender.hanging) == 35)
        await world.quiet()
        for count in (1, 2, 3):
            await flood(world, "custom.n", 1, site=other)
            await until(lambda count=count: len(world.sender.to(late)) == count)
        assert len(world.sender.hanging) == 35


class TestBytes:
    """A few slots that everybody wants."""

    @pytest.fixture
    def limits(self) -> Limits:
        """Eight of them."""
        return Limits(in_flight_max=8, in_flight_per_webhook=8)

    async def test_large_payloads_of_one_site_let_small_ones_of_another_pass(self, world):
        """A payload of 200 kB costs thirteen turns: several small ones go between two of them."""
        other = await other_site(world)
        blockers = [await world.webhook("custom.block", character=hang, site=site) for site in (SITE, other)]
        await flood(world, "custom.block", 7)
        await flood(world, "custom.block", 1, site=other)
        await until(lambda: len(world.sender.hanging) == 8)
        await world.webhook("custom.n")
        await world.webhook("custom.n", site=other)
        await flood(world, "custom.n", 20, data=b'"' + b"x" * 200_000 + b'"')
        await flood(world, "custom.n", 200, site=other)
        for blocker in blockers:
            world.sender.characters[world.sender.to(blocker)[0].url] = ok
        begun = len(world.sender.requests)
        world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
        await until(lambda: len(world.sender.requests) >= begun + 50)
        sites = [one.site for one in world.sender.requests[begun : begun + 50]]
        assert 3 <= sites.count(SITE) <= 9  # plain turns would give it twenty
