"""Row 14: many receivers are down for two hours of simulated time and come back at once: nobody is run over."""

import os
from collections import Counter, defaultdict

import pytest

from deskbell.model.draft import Draft
from deskbell.model.exchange import Reply, Stage
from deskbell.rules.limits import Limits
from engine.world import KEY, SITE, fault, hang, ok
from faults.report import reported

WEBHOOKS = int(os.environ.get("DESKBELL_TEST_HERD", "3"))
BACKLOG = 400  # of each: a twentieth is as many as may be in flight
DOWN_S, STEP_S = 7_200, 300.0
LOOK_S = 0.5
RAMP = (1, 1, 1, 2, 4, 8, 16)  # two probes, then closed: one, two, four … at once
DOWN = fault("connection_refused")


@pytest.fixture
def limits() -> Limits:
    """A receiver that is back is asked within a minute."""
    return Limits(breaker_open_s_max=60.0)


async def fallen(world):
    """So many webhooks whose receivers are down, each with a backlog, two hours later; their URLs."""
    hooks = [await world.webhook("custom.n", character=DOWN) for _ in range(WEBHOOKS)]
    draft = Draft(type="custom.n", by=KEY, occurred_at=world.clock.now(), data=b"1")
    await world.engine.publish(SITE, [draft] * BACKLOG)
    for _ in range(int(DOWN_S / STEP_S)):
        await world.advance(STEP_S)
    urls = {world.sender.to(one)[0].url for one in hooks}
    assert len(urls) == WEBHOOKS
    return urls


def behave(world, urls, character):
    """All receivers behave like this from now on."""
    for url in urls:
        world.sender.characters[url] = character


async def test_all_back_at_once(world):
    """Each is asked with one, loaded step by step, and gets at most a twentieth of its backlog in any second."""
    with reported(14, "recovery herd") as figures:
        urls = await fallen(world)
        behave(world, urls, hang)
        waves, seconds = await drained(world, urls)
        for url in urls:
            ramp = waves[url][: len(RAMP)]
            assert ramp[:2] == [1, 1]
            assert all(wave <= most for wave, most in zip(ramp, RAMP, strict=False)), ramp
        worst = max(max(sent) for sent in seconds.values())
        assert worst <= BACKLOG / 20
        sent = Counter(one.url for one in world.sender.requests)
        assert len(sent) == WEBHOOKS
        behave(world, urls, ok)
        counted = world.engine.counters().attempts.get("delivered")
        assert counted == WEBHOOKS * BACKLOG
        figures |= {"acknowledged": counted, "lost": 0, "webhooks": WEBHOOKS, "in_a_second_max": worst}


async def drained(world, urls):
    """Answer everything after half a second, until all is delivered: how many were in flight, and came in each second.

    By URL; the waves are those in which something was sent.
    """
    waves, seconds = defaultdict(list), defaultdict(list)
    since, last = Counter(one.url for one in world.sender.requests), Counter()
    steps = 0
    while world.engine.counters().attempts.get("delivered", 0) < len(urls) * BACKLOG:
        await world.advance(LOOK_S)
        for url, count in Counter(sendable.url for sendable, _ in world.sender.hanging).items():
            waves[url].append(count)
        world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
        await world.quiet()
        now = Counter(one.url for one in world.sender.requests)
        for url in urls:
            half = now[url] - since[url]
            seconds[url].append(half + last[url])
            last[url] = half
        since = now
        steps += 1
        assert steps < 4_000
    return waves, seconds
