"""Every outcome of the delivery table, from the receiver's answer to what is stored and when it goes on."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from deskbell.model.changes import Overwrite
from deskbell.model.exchange import Reply, Stage
from deskbell.model.instant import plus
from deskbell.receivers import KINDS
from deskbell.rules.limits import RETRY_SCHEDULE_S
from engine.world import SITE, answer, fault, hang, in_turn, ok, until

FAILURES = [
    (answer(301, location="https://new.example.com/"), "redirect"),
    (answer(304), "http_304"),
    (answer(400), "http_400"),
    (answer(404), "http_404"),
    (answer(500), "http_500"),
    (answer(503), "http_503"),
    (fault("dns_nxdomain"), "dns_nxdomain"),
    (fault("blocked", Stage.VET), "blocked"),
    (fault("connection_refused"), "connection_refused"),
    (fault("tls_expired"), "tls_expired"),
    (fault("timeout"), "timeout"),
    (fault("protocol_error"), "protocol_error"),
]


@pytest.mark.parametrize(("character", "name"), FAILURES, ids=[name for _, name in FAILURES])
async def test_failure_is_retried_on_schedule(world, character, name):
    """A failure waits for the first step of the schedule and keeps its name."""
    await world.webhook("custom.*", character=character)
    published = await world.publish()
    await world.quiet()
    delivery = await world.delivery(published.delivery_ids[0])
    assert (delivery.state, delivery.last_outcome, delivery.step) == ("waiting", name, 1)
    assert delivery.due_at == plus(world.clock.now(), RETRY_SCHEDULE_S[0])


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_delivered(world, status):
    """Every 2xx ends the delivery well."""
    await world.webhook("custom.*", character=answer(status))
    published = await world.publish()
    await world.quiet()
    assert await world.state(published) == "delivered"


async def test_whole_schedule_then_exhausted(world):
    """Twelve attempts at the times of the schedule, never earlier, then the delivery is exhausted."""
    webhook = await world.webhook("custom.*", character=answer(500))
    published = await world.publish()
    await world.quiet()
    for number, wait_s in enumerate(RETRY_SCHEDULE_S, start=1):
        await world.advance(wait_s - 0.5)
        assert len(world.sender.to(webhook)) == number
        await world.advance(0.5)
        assert len(world.sender.to(webhook)) == number + 1
    assert await world.state(published) == "exhausted"
    await world.advance(86_400)
    assert len(world.sender.to(webhook)) == len(RETRY_SCHEDULE_S) + 1


async def test_own_schedule_without_steps(world):
    """A webhook whose schedule is empty tries once."""
    await world.webhook("custom.*", character=answer(500), retry_schedule_s=())
    published = await world.publish()
    await world.quiet()
    assert await world.state(published) == "exhausted"


async def test_413_is_exhausted_at_once(world):
    """A payload that is too large for the receiver is not sent again."""
    await world.webhook("custom.*", character=answer(413))
    published = await world.publish()
    await world.quiet()
    delivery = await world.delivery(published.delivery_ids[0])
    assert (delivery.state, delivery.last_outcome) == ("exhausted", "http_413")


async def test_payload_over_the_own_limit_is_refused_unsent(world):
    """A payload over the webhook's limit is exhausted with a record and without a request."""
    await world.webhook("custom.*", payload_bytes_max=100)
    published = await world.publish(data=b'"' + b"x" * 200 + b'"')
    await world.quiet()
    delivery = await world.delivery(published.delivery_ids[0])
    assert (delivery.state, delivery.last_outcome, delivery.attempts) == ("exhausted", "too_large", 1)
    assert world.sender.requests == []


@pytest.mark.parametrize(("status", "asked", "wait_s"), [(429, "120", 120), (503, "30", 30), (429, "1", 5)])
async def test_throttled_webhook_waits_as_a_whole(world, status, asked, wait_s):
    """Retry-After holds every delivery of the webhook for the longer of schedule and wish, and blames nobody."""
    webhook = await world.webhook("custom.*", character=in_turn(answer(status, retry_after=asked), ok))
    first = await world.publish()
    await world.quiet()
    second = await world.publish()
    await world.quiet()
    assert len(world.sender.to(webhook)) == 1
    health = world.engine.health(webhook)
    assert (health.failures_in_row, health.throttled_until) == (0, plus(world.clock.now(), wait_s))
    await world.advance(wait_s - 0.5)
    assert len(world.sender.to(webhook)) == 1
    await world.advance(0.5)
    assert [await world.state(one) for one in (first, second)] == ["delivered", "delivered"]
    assert (await world.delivery(first.delivery_ids[0])).step == 2


async def test_throttling_is_remembered_over_a_restart(world):
    """A pause that the receiver asked for outlives the process."""
    webhook = await world.webhook("custom.*", character=in_turn(answer(429, retry_after="600"), ok))
    await world.publish()
    await world.quiet()
    await world.engine.stop(1)
    await world.new_engine().start()
    await world.publish()
    await world.advance(300)
    assert len(world.sender.to(webhook)) == 1


async def test_410_disables_and_holds(world):
    """410 disables the webhook at once, holds its queue, records who did it, and tells who listens."""
    gone = await world.webhook("custom.*", character=answer(410))
    listener = await world.webhook("webhook.*")
    published = await world.publish()
    await world.quiet()
    await until(lambda: len(world.sender.to(listener)) == 1)
    await world.quiet()
    webhook = await world.store.webhooks.get(SITE, gone.id)
    assert (webhook.state, webhook.version) == ("disabled", 2)
    assert "410" in webhook.state_reason
    assert await world.state(published) == "waiting"
    assert (await world.store.audit.page(SITE, None, 1))[0].entry.operation == "webhook.disable"
    assert b'"webhook.disabled"' in world.sender.to(listener)[0].body
    later = await world.publish()
    assert later.delivery_ids == ()
    await world.advance(100_000)
    assert len(world.sender.to(gone)) == 1


async def test_enabled_again_the_held_delivery_goes_on(world):
    """When a disabled webhook is enabled, what was held is sent."""
    gone = await world.webhook("custom.*", character=in_turn(answer(410), ok))
    published = await world.publish()
    await until(lambda: world.engine.counters().attempts.get("gone") == 1)
    await world.quiet()
    webhook = await world.store.webhooks.get(SITE, gone.id)
    await world.change(webhook, state="enabled")
    await until(lambda: len(world.sender.to(gone)) == 2)
    await world.quiet()
    assert await world.state(published) == "delivered"


async def test_our_own_fault_is_quarantined_after_three(world, monkeypatch):
    """A payload that we cannot build is tried three times, then set aside; others flow."""
    await world.webhook("custom.*", kind="forgotten")
    other = await world.webhook("custom.*")
    published = await world.publish()
    await world.quiet()
    poison = next(one for one in published.delivery_ids if (world.sender.headers(0)["webhook-id"]) != one)
    await world.advance(5)
    assert (await world.delivery(poison)).state == "waiting"
    await world.advance(30)
    delivery = await world.delivery(poison)
    assert (delivery.state, delivery.last_outcome, delivery.attempts) == ("exhausted", "quarantined", 3)
    assert len(world.sender.to(other)) == 1


async def test_renderer_that_raises_is_quarantined_and_told_and_sent_after_the_repair(world, monkeypatch):
    """Three faults, one alarm in the log; once the program is mended one click sends it, with its own id."""
    webhook = await world.webhook("custom.*")
    monkeypatch.setattr(type(KINDS["generic"]), "render", raises)
    with capture_logs() as lines:
        published = await world.publish()
        await world.quiet()
        for seconds in (5, 30):
            await world.advance(seconds)
        alarms = [one for one in lines if one["event"] == "delivery.quarantined"]
    delivery = await world.delivery(published.delivery_ids[0])
    assert (delivery.state, delivery.last_outcome, delivery.attempts) == ("exhausted", "quarantined", 3)
    assert [(one["log_level"], one["delivery"]) for one in alarms] == [("error", delivery.id)]
    assert world.engine.health(webhook).failures_in_row == 0
    monkeypatch.undo()
    await world.engine.redeliver(SITE, delivery.id, by="Ann Lee")
    await until(lambda: len(world.sender.to(webhook)) == 1)
    await world.quiet()
    assert (await world.state(published), world.sender.headers()["webhook-id"]) == ("delivered", delivery.id)


def raises(*_):
    """A bug."""
    raise RuntimeError("not to be rendered")


async def test_unreadable_secret_concerns_its_webhook_alone(world):
    """A secret that does not decrypt is a fault of ours on that webhook's deliveries; nothing is sent unsigned."""
    broken = await world.webhook("custom.*")
    other = await world.webhook("custom.*")
    (secret,) = await world.store.webhooks.secrets(SITE, broken.id)

    await world.commit(Overwrite(row=replace(secret, sealed=secret.sealed[:-1] + b"?")))
    world.engine.webhook_changed(SITE, broken.id)
    await world.publish()
    await world.quiet()
    assert (len(world.sender.to(broken)), len(world.sender.to(other))) == (0, 1)


async def test_exhausted_delivery_is_told(world):
    """`delivery.exhausted` reaches who listens, with the delivery's facts; its own failure tells nobody."""
    await world.webhook("custom.*", character=answer(413))
    listener = await world.webhook("delivery.exhausted", character=answer(413))
    published = await world.publish()
    await until(lambda: len(world.sender.to(listener)) == 1)
    await world.quiet()
    assert published.delivery_ids[0].encode() in world.sender.to(listener)[0].body
    assert world.engine.counters().events == 2


async def test_webhook_is_not_told_about_itself(world):
    """A webhook that listens to everything of Deskbell's own never hears of its own exhausted deliveries."""
    both = await world.webhook("custom.*", "delivery.exhausted", character=answer(413))
    await world.publish()
    await world.quiet()
    assert len(world.sender.to(both)) == 1
    assert world.engine.counters().events == 1


async def test_failures_in_a_row_are_counted_and_forgotten(world):
    """Health counts failures in a row and starts anew at a success."""
    webhook = await world.webhook("custom.*", character=in_turn(answer(500), answer(502), ok))
    await world.publish()
    await world.quiet()
    since = world.clock.now()
    await world.advance(5)
    health = world.engine.health(webhook)
    assert (health.failures_in_row, health.first_failure_at, health.last_outcome) == (2, since, "http_502")
    await world.advance(30)
    health = world.engine.health(webhook)
    assert (health.failures_in_row, health.first_failure_at, health.last_status) == (0, None, 200)


async def test_response_is_recorded_cut_and_without_secrets(world):
    """What the receiver answered is kept to the limit, and an echoed secret is taken out."""

    def echo(sendable):
        text = next(iter(world.secrets.values()))
        return Reply(stage=Stage.READ, status=500, body=text.encode() + b"x" * 20_000, address="192.0.2.1")

    await world.webhook("custom.*", character=echo)
    published = await world.publish()
    await world.quiet()
    (attempt,) = await world.store.deliveries.attempts(SITE, published.delivery_ids[0])
    assert len(attempt.response_body) <= world.limits.response_bytes_stored
    assert attempt.response_truncated
    assert next(iter(world.secrets.values())).encode() not in attempt.response_body
    assert attempt.address == "192.0.2.1"


async def test_hanging_receiver_holds_only_its_slots(world):
    """A receiver that never answers holds its own slots; every other webhook goes on."""
    slow = await world.webhook("custom.*", character=hang)
    healthy = [await world.webhook("custom.*") for _ in range(3)]
    for _ in range(30):
        await world.publish()
    await until(lambda: [len(world.sender.to(one)) for one in healthy] == [30, 30, 30])
    assert len(world.sender.to(slow)) == world.limits.in_flight_per_webhook
    world.sender.characters[world.sender.hanging[0][0].url] = ok
    world.sender.answer_hanging(Reply(stage=Stage.READ, status=200))
    await until(lambda: len(world.sender.to(slow)) == 30)
