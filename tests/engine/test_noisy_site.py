"""Row 13: one site publishes a hundred thousand at once; the others are served all the same. Counted, not timed."""

import os
from collections import Counter

import pytest

from deskbell.model.changes import Insert
from deskbell.model.exchange import Reply, Stage
from deskbell.model.ids import SiteId
from deskbell.model.site import Site
from deskbell.rules.limits import Limits
from engine.test_fairness import flood
from engine.world import SITE, hang, ok, until
from faults.report import reported

AT_ONCE = int(os.environ.get("DESKBELL_TEST_NOISY_EVENTS", "2000"))
WEBHOOKS = 8  # of the noisy site
FIRST = 600  # of the starts, among which shares are counted
SINGLES = 20
LIMIT_S = 300.0


@pytest.fixture
def limits() -> Limits:
    """Few slots, so that they are wanted."""
    return Limits(in_flight_max=40, in_flight_per_webhook=20)


async def test_one_event_each_of_a_quiet_site(world):
    """While the noisy one drains, each single event of another site starts before as many others as there are slots."""
    with reported(13, "noisy site: a quiet one's events") as figures:
        for _ in range(WEBHOOKS):
            await world.webhook("custom.n")
        other = await named(world, "other")
        quiet = await world.webhook("custom.n", site=other)
        await flood(world, "custom.n", AT_ONCE // WEBHOOKS)
        passed = []
        for count in range(1, SINGLES + 1):
            before = len(world.sender.requests)
            await flood(world, "custom.n", 1, site=other)
            await until(lambda count=count: len(world.sender.to(quiet)) == count, LIMIT_S)
            place = world.sender.requests.index(world.sender.to(quiet)[-1], before)
            passed.append(place - before)
        await until(lambda: len(world.sender.requests) >= AT_ONCE // WEBHOOKS * WEBHOOKS + SINGLES, LIMIT_S)
        await world.quiet()
        assert len(world.sender.requests) == AT_ONCE // WEBHOOKS * WEBHOOKS + SINGLES
        figures |= {"acknowledged": len(world.sender.requests), "lost": 0, "starts_before_it_max": max(passed)}


@pytest.mark.parametrize("sites", [2, 3])
async def test_shares_of_sites_that_all_have_much(world, sites):
    """A site with eight webhooks and a site with one get the same number of starts, within a fifth."""
    with reported(13, f"noisy site: shares of {sites} sites") as figures:
        names = [SITE, *[await named(world, f"other{n}") for n in range(1, sites)]]
        blockers = [await world.webhook("custom.block", character=hang, site=name) for name in names]
        for name in names:
            await flood(world, "custom.block", 20, site=name)
        await until(lambda: len(world.sender.hanging) >= 35, LIMIT_S)
        for _ in range(WEBHOOKS):
            await world.webhook("custom.n")
        await flood(world, "custom.n", max(FIRST, AT_ONCE // WEBHOOKS))
        for name in names[1:]:
            await world.webhook("custom.n", site=name)
            await flood(world, "custom.n", FIRST, site=name)
        for blocker in blockers:
            world.sender.characters[world.sender.to(blocker)[0].url] = ok
        begun = len(world.sender.requests)
        world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
        await until(lambda: len(world.sender.requests) >= begun + FIRST, LIMIT_S)
        counts = Counter(one.site for one in world.sender.requests[begun : begun + FIRST])
        fair = FIRST / sites
        assert {name: 0.8 * fair <= counts[name] <= 1.2 * fair for name in names} == dict.fromkeys(names, True), counts
        figures["share_least"] = round(min(counts.values()) / fair, 3)
        figures["share_most"] = round(max(counts.values()) / fair, 3)


async def named(world, name) -> SiteId:
    """Another site of this name."""
    site = SiteId(name)
    await world.commit(Insert(row=Site(site=site, name=name, created_at=world.clock.now())))
    return site
