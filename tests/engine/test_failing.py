"""A receiver that fails for days: warnings, disabling, recovery, each told in the unit of what it tells."""

import json

import pytest

from deskbell.model.exchange import Reply, Stage, Timing
from engine.world import SITE, answer, fault, in_turn, ok, until

HOURLY = (3_600,) * 40


async def failing_for(world, character, days, **settings):
    """A webhook that is tried for so many days, and one that is told."""
    webhook = await world.webhook("custom.*", character=character, retry_schedule_s=HOURLY, **settings)
    listener = await world.webhook("webhook.*")
    await steps(world, days * 6)
    return webhook, listener


async def steps(world, count):
    """Publish and let four hours pass, so many times."""
    for _ in range(count):
        await world.publish()
        await world.advance(4 * 3_600)


def told(world, listener):
    """What the listener was told: type, reason, state of the webhook."""
    found = [json.loads(one.body)[0] for one in world.sender.to(listener)]
    return [(one["meta"]["eventType"], one["reason"], one["webhook"]["state"]) for one in found]


async def test_two_warnings_then_disabled(world):
    """After a day and three days it is told; after five days the webhook is disabled and its queue held."""
    webhook, listener = await failing_for(world, answer(503), 4)
    assert told(world, listener) == [
        ("webhook.failing", "no success for 24 h, last outcome http_503", "enabled"),
        ("webhook.failing", "no success for 72 h, last outcome http_503", "enabled"),
    ]
    await steps(world, 7)
    await until(lambda: len(world.sender.to(listener)) == 3)
    assert told(world, listener)[2] == ("webhook.disabled", "no success for 5 days, last outcome http_503", "disabled")
    now = await world.store.webhooks.get(SITE, webhook.id)
    assert (now.state, now.state_by.name, now.state_reason) == (
        "disabled",
        "system",
        "no success for 5 days, last outcome http_503",
    )
    sent = len(world.sender.to(webhook))
    await steps(world, 1)
    assert len(world.sender.to(webhook)) == sent
    audit = (await world.store.audit.page(SITE, None, 1))[0].entry
    assert (audit.operation, audit.reason) == ("webhook.disable", now.state_reason)


async def test_first_success_after_a_warning_is_told(world):
    """Whoever was warned hears that it is over; the next failures start anew."""
    webhook, listener = await failing_for(world, answer(503), 2)
    world.sender.characters[world.sender.to(webhook)[0].url] = ok
    await steps(world, 1)
    await until(lambda: len(world.sender.to(listener)) == 2)
    kind, reason, _ = told(world, listener)[1]
    assert (kind, reason) == ("webhook.recovered", "a delivery arrived again after 48 h without success")
    assert world.engine.health(webhook).failing.since is None


async def test_short_failures_are_not_told(world):
    """A receiver that was away for an hour is nobody's news."""
    _, listener = await failing_for(world, in_turn(*[answer(503)] * 5, ok), 1)
    assert world.sender.to(listener) == []


async def test_one_event_that_the_receiver_refuses_disables_nobody(world):
    """Ten failed attempts, five days, but one event only."""
    webhook = await world.webhook("custom.*", character=answer(400), retry_schedule_s=HOURLY)
    await world.publish()
    for _ in range(40):
        await world.advance(4 * 3_600)
    assert len(world.sender.to(webhook)) > 30
    assert (await world.store.webhooks.get(SITE, webhook.id)).state == "enabled"


@pytest.mark.parametrize("character", [answer(429), answer(413)])
async def test_what_is_not_the_receivers_fault_disables_nobody(world, character):
    """Requests to wait and refused payloads, for six days."""
    webhook, listener = await failing_for(world, character, 6)
    assert (await world.store.webhooks.get(SITE, webhook.id)).state == "enabled"
    assert [one for one in told(world, listener) if one[0] != "delivery.exhausted"] == []


async def test_an_outage_of_all_look_ups_disables_nobody(world):
    """While no name at all can be looked up, no receiver is to blame."""
    webhook, listener = await failing_for(world, fault("dns_timeout", Stage.RESOLVE), 6)
    assert (await world.store.webhooks.get(SITE, webhook.id)).state == "enabled"
    assert (told(world, listener), world.engine.health(webhook).failing.since) == ([], None)


async def test_a_dead_name_among_living_ones_is_disabled(world):
    """Another webhook's name is looked up all the time: this name is the receiver's fault."""

    def looked_up(sendable):
        return Reply(stage=Stage.READ, status=200, timing=Timing(resolve_ms=3.0, total_ms=9.0))

    await world.webhook("custom.*", character=looked_up)
    webhook, listener = await failing_for(world, fault("dns_error", Stage.RESOLVE), 6)
    assert (await world.store.webhooks.get(SITE, webhook.id)).state == "disabled"
    assert told(world, listener)[-1][0] == "webhook.disabled"


async def test_webhook_hears_nothing_of_itself(world):
    """Who listens to everything of Deskbell's own is never told of its own failing."""
    both = await world.webhook("custom.*", "webhook.*", character=answer(503), retry_schedule_s=HOURLY)
    await steps(world, 36)
    assert (await world.store.webhooks.get(SITE, both.id)).state == "disabled"
    assert all(b'"webhook.' not in one.body for one in world.sender.to(both))


async def test_nobody_listens_and_it_is_disabled_all_the_same(world):
    """The rule does not need an audience."""
    webhook = await world.webhook("custom.*", character=answer(503), retry_schedule_s=HOURLY)
    await steps(world, 31)
    await world.quiet()
    assert (await world.store.webhooks.get(SITE, webhook.id)).state == "disabled"


async def test_enabled_again_it_has_another_five_days(world):
    """The first failure after a person enabled it does not disable it at once."""
    webhook, _ = await failing_for(world, answer(503), 6)
    later = world.clock.now()
    await world.change(webhook, state="enabled", state_at=later)
    await steps(world, 6)
    assert (await world.store.webhooks.get(SITE, webhook.id)).state == "enabled"


async def test_counting_goes_on_after_a_restart(world):
    """How long it lasts is stored with the settles."""
    webhook, listener = await failing_for(world, answer(503), 3)
    await world.engine.stop(1)
    await world.new_engine().start()
    await steps(world, 13)
    await until(lambda: told(world, listener)[-1][0] == "webhook.disabled")
    assert len(told(world, listener)) == 3
    assert (await world.store.webhooks.get(SITE, webhook.id)).state == "disabled"
