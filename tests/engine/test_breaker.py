"""The breaker at work: a failing receiver is left in peace, asked with one delivery, and loaded step by step."""

import pytest

from deskbell.model.draft import Draft
from deskbell.model.exchange import Reply, Stage
from deskbell.model.instant import plus
from deskbell.model.webhook import WebhookState
from deskbell.rules.sealing import aad_field
from engine.world import ANN, KEY, SITE, answer, fault, hang, in_turn, ok, until

DOWN = fault("connection_refused")


async def opened(world, character=DOWN, **settings):
    """A webhook whose breaker is open after five deliveries failed, and what was published."""
    webhook = await world.webhook("custom.*", character=character, **settings)
    published = [await world.publish() for _ in range(5)]
    await world.quiet()
    return webhook, published


def behave(world, webhook, character):
    """The receiver behaves like this from now on."""
    world.sender.characters[world.sender.to(webhook)[0].url] = character


async def test_open_nothing_is_sent_and_no_step_is_used(world):
    """Five failures in a row open it; what comes in and what falls due waits, without an attempt."""
    webhook, published = await opened(world)
    assert world.engine.health(webhook).breaker_until == plus(world.clock.now(), 30)
    late = await world.publish()
    await world.advance(29)
    assert len(world.sender.to(webhook)) == 5
    steps = [(await world.delivery(one.delivery_ids[0])).step for one in (*published, late)]
    assert steps == [1, 1, 1, 1, 1, 0]


async def test_one_probe_then_twice_as_long(world):
    """After the wait one delivery goes; it fails, and the next goes after a minute."""
    webhook, _ = await opened(world, retry_schedule_s=(5, 30, 120, 600))
    await world.advance(30)
    assert len(world.sender.to(webhook)) == 6
    await world.advance(59)
    assert len(world.sender.to(webhook)) == 6
    await world.advance(1)
    assert len(world.sender.to(webhook)) == 7


async def test_a_probe_that_hangs_is_alone(world):
    """While the probe is on its way nothing else is sent."""
    webhook, _ = await opened(world)
    behave(world, webhook, hang)
    await world.advance(30)
    await world.publish()
    await world.advance(10)
    assert len(world.sender.hanging) == 1
    world.sender.answer_hanging(Reply(stage=Stage.WAIT, fault="timeout"))
    await world.advance(59)
    assert (len(world.sender.to(webhook)), len(world.sender.hanging)) == (6, 0)


async def test_back_again_everything_is_delivered_step_by_step(world):
    """Two successes close it; then 1, 2, 4 … are in flight until all is delivered."""
    webhook, published = await opened(world)
    more = [await world.publish() for _ in range(60)]
    waves = []

    def slow(sendable):
        return None

    behave(world, webhook, slow)
    await world.advance(30)
    while world.sender.hanging:
        waves.append(len(world.sender.hanging))
        world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
        await world.advance(1)
    assert waves[:6] == [1, 1, 1, 2, 4, 8]
    assert max(waves) <= world.limits.in_flight_per_webhook
    await world.quiet()
    assert [await world.state(one) for one in (*published, *more)] == ["delivered"] * 65
    assert world.engine.health(webhook).breaker_until is None


async def test_back_again_a_long_queue_is_sent_over_most_of_a_minute(world):
    """A receiver that was away with a thousand waiting gets at most a twentieth of them in any second."""
    webhook, _ = await opened(world)
    draft = Draft(type="custom.order", by=KEY, occurred_at=world.clock.now(), data=b"1")
    await world.engine.publish(SITE, [draft] * 1_000)
    behave(world, webhook, ok)
    await world.advance(30)
    sent = [len(world.sender.to(webhook))]
    while len(world.sender.requests) < 1_010:
        await world.advance(0.5)
        sent.append(len(world.sender.requests))
        assert len(sent) < 100
    in_a_second = [later - earlier for earlier, later in zip(sent, sent[2:], strict=False)]
    assert max(in_a_second) <= 1_005 / 20
    assert 50 <= len(sent) <= 85


async def test_send_now_is_not_held_and_its_success_counts(world):
    """A person sends one: it goes at once, arrives, and the others need not wait out the time."""
    webhook, published = await opened(world)
    behave(world, webhook, ok)
    await world.advance(6)
    await world.engine.redeliver(SITE, published[0].delivery_ids[0], by="Ann Lee")
    await world.quiet()
    assert [await world.state(one) for one in published] == ["delivered"] * 5


async def test_a_failed_send_now_changes_nothing(world):
    """It goes at once too, fails, and makes the wait neither longer nor shorter."""
    webhook, published = await opened(world)
    before = world.engine.health(webhook).breaker
    await world.advance(6)
    await world.engine.redeliver(SITE, published[0].delivery_ids[0], by="Ann Lee")
    await world.quiet()
    assert len(world.sender.to(webhook)) == 6
    assert world.engine.health(webhook).breaker == before


async def test_a_test_is_not_held_and_its_success_counts(world):
    """*Send test event* that arrives is the first of the two successes; health says nothing else of it."""
    webhook, published = await opened(world)
    behave(world, webhook, ok)
    await world.advance(6)
    failures = world.engine.health(webhook).failures_in_row
    await world.engine.send_test(SITE, webhook.id, by=ANN)
    await until(lambda: len(world.sender.to(webhook)) == 11)
    await world.quiet()
    assert [await world.state(one) for one in published] == ["delivered"] * 5
    assert failures == 5


@pytest.mark.parametrize("status", [429, 413])
async def test_what_counts_neither_way_opens_nothing(world, status):
    """A request to wait and a refused payload say nothing about whether the receiver is well."""
    webhook = await world.webhook("custom.*", character=answer(status))
    for _ in range(7):
        await world.publish()
        await world.quiet()
        await world.advance(6)
    assert len(world.sender.to(webhook)) >= 7
    assert world.engine.health(webhook).breaker_until is None


async def test_another_process_goes_on_with_it(world):
    """The state is stored with the settles: after a restart the receiver is still left in peace, then asked once."""
    webhook, _ = await opened(world)
    await world.engine.stop(1)
    await world.new_engine().start()
    await world.advance(20)
    assert len(world.sender.to(webhook)) == 5
    await world.advance(10)
    assert len(world.sender.to(webhook)) == 6
    health = world.engine.health(webhook)
    assert (health.breaker.opened, health.breaker_until) == (2, plus(world.clock.now(), 60))


async def test_other_webhooks_do_not_notice(world):
    """The breaker is of one webhook."""
    await opened(world)
    other = await world.webhook("custom.*")
    await world.publish()
    await world.quiet()
    assert len(world.sender.to(other)) == 1


async def test_enabled_by_a_person_it_starts_anew(world):
    """Who disables and enables a webhook says that it works again: nothing waits for the old breaker."""
    webhook, _ = await opened(world)
    await world.change(webhook, state=WebhookState.DISABLED, state_at=world.clock.now())
    await world.quiet()
    world.clock.advance(10)
    behave(world, webhook, ok)
    await world.change(webhook, state=WebhookState.ENABLED, state_at=world.clock.now())
    await until(lambda: len(world.sender.to(webhook)) == 10)


async def test_a_replaced_url_does_not_wait_for_the_old_one(world):
    """The new receiver has failed nobody."""
    webhook, _ = await opened(world)
    other = await world.webhook("chat.*")
    text = world.keyring.open(other.receiver_url.sealed, aad_field(SITE, other.id, "receiver_url"))
    sealed = world.keyring.seal(text, aad_field(SITE, webhook.id, "receiver_url"), b"v" * 12)
    url = type(webhook.receiver_url)(sealed=sealed, masked="https://…", host="new", fingerprint="new")
    await world.change(webhook, receiver_url=url)
    await world.advance(6)
    assert len(world.sender.to(other)) == 5
    now = await world.store.webhooks.get(SITE, webhook.id)
    assert world.engine.health(now).failures_in_row == 0


async def test_half_of_many_attempts_open_it_too(world):
    """A receiver that fails every other time is left in peace after twenty attempts."""
    webhook = await world.webhook("custom.*", character=in_turn(*[ok, DOWN] * 12))
    for _ in range(24):
        await world.publish()
        await world.quiet()
    assert len(world.sender.to(webhook)) == 20
