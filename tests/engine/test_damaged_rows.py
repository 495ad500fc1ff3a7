"""A row that cannot be read concerns its own delivery; everything else of the webhook flows."""

import apsw
import pytest

from deskbell.model.exchange import Reply, Stage
from engine.test_on_sqlite import opened
from engine.world import answer, in_turn, ok


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
