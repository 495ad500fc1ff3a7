"""From accept to settle: what is sent, what is stored, and what the receiver can rely on."""

import base64
import hashlib
import hmac
import json

from deskbell.model.changes import Replace
from deskbell.model.draft import Draft
from deskbell.model.event import Subject
from deskbell.model.instant import from_seconds, plus
from deskbell.model.webhook import Format, SignatureSettings
from engine.world import KEY, SITE, answer, in_turn, ok


async def test_event_is_delivered_and_settled(world):
    """A published event reaches its webhook; delivery, attempt and health say so."""
    webhook = await world.webhook("custom.*")
    published = await world.publish()
    await world.quiet()
    delivery = await world.delivery(published.delivery_ids[0])
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 1, 200)
    (attempt,) = await world.store.deliveries.attempts(SITE, delivery.id)
    assert (attempt.number, attempt.trigger, attempt.outcome.name) == (1, "automatic", "http_200")
    (health,) = await world.store.webhooks.health(SITE)
    assert (health.webhook_id, health.failures_in_row, health.last_status) == (webhook.id, 0, 200)


async def test_payload_is_the_list_of_snapshots(world):
    """The desk format is `[`, the stored snapshot, `]`; the published data stands in it as sent."""
    await world.webhook("custom.*")
    published = await world.publish(data=b'{"b": 1.50,"a":"\\u00e9"}')
    await world.quiet()
    event = await world.store.events.get(SITE, published.event_ids[0])
    assert world.sender.requests[0].body == b"[" + event.snapshot + b"]"
    assert b'{"b": 1.50,"a":"\\u00e9"}' in event.snapshot
    assert (await world.delivery(published.delivery_ids[0])).payload is None


async def test_headers_of_an_attempt(world):
    """Every header of the wire contract is there, with the values of this attempt."""
    await world.webhook("custom.*", headers={"X-Own": "mine"})
    draft = Draft(type="custom.order", by=KEY, occurred_at=plus(world.clock.now(), -60), data=b"{}", hop=1)
    published = await world.engine.publish(SITE, [draft])
    await world.quiet()
    headers = world.sender.headers()
    body = world.sender.requests[0].body
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["content-length"] == str(len(body))
    assert (headers["accept"], headers["accept-encoding"]) == ("*/*", "identity")
    assert headers["user-agent"].startswith("Deskbell/")
    assert headers["webhook-id"] == published.delivery_ids[0]
    assert headers["webhook-timestamp"] == "1600000000"
    assert (headers["deskbell-event"], headers["deskbell-attempt"]) == ("custom.order", "1")
    assert headers["deskbell-triggered-at"] == "2020-09-13T12:25:40.0000000Z"
    assert headers["deskbell-hop"] == "2"
    assert headers["X-Own"] == "mine"
    assert "deskbell-redelivery" not in headers


async def test_own_headers_are_masked_in_the_record(world):
    """The attempt's record shows the name of an own header, never its value."""
    await world.webhook("custom.*", headers={"X-Own": "mine"})
    published = await world.publish()
    await world.quiet()
    (attempt,) = await world.store.deliveries.attempts(SITE, published.delivery_ids[0])
    assert dict(attempt.request_headers)["X-Own"] == "••••"


async def test_own_header_never_overrides_ours(world):
    """A stored own header with one of our names is not sent."""
    await world.webhook("custom.*", headers={"Deskbell-Hop": "0"})
    await world.publish()
    await world.quiet()
    names = [name.lower() for name, _ in world.sender.requests[0].headers]
    assert names.count("deskbell-hop") == 1
    assert world.sender.headers()["deskbell-hop"] == "1"


async def test_signatures(world):
    """Standard Webhooks is keyed by the decoded secret, the seed's scheme and GitHub's by its text."""
    await world.webhook("custom.*", signature=SignatureSettings(also="github"))
    await world.publish()
    await world.quiet()
    headers, body = world.sender.headers(), world.sender.requests[0].body
    (text,) = world.secrets.values()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(text.removeprefix("whsec_"))
    want = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{want}"
    assert headers["x-dd-signature"] == "sha256=" + hmac.new(text.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == headers["x-dd-signature"]


async def test_both_secrets_sign_during_the_overlap(world):
    """After a rotation the old secret signs too, until its time has come; x-dd-signature takes the newest."""
    webhook = await world.webhook("custom.*")
    (old,) = await world.store.webhooks.secrets(SITE, webhook.id)
    world.clock.advance(10)
    new = await world.rotate(old, webhook, plus(world.clock.now(), 100))
    await world.publish()
    await world.quiet()
    assert len(world.sender.headers()["webhook-signature"].split(" ")) == 2
    dd = hmac.new(world.secrets[new.id].encode(), world.sender.requests[0].body, hashlib.sha256).hexdigest()
    assert world.sender.headers()["x-dd-signature"] == f"sha256={dd}"
    await world.advance(101)
    await world.publish()
    await world.quiet()
    assert len(world.sender.headers()["webhook-signature"].split(" ")) == 1


async def test_retry_has_same_id_and_bytes_and_fresh_time(world):
    """Attempts of one delivery share id and body; time, signature and number are new."""
    await world.webhook("custom.*", character=in_turn(answer(500), ok))
    published = await world.publish()
    await world.quiet()
    await world.advance(5)
    first, second = world.sender.requests
    assert first.body == second.body
    one, two = dict(first.headers), dict(second.headers)
    assert one["webhook-id"] == two["webhook-id"] == published.delivery_ids[0]
    assert (one["deskbell-attempt"], two["deskbell-attempt"]) == ("1", "2")
    assert int(two["webhook-timestamp"]) - int(one["webhook-timestamp"]) == 5
    assert one["webhook-signature"] != two["webhook-signature"]


async def test_standard_format_is_stored(world):
    """The format `standard` is one object; its bytes are stored with the first settle."""
    await world.webhook("custom.*", format=Format.STANDARD, character=answer(500))
    published = await world.publish()
    await world.quiet()
    body = world.sender.requests[0].body
    assert list(json.loads(body)) == ["type", "timestamp", "data"]
    assert (await world.delivery(published.delivery_ids[0])).payload == body


async def test_change_of_format_leaves_made_deliveries_alone(world):
    """A delivery keeps the format of the version that it was made with, even when it is first attempted later."""
    webhook = await world.webhook("custom.*", state="paused")
    await world.publish()
    await world.change(webhook, format=Format.STANDARD, state="enabled")
    await world.quiet()
    assert isinstance(json.loads(world.sender.requests[0].body), list)


async def test_desk_change_and_event_stand_or_fall_together(world):
    """A refused change keeps the event out as well, and the caller hears why."""
    webhook = await world.webhook("custom.*")
    draft = Draft(type="custom.order", by=KEY, occurred_at=world.clock.now(), data=b"{}")

    verdict = await world.engine.publish(SITE, [draft], changes=[Replace(row=webhook)])
    assert verdict.reason == "version"
    await world.quiet()
    assert world.sender.requests == []


async def test_taken_external_id_is_refused(world):
    """The same external id twice is refused with the name of the key: the caller looks the first one up."""
    await world.webhook("custom.*")
    await world.publish(external_id="order-1")
    draft = Draft(type="custom.order", by=KEY, occurred_at=world.clock.now(), data=b"{}", external_id="order-1")
    verdict = await world.engine.publish(SITE, [draft])
    assert (verdict.reason, verdict.what) == ("exists", "event.external_id")


async def test_many_events_in_one_call_share_one_unit(world):
    """The drafts of one call are stored together, and the answer keeps their order."""
    await world.webhook("custom.*")
    at = from_seconds(1_600_000_000)
    drafts = [Draft(type=f"custom.n{n}", by=KEY, occurred_at=at, data=b"{}") for n in range(5)]
    published = await world.engine.publish(SITE, drafts)
    await world.quiet()
    events = await world.store.events.many(SITE, published.event_ids)
    assert [event.type for event in events] == [draft.type for draft in drafts]
    assert len(world.sender.requests) == 5


async def test_subject_and_sequence_are_kept(world):
    """The event carries subject and sequence, and the delivery its subject for lists."""
    await world.webhook("custom.*")
    published = await world.publish(subject=Subject(type="order", id="7", title="Chairs"), sequence=3)
    await world.quiet()
    event = await world.store.events.get(SITE, published.event_ids[0])
    assert json.loads(event.snapshot)["meta"]["sequence"] == 3
    assert (await world.delivery(published.delivery_ids[0])).subject == event.subject


async def test_statistics_are_counted(world):
    """The keeper adds settled attempts to the hourly counts."""
    await world.webhook("custom.*", character=in_turn(answer(500), ok))
    await world.publish()
    await world.quiet()
    await world.advance(5)
    await world.engine.tend()
    (row,) = await world.store.webhooks.stats(SITE, 0)
    assert (row.delivered, row.failed, row.first_time, sum(row.ms_buckets)) == (1, 1, 0, 2)
