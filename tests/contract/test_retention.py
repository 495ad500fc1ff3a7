"""What is past its time goes, and nothing else."""

from contract.made import SITE, at, bin_, capture, delivery, ended, event, inserts, site
from deskbell.model.changes import Committed, Purge, Unit
from deskbell.model.event import Idempotency
from deskbell.model.query import DeliveryFilter, EventFilter
from deskbell.ports import Store


async def test_purge(store: Store) -> None:
    """Ended deliveries past retention go, then events that none carries; what waits keeps its event."""
    hour = 3_600_000
    await store.commit(inserts(site()))
    old = [event(n) for n in range(5)]
    new = event(3 * hour)
    gone = ended(delivery(1, event_ids=(old[1].id,)), 2)
    waits = delivery(2, event_ids=(old[2].id,))
    fresh = ended(delivery(3 * hour, event_ids=(old[3].id, new.id)), 3 * hour)
    await store.commit(inserts(*old, new, gone, waits, fresh))
    purge = Unit(changes=(Purge(site=SITE, before=at(2 * hour), rows_max=100),))
    assert await store.commit(purge) == Committed(rows=4)  # a delivery and three events
    assert await store.deliveries.page(SITE, DeliveryFilter(), None, 9) == (fresh, waits)
    assert await store.events.page(SITE, EventFilter(), None, 9) == (new, old[3], old[2])


async def test_purge_is_bounded(store: Store) -> None:
    """No more than the given number of rows goes at once, the oldest first."""
    rows = [event(n) for n in range(7)]
    await store.commit(inserts(*rows))
    purge = Unit(changes=(Purge(site=SITE, before=at(5), rows_max=3),))
    await store.commit(purge)
    assert await store.events.page(SITE, EventFilter(), None, 9) == tuple(reversed(rows[3:]))
    await store.commit(purge)
    assert await store.events.page(SITE, EventFilter(), None, 9) == tuple(reversed(rows[5:]))


async def test_captures_and_keys_have_times_of_their_own(store: Store) -> None:
    """What is kept for a shorter or longer time than the rest."""
    mine = bin_()
    kept = capture(mine, 5)
    keys = [Idempotency(site=SITE, maker="key_1", key=str(n), body_hash="", answer=b"", at=at(n)) for n in range(3)]
    await store.commit(inserts(mine, capture(mine, 3), kept, *keys, event(1)))
    purge = Purge(site=SITE, before=at(0), captures_before=at(5), keys_before=at(2), rows_max=9)
    assert await store.commit(Unit(changes=(purge,))) == Committed(rows=3)
    assert await store.bins.captures(SITE, mine.id, None, 9) == (kept,)
    assert [await store.events.idempotency(SITE, "key_1", str(n)) for n in range(3)] == [None, None, keys[2]]
    assert await store.events.count(SITE, EventFilter()) == 1
