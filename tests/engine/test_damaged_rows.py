"""A row that cannot be read concerns its own delivery; everything else of the webhook flows."""

import apsw
import pytest

from deskbell.model.changes import Overwrite
from deskbell.model.event import Subject
from deskbell.model.exchange import Reply, Stage
from engine.test_on_sqlite import opened
from engine.world import ANN, SITE, answer, in_turn, ok, until


@pytest.mark.parametrize("change", ["snapshot = x'01ffff'", "trace = 'torn'"])
async def test_damaged_event_is_quarantined_and_the_rest_is_sent(tmp_path, change):
    """Three attempts that fail by our own fault, then quarantined; the other event arrives after the restart."""
    path = tmp_path / "deskbell.db"
    world = await opened(path)
    webhook = await world.webhook("custom.*", character=in_turn(answer(500), answer(500), ok))
    bad, good = await world.publish(), await world.publish()
    await world.quiet()
    await world.engine.stop(1)
    await world.store.close()
    connection = apsw.Connection(str(path))
    connection.execute(f"UPDATE event SET {change} WHERE id = ?", (bad.event_ids[0],))
    connection.close()

    await opened(path, world)
    for seconds in (10, 60, 600, 3_600, 3_600):
        await world.advance(seconds)
    assert await world.state(good) == "delivered"
    found = await world.delivery(bad.delivery_ids[0])
    assert (found.state, found.last_outcome) == ("exhausted", "quarantined")
    assert len(world.sender.to(webhook)) == 3
    await world.engine.stop(1)
    await world.store.close()


async def damaged(tmp_path, world, change, *bindings):
    """Stop, damage the file, start the next process."""
    await world.engine.stop(1)
    await world.store.close()
    connection = apsw.Connection(str(tmp_path / "deskbell.db"))
    connection.execute(change, bindings)
    connection.close()
    return await opened(tmp_path / "deskbell.db", world)


async def closed(world):
    """In order."""
    await world.engine.stop(1)
    await world.store.close()


async def test_damaged_webhook_does_not_prevent_the_start(tmp_path):
    """It is set aside: events name it in their trace, its queue waits, and every other webhook is sent to."""
    world = await opened(tmp_path / "deskbell.db")
    broken = await world.webhook("custom.*", character=in_turn(answer(500), ok), retry_schedule_s=(5,))
    other = await world.webhook("custom.*")
    waiting = await world.publish()
    await world.quiet()
    body = body_of(tmp_path, broken)
    await damaged(tmp_path, world, "UPDATE webhook SET body = x'7b' WHERE id = ?", broken.id)
    assert world.engine.unreadable(SITE) == {broken.id}
    assert [one.id for one in await world.store.webhooks.all(SITE)] == [other.id]
    published = await world.publish()
    await world.advance(60)
    event = await world.store.events.get(SITE, published.event_ids[0])
    assert {one.webhook_id: one.reason for one in event.trace} == {broken.id: "unreadable", other.id: "matched"}
    assert (len(world.sender.to(broken)), len(world.sender.to(other))) == (1, 2)
    connection = apsw.Connection(str(tmp_path / "deskbell.db"))
    connection.execute("UPDATE webhook SET body = ? WHERE id = ?", (body, broken.id))
    connection.close()
    await world.advance(5)
    await until(lambda: len(world.sender.to(broken)) == 2)
    await world.quiet()
    states = {(await world.delivery(one)).state for one in waiting.delivery_ids}
    assert (states, world.engine.unreadable(SITE)) == ({"delivered"}, frozenset())
    await closed(world)


def body_of(tmp_path, webhook):
    """The row as it is stored."""
    connection = apsw.Connection(str(tmp_path / "deskbell.db"))
    ((body,),) = connection.execute("SELECT body FROM webhook WHERE id = ?", (webhook.id,))
    connection.close()
    return body


async def test_damaged_delivery_is_set_aside_and_its_queue_goes_on(tmp_path):
    """Its row cannot be read: it ends as quarantined and can be sent again; the rest arrives."""
    world = await opened(tmp_path / "deskbell.db")
    webhook = await world.webhook("custom.*", state="paused")
    subject = Subject(type="ticket", id="7", title="Printer")
    first, bad, last = [await world.publish(subject=subject) for _ in range(3)]
    change = "UPDATE delivery SET subject_title = CAST(x'ff' AS TEXT) WHERE id = ?"
    await damaged(tmp_path, world, change, bad.delivery_ids[0])
    other = await world.webhook("custom.*")
    await world.change(webhook, state="enabled")
    await until(lambda: len(world.sender.to(webhook)) == 2)
    await world.publish()
    await until(lambda: len(world.sender.to(other)) == 1)
    await world.quiet()
    assert [await world.state(one) for one in (first, last)] == ["delivered"] * 2
    found = await world.delivery(bad.delivery_ids[0])
    assert (found.state, found.last_outcome, found.attempts) == ("exhausted", "quarantined", 0)
    await world.engine.redeliver(SITE, found.id, by="Ann Lee")
    await world.quiet()
    assert await world.state(bad) == "delivered"
    await closed(world)


async def test_damaged_version_is_a_fault_of_ours(tmp_path):
    """The webhook as it was when the delivery was made cannot be read: three tries, then quarantined; others flow."""
    world = await opened(tmp_path / "deskbell.db")
    webhook = await world.webhook("custom.*", state="paused")
    bad = await world.publish()
    webhook = await world.change(webhook, description="Other")
    good = await world.publish()
    await damaged(tmp_path, world, "UPDATE webhook_version SET body = x'7b' WHERE version = 1")
    await world.change(webhook, state="enabled")
    await until(lambda: len(world.sender.to(webhook)) == 1)
    for seconds in (0, 10, 60):
        await world.advance(seconds)
    found = await world.delivery(bad.delivery_ids[0])
    assert (found.state, found.last_outcome, found.attempts) == ("exhausted", "quarantined", 3)
    assert (await world.state(good), len(world.sender.to(webhook))) == ("delivered", 1)
    await closed(world)


async def test_damaged_health_is_no_health(tmp_path):
    """How a webhook fared is not known any more; it is sent to all the same."""
    world = await opened(tmp_path / "deskbell.db")
    webhook = await world.webhook("custom.*")
    await world.publish()
    await world.quiet()
    await damaged(tmp_path, world, "UPDATE health SET body = x'7b'")
    await world.publish()
    await until(lambda: len(world.sender.to(webhook)) == 2)
    await closed(world)


DAMAGED_ROW = "UPDATE secret SET body = x'7b'"
DAMAGED_CIPHERTEXT = (
    """UPDATE secret SET body = CAST(replace(CAST(body AS TEXT), '"sealed":"', '"sealed":"AAAA') AS BLOB)"""
)


@pytest.mark.parametrize("change", [DAMAGED_ROW, DAMAGED_CIPHERTEXT])
async def test_unreadable_secret_is_quarantined_and_sent_after_the_repair(tmp_path, change):
    """Three faults of ours, then exhausted and set aside; nothing went out unsigned; sent again once it is mended."""
    world = await opened(tmp_path / "deskbell.db")
    webhook = await world.webhook("custom.*")
    other = await world.webhook("chat.*")
    (secret,) = await world.store.webhooks.secrets(SITE, webhook.id)
    await damaged(tmp_path, world, f"{change} WHERE webhook_id = ?", webhook.id)
    published = await world.publish()
    await world.engine.trigger(SITE, "chat.created", "typical", {}, ANN)
    await world.quiet()
    for seconds in (10, 60):
        await world.advance(seconds)
    found = await world.delivery(published.delivery_ids[0])
    assert (found.state, found.last_outcome, found.attempts) == ("exhausted", "quarantined", 3)
    assert (len(world.sender.to(webhook)), len(world.sender.to(other))) == (0, 1)
    await world.commit(Overwrite(row=secret))
    world.engine.webhook_changed(SITE, webhook.id)
    await world.engine.redeliver(SITE, found.id, by="Ann Lee")
    await until(lambda: len(world.sender.to(webhook)) == 1)
    await world.quiet()
    assert await world.state(published) == "delivered"
    assert "webhook-signature" in world.sender.headers()
    await closed(world)


async def test_answer_that_cannot_be_written_ends_no_process(tmp_path):
    """What a receiver says may not fit the database: its outcome counts, the process goes on."""
    world = await opened(tmp_path / "deskbell.db")
    rung = []
    world.doorbell.listen("broken", rung.append)
    odd = Reply(stage=Stage.READ, status=200, headers=(("x-odd", "\ud800"),))
    await world.webhook("custom.*", character=lambda sendable: odd)
    published = await world.publish()
    await world.quiet()
    assert (rung, await world.state(published)) == ([], "delivered")
    await world.engine.stop(1)
    await world.store.close()
