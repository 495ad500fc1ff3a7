"""What runs by itself: timers fire once, replays keep their place, shards have one owner."""

import asyncio
from dataclasses import replace

import pytest

from contract.made import ANN, OTHER, SITE, at, delivery, entry, ident, inserts, settle, site, webhook
from deskbell.model.changes import (
    ArmTimer,
    CancelWaiting,
    Committed,
    DeleteRow,
    DropAsked,
    DropRule,
    DropTimers,
    Insert,
    MustFence,
    MustTimer,
    PutMeta,
    Refused,
    Replace,
    SetAside,
    Unit,
)
from deskbell.model.delivery import Asked, DeliveryState
from deskbell.model.ids import WebhookId
from deskbell.model.query import DeliveryFilter
from deskbell.model.replay import Choice, Replay, ReplayState
from deskbell.model.timer import NEVER, DwellRule, Timer
from deskbell.ports import Store

OK = Committed()
LEASE_S = 0.3


def timer(rule: str = "tmr_1", subject: str = "chat:1", epoch: int = 1, due_ms: int = 60_000, **more: int) -> Timer:
    """An armed timer of a chat."""
    return Timer(site=SITE, rule=rule, subject=subject, epoch=epoch, due_at=at(due_ms), since=at(0), **more)


def arm(*timers: Timer) -> Unit:
    """Arm them."""
    return Unit(changes=tuple(ArmTimer(timer=one) for one in timers))


async def test_timers_are_read_by_their_due_time(store: Store) -> None:
    """Of all sites, and only those that are due."""
    late, early = timer("b", due_ms=50), timer("a", due_ms=20)
    elsewhere = replace(timer("c", due_ms=30), site=OTHER)
    assert await store.timers.next_due() is None
    assert await store.commit(arm(late, early, elsewhere)) == OK
    assert await store.timers.next_due() == at(20)
    assert await store.timers.due(at(30), 10) == (early, elsewhere)
    assert await store.timers.due(at(90), 2) == (early, elsewhere)
    assert await store.timers.of_subjects(SITE, ["chat:1"]) == (early, late)
    assert await store.timers.count() == 3


async def test_an_older_epoch_does_not_replace_a_newer(store: Store) -> None:
    """The state was left and entered again meanwhile."""
    newer = timer(epoch=5)
    await store.commit(arm(newer))
    await store.commit(arm(timer(epoch=4, due_ms=1)))
    assert await store.timers.of_subjects(SITE, ["chat:1"]) == (newer,)
    again = timer(epoch=5, due_ms=70, fired=1)
    await store.commit(arm(again))
    assert await store.timers.of_subjects(SITE, ["chat:1"]) == (again,)


async def test_a_timer_fires_once(store: Store) -> None:
    """Two who read it both try: the second finds it gone."""
    armed = timer()
    await store.commit(arm(armed))
    fire = Unit(
        changes=(PutMeta(key="fired", value="yes"), DropTimers(site=SITE, subject=armed.subject, rule=armed.rule)),
        guards=(MustTimer(timer=armed),),
    )
    first, second = await asyncio.gather(store.commit(fire), store.commit(fire))
    assert first == OK
    assert second == Refused(reason="timer", what="timer")
    assert await store.timers.count() == 0


@pytest.mark.parametrize("change", [{"epoch": 2}, {"fired": 1}, {"due_ms": 61_000}])
async def test_a_timer_that_changed_does_not_fire(store: Store, change: dict[str, int]) -> None:
    """It is not the one that was read."""
    await store.commit(arm(timer(**change)))
    verdict = await store.commit(Unit(changes=(PutMeta(key="k", value="v"),), guards=(MustTimer(timer=timer()),)))
    assert verdict == Refused(reason="timer", what="timer")


async def test_timers_are_dropped_by_subject_and_by_rule(store: Store) -> None:
    """None that is armed is fine."""
    one, two, three = timer("a"), timer("b"), timer("a", subject="chat:2")
    await store.commit(arm(one, two, three))
    assert await store.commit(Unit(changes=(DropTimers(site=SITE, subject="chat:1", rule="a"),))) == OK
    assert await store.timers.of_subjects(SITE, ["chat:1"]) == (two,)
    assert await store.commit(Unit(changes=(DropRule(site=SITE, rule="a"),))) == OK
    assert await store.timers.count() == 1
    assert await store.commit(Unit(changes=(DropTimers(site=SITE, subject="chat:1"),))) == OK
    assert await store.commit(Unit(changes=(DropTimers(site=SITE, subject="chat:1"),))) == OK
    assert await store.timers.count() == 0


async def test_timers_of_several_subjects(store: Store) -> None:
    """By subject, then by rule; those of other sites and subjects are not there."""
    rows = [timer(rule, subject) for subject in ("chat:1", "chat:2", "ticket:1") for rule in ("b", "a")]
    await store.commit(arm(*rows, replace(timer(), site=OTHER)))
    found = await store.timers.of_subjects(SITE, ["ticket:1", "chat:1", "chat:9"])
    assert [(one.subject, one.rule) for one in found] == [
        ("chat:1", "a"), ("chat:1", "b"), ("ticket:1", "a"), ("ticket:1", "b"),
    ]  # fmt: skip
    assert await store.timers.of_subjects(SITE, []) == ()


async def test_a_spent_timer_is_kept_and_never_due(store: Store) -> None:
    """It is there, and counts for nothing."""
    spent = replace(timer(fired=1), due_at=NEVER)
    await store.commit(arm(spent))
    assert await store.timers.of_subjects(SITE, ["chat:1"]) == (spent,)
    assert await store.timers.next_due() is None
    assert await store.timers.count() == 0
    await store.commit(arm(timer("b")))
    assert await store.timers.next_due() == at(60_000)
    assert await store.timers.count() == 1


async def test_a_refused_unit_arms_nothing(store: Store) -> None:
    """A timer stands or falls with the change that it belongs to."""
    await store.commit(inserts(site()))
    unit = Unit(changes=(ArmTimer(timer=timer()), Insert(row=site())))
    assert isinstance(await store.commit(unit), Refused)
    assert await store.timers.count() == 0


async def test_dwell_rules_are_versioned(store: Store) -> None:
    """Made, changed once per version, deleted."""
    rule = DwellRule(
        site=SITE, id=ident("tmr"), description="Too long", subject="chat", status="handled", longer_than_s=3600,
        repeat_every_s=600, repeat_max=2, business_hours='{"days":[1]}', created_at=at(0),
    )  # fmt: skip
    assert await store.commit(inserts(rule)) == OK
    changed = replace(rule, enabled=False, version=2)
    assert await store.commit(Unit(changes=(Replace(row=changed),))) == OK
    assert await store.commit(Unit(changes=(Replace(row=changed),))) == Refused(reason="version", what="dwell_rule")
    assert await store.desk.dwell_rules(SITE) == (changed,)
    assert await store.desk.dwell_rules(OTHER) == ()
    gone = Unit(changes=(DeleteRow(site=SITE, kind="dwellrule", key=(rule.id,)),))
    assert await store.commit(gone) == OK
    assert await store.commit(gone) == Refused(reason="missing", what="dwell_rule")


async def test_a_replay_keeps_its_place(store: Store) -> None:
    """Its position moves with the deliveries that it makes."""
    choice = Choice(webhook_ids=(WebhookId("whk_1"),), states=("exhausted",), since=at(0), words=("a b",))
    older, newer = (
        Replay(site=SITE, id=ident("rpl", ms), choice=choice, by=ANN, created_at=at(ms), total=7) for ms in (1, 2)
    )
    await store.commit(inserts(older, newer))
    assert await store.replays.page(SITE, None, 10) == (newer, older)
    assert await store.replays.page(SITE, newer.id, 10) == (older,)
    moved = replace(older, position="dlv_5", done=3, version=2)
    made = delivery(replay_id=older.id, copy_of="dlv_0")
    assert await store.commit(Unit(changes=(Replace(row=moved), Insert(row=made)))) == OK
    assert await store.replays.get(SITE, older.id) == moved
    assert await store.deliveries.page(SITE, DeliveryFilter(replay_id=older.id), None, 10) == (made,)
    again = await store.commit(Unit(changes=(Insert(row=delivery()), Replace(row=moved))))
    assert again == Refused(reason="version", what="replay")
    assert await store.replays.running() == (moved, newer)
    ended = replace(newer, state=ReplayState.FINISHED, ended_at=at(9), version=2)
    await store.commit(Unit(changes=(Replace(row=ended),), audit=entry()))
    assert await store.replays.running() == (moved,)
    assert await store.replays.get(OTHER, older.id) is None


async def test_waiting_deliveries_are_cancelled_in_pieces(store: Store) -> None:
    """The soonest due first, and the count tells when to stop."""
    rows = [delivery(ms, due_at=at(100 - ms)) for ms in range(5)]
    await store.commit(inserts(*rows))
    piece = CancelWaiting(site=SITE, webhook_id=WebhookId("whk_1"), at=at(200), rows_max=2)
    assert await store.commit(Unit(changes=(piece,))) == Committed(rows=2)
    waiting = {row.id for row in await store.deliveries.page(SITE, DeliveryFilter(states=("waiting",)), None, 10)}
    assert waiting == {row.id for row in rows[:3]}
    by_due = replace(piece, due_before=at(99))
    assert await store.commit(Unit(changes=(by_due,))) == Committed(rows=1)
    assert await store.deliveries.count(SITE, DeliveryFilter(due_before=at(99), states=("waiting",)), 10) == 0
    assert await store.commit(Unit(changes=(piece,))) == Committed(rows=2)
    assert await store.commit(Unit(changes=(piece,))) == OK


async def owners(store: Store, node: str) -> dict[int, str]:
    """Who owns what, as `node` hears it."""
    rows = (await store.shards.beat(node, LEASE_S, delivers=True)).rows
    assert [row.shard for row in rows] == list(range(256))
    return {row.shard: row.owner for row in rows if row.owner is not None}


async def test_a_shard_has_one_owner(store: Store) -> None:
    """Taking what another holds takes nothing; handing over frees at once; each change of owner raises the fence."""
    assert await store.shards.take("a", (1, 2), 60) == {1: 1, 2: 1}
    assert await store.shards.take("b", (1, 2, 3), 60) == {3: 1}
    await store.shards.hand_over("b", (1, 3))
    assert await owners(store, "b") == {1: "a", 2: "a"}
    await store.shards.hand_over("a", (1,))
    assert await store.shards.take("b", (1,), 60) == {1: 2}
    await store.shards.leave("a")
    shares = await store.shards.beat("b", 60, delivers=True)
    assert (shares.nodes, shares.rows[1].owner, shares.rows[2].owner) == (("b",), "b", None)
    assert shares.rows[2].fence == 1
    assert 0 < shares.rows[1].left_s <= 60


async def test_a_lease_that_is_not_renewed_ends(store: Store) -> None:
    """On the database's own clock."""
    await store.shards.beat("a", LEASE_S, delivers=True)
    await store.shards.take("a", (9,), LEASE_S)
    async with asyncio.timeout(10):
        while not await store.shards.take("b", (9,), 60):  # noqa: ASYNC110 - the clock is the database's
            await asyncio.sleep(LEASE_S / 10)
    shares = await store.shards.beat("a", 60, delivers=False)
    assert (shares.rows[9].owner, shares.rows[9].fence) == ("b", 2)
    assert shares.nodes == ()  # b never said that it is alive, and a does not deliver


async def test_a_beat_renews_the_leases(store: Store) -> None:
    """And says who else delivers."""
    await store.shards.take("a", (5,), 30)
    await store.shards.beat("b", 60, delivers=True)
    shares = await store.shards.beat("a", 60, delivers=True)
    assert shares.nodes == ("a", "b")
    assert shares.rows[5].left_s > 30


async def test_a_settle_with_an_old_fence_changes_nothing(store: Store) -> None:
    """Whether it comes alone or among others."""
    await store.commit(inserts(webhook()))
    rows = [delivery(ms) for ms in range(4)]
    await store.commit(inserts(*rows))
    await store.shards.take("a", (7,), 60)
    await store.shards.hand_over("a", (7,))
    await store.shards.take("b", (7,), 60)
    units = [
        Unit(changes=(replace(settle(row), fence=fence),)) for row, fence in zip(rows, (1, 2, 1, None), strict=True)
    ]
    verdicts = await asyncio.gather(*[store.commit(unit) for unit in units])
    old = Refused(reason="fence", what="shard")
    assert verdicts == [old, OK, old, OK]
    states = [(await store.deliveries.get(SITE, row.id)).state for row in rows]  # type: ignore[union-attr]
    assert states == [DeliveryState.WAITING, DeliveryState.DELIVERED, DeliveryState.WAITING, DeliveryState.DELIVERED]
    assert await store.deliveries.attempts(SITE, rows[0].id) == ()


async def test_a_unit_may_ask_for_a_fence(store: Store) -> None:
    """Of a shard that was never owned there is none."""
    unit = Unit(changes=(PutMeta(key="k", value="v"),), guards=(MustFence(shard=3, fence=1),))
    assert await store.commit(unit) == Refused(reason="fence", what="shard")
    await store.shards.take("a", (3,), 60)
    assert await store.commit(unit) == OK


async def test_what_cannot_be_read_is_set_aside(store: Store) -> None:
    """It leaves the queue as exhausted and quarantined, without what may be damaged; what has ended stays as it is."""
    bad, good = delivery(payload=b"bytes"), delivery()
    ended = delivery(state=DeliveryState.DELIVERED, ended_at=at(1), last_outcome="http_200")
    assert await store.commit(inserts(webhook(), bad, good, ended)) == OK
    aside = [SetAside(site=SITE, delivery_id=one.id, at=at(9)) for one in (bad, ended)]
    assert await store.commit(Unit(changes=tuple(aside))) == OK
    found = await store.deliveries.get(SITE, bad.id)
    assert found is not None
    assert found.subject is not None
    assert (found.state, found.ended_at, found.last_outcome) == (DeliveryState.EXHAUSTED, at(9), "quarantined")
    assert (found.subject.id, found.subject.title, found.payload) == ("c1", None, None)
    assert await store.deliveries.get(SITE, ended.id) == ended
    assert await store.due.deliveries(SITE, good.webhook_id, None, 9) == (good,)
    assert await store.due.unreadable(SITE, good.webhook_id, None, 9) == ()


async def test_an_attempt_is_asked_for_once_until_it_is_made(store: Store) -> None:
    """Whoever owns the shard finds it; a second request for the same delivery is refused; dropping twice is fine."""
    first, second = delivery(), delivery()
    asked = [
        Asked(site=one.site, delivery_id=one.id, webhook_id=one.webhook_id, shard=one.shard, at=at(ms), by="Ann")
        for one, ms in ((first, 5), (second, 2))
    ]
    assert await store.commit(inserts(first, second, *asked)) == OK
    assert await store.due.asked(10) == tuple(asked[::-1])
    assert await store.due.asked(1) == (asked[1],)
    again = await store.commit(inserts(replace(asked[0], by="Ben")))
    assert again == Refused(reason="exists", what="asked")
    drop = Unit(changes=(DropAsked(site=SITE, delivery_id=first.id),))
    assert [await store.commit(drop) for _ in range(2)] == [OK, OK]
    assert await store.due.asked(10) == (asked[1],)
