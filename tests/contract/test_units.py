"""Units: they stand or fall together, and a refused one harms no other."""

import asyncio
from dataclasses import replace

import pytest

from contract.made import (
    OTHER,
    SITE,
    account,
    at,
    attempt,
    bin_,
    capture,
    chat,
    company,
    delivery,
    ended,
    entry,
    event,
    health,
    inserts,
    link,
    login,
    message,
    secret,
    settle,
    site,
    ticket,
    webhook,
)
from deskbell.model.changes import (
    Committed,
    DeleteRow,
    Insert,
    MoveDelivery,
    MustState,
    MustVersion,
    Overwrite,
    PutHealth,
    PutMeta,
    Refused,
    Replace,
    TrimCaptures,
    Unit,
    Verdict,
)
from deskbell.model.delivery import DeliveryState
from deskbell.model.query import DeliveryFilter, EventFilter
from deskbell.ports import Store

OK = Committed()


async def submit_all(store: Store, *units: Unit) -> list[Verdict]:
    """Submit units in one turn of the loop; their verdicts in the same order."""
    found: list[Verdict | None] = [None] * len(units)
    arrived = asyncio.Event()

    def answer(number: int, verdict: Verdict) -> None:
        assert found[number] is None, "answered twice"
        found[number] = verdict
        if all(one is not None for one in found):
            arrived.set()

    for number, unit in enumerate(units):
        store.submit(unit, lambda verdict, number=number: answer(number, verdict))
    assert not any(found), "answered before it was durable"
    await asyncio.wait_for(arrived.wait(), 10)
    return [one for one in found if one is not None]


async def test_event_and_delivery_come_back_as_written(store: Store) -> None:
    """What is read is equal to what was written, with every member set."""
    one = event(5, external_id="mine", hop=2, test=True)
    two = delivery(
        6,
        event_ids=(one.id, event(4).id),
        event_types=("chat.created", "chat.updated"),
        hop=2,
        payload=b"\x00{}",
        replay_id="rpl_1",
        test=True,
        last_outcome="http_503",
        last_status=503,
    )
    assert await store.commit(inserts(one, two)) == OK
    assert await store.events.get(SITE, one.id) == one
    assert await store.deliveries.get(SITE, two.id) == two
    assert await store.events.by_external(SITE, "mine") == one
    assert await store.events.get(OTHER, one.id) is None
    assert await store.deliveries.get(OTHER, two.id) is None


async def test_bare_event_and_delivery_come_back(store: Store) -> None:
    """Members that are not set stay not set."""
    one = event(subject=None, sequence=None, trace=())
    two = delivery(subject=None)
    assert await store.commit(inserts(one, two)) == OK
    assert await store.events.get(SITE, one.id) == one
    assert await store.deliveries.get(SITE, two.id) == two


@pytest.mark.parametrize("bad", ["event", "external", "delivery", "attempt"])
async def test_only_the_guilty_unit_is_refused(store: Store, bad: str) -> None:
    """One duplicate among many units of a turn refuses that unit alone, wholly."""
    old = event(0, external_id="x")
    old_delivery = delivery(0)
    old_attempt = attempt(old_delivery, number=9)
    await store.commit(inserts(old, old_delivery, old_attempt))
    fresh = event(2)
    guilty = {
        "event": inserts(fresh, replace(old, external_id=None)),
        "external": inserts(fresh, event(3, external_id="x")),
        "delivery": inserts(fresh, old_delivery),
        "attempt": inserts(fresh, old_attempt),
    }[bad]
    good = [inserts(event(4), delivery(4)) for _ in range(4)]
    verdicts = await submit_all(store, *good[:2], guilty, *good[2:])
    assert verdicts[:2] + verdicts[3:] == [OK] * 4
    what = "event.external_id" if bad == "external" else bad
    assert verdicts[2] == Refused(reason="exists", what=what)
    assert await store.events.get(SITE, fresh.id) is None
    assert await store.events.count(SITE, EventFilter()) == 5


async def test_two_units_of_a_turn_cannot_take_one_key(store: Store) -> None:
    """The first of two equal external ids in one turn is taken, the second refused."""
    units = [inserts(event(1, external_id="same")), inserts(event(2, external_id="same"))]
    verdicts = await submit_all(store, *units)
    assert verdicts == [OK, Refused(reason="exists", what="event.external_id")]


async def test_external_id_is_per_site(store: Store) -> None:
    """Another site may use the same external id."""
    assert await store.commit(inserts(event(1, external_id="same"))) == OK
    assert await store.commit(inserts(event(1, external_id="same", site=OTHER))) == OK


async def test_settle_appends_and_moves(store: Store) -> None:
    """A settle keeps the attempt and the delivery's new state, and the queue lets it go."""
    one = delivery()
    await store.commit(inserts(one))
    done = settle(one, 3)
    assert await store.commit(Unit(changes=(done, PutHealth(health=health(failures_in_row=2))))) == OK
    assert await store.deliveries.get(SITE, one.id) == done.after
    assert await store.deliveries.attempts(SITE, one.id) == (done.attempt,)
    assert await store.deliveries.attempt(SITE, done.attempt.id) == done.attempt
    assert await store.deliveries.attempt(OTHER, done.attempt.id) is None
    assert await store.due.webhooks() == ()
    assert await store.webhooks.health(SITE) == (health(failures_in_row=2),)


async def test_settle_in_the_wrong_state_changes_nothing(store: Store) -> None:
    """Of many settles in one turn only the one with the wrong expectation is refused; its attempt is not kept."""
    rows = [delivery(n) for n in range(5)]
    await store.commit(inserts(*rows))
    settles = [settle(row, 9) for row in rows]
    settles[2] = replace(settles[2], expected=DeliveryState.EXHAUSTED)
    verdicts = await submit_all(store, *[Unit(changes=(one,)) for one in settles])
    assert verdicts == [OK, OK, Refused(reason="state", what="delivery"), OK, OK]
    assert await store.deliveries.get(SITE, rows[2].id) == rows[2]
    assert await store.deliveries.attempts(SITE, rows[2].id) == ()


async def test_settle_of_a_missing_delivery_is_refused(store: Store) -> None:
    """There is no state to expect where there is no delivery."""
    verdict = await store.commit(Unit(changes=(settle(delivery()),)))
    assert verdict == Refused(reason="state", what="delivery")


async def test_units_of_a_turn_see_one_another_in_order(store: Store) -> None:
    """Insert, settle and replay of one delivery in a single turn happen in that order."""
    one = delivery()
    waits_anew = replace(one, due_at=at(50), step=0, replay_id="rpl_1", attempts=1)
    verdicts = await submit_all(
        store,
        inserts(one),
        Unit(changes=(settle(one, 1),)),
        Unit(changes=(settle(one, 2),)),
        Unit(changes=(MoveDelivery(after=waits_anew, expected=DeliveryState.DELIVERED),)),
    )
    assert verdicts == [OK, OK, Refused(reason="state", what="delivery"), OK]
    assert await store.deliveries.get(SITE, one.id) == waits_anew
    assert await store.due.deliveries(SITE, one.webhook_id, None, 9) == (waits_anew,)


async def test_insert_and_settle_in_one_unit(store: Store) -> None:
    """A unit may write a delivery and settle it."""
    one = delivery()
    unit = Unit(changes=(Insert(row=one), settle(one, 1)))
    assert await submit_all(store, inserts(event(1)), unit, inserts(event(2))) == [OK, OK, OK]
    found = await store.deliveries.get(SITE, one.id)
    assert found is not None
    assert found.state == DeliveryState.DELIVERED


async def test_replace_needs_the_version_before(store: Store) -> None:
    """A stale replace is refused and changes nothing."""
    first = site(version=1)
    await store.commit(inserts(first))
    second = replace(first, name="New", version=2)
    assert await store.commit(Unit(changes=(Replace(row=second),))) == OK
    stale = replace(first, name="Stale", version=2)
    assert await store.commit(Unit(changes=(Replace(row=stale),))) == Refused(reason="version", what="site")
    assert await store.sites.get(SITE) == second
    missing = Unit(changes=(Replace(row=site(OTHER, version=2)),))
    assert await store.commit(missing) == Refused(reason="version", what="site")


async def test_refused_unit_takes_its_earlier_changes_back(store: Store) -> None:
    """A unit that fails at its last change leaves no trace of the others, nor an audit row."""
    await store.commit(inserts(site(), webhook_one := webhook()))
    unit = Unit(
        changes=(
            Insert(row=company(1)),
            Replace(row=replace(webhook_one, version=2, description="x")),
            Overwrite(row=secret(webhook_one)),
            PutMeta(key="k", value="v"),
            PutHealth(health=health()),
            Insert(row=site()),
        ),
        audit=entry(),
    )
    assert await store.commit(unit) == Refused(reason="exists", what="site")
    assert await store.people.companies(SITE) == ()
    assert await store.webhooks.get(SITE, webhook_one.id) == webhook_one
    assert await store.webhooks.version(SITE, webhook_one.id, 2) is None
    assert await store.webhooks.secrets(SITE, webhook_one.id) == ()
    assert await store.webhooks.health(SITE) == ()
    assert await store.schema.meta("k") is None
    assert await store.audit.page(SITE, None, 9) == ()


async def test_guards(store: Store) -> None:
    """A guard that does not hold refuses the unit; one that holds lets it through."""
    one, chat_one = delivery(), chat(version=3)
    await store.commit(inserts(one, chat_one))
    state = MustState(site=SITE, delivery_id=one.id, states=(DeliveryState.WAITING, DeliveryState.EXHAUSTED))
    version = MustVersion(site=SITE, kind="chat", key=(chat_one.id,), version=3)
    good = inserts(event(1), guards=(state, version))
    bad_state = inserts(event(2), guards=(version, replace(state, states=(DeliveryState.CANCELLED,))))
    bad_version = inserts(event(3), guards=(state, replace(version, version=2)))
    missing = inserts(event(4), guards=(replace(state, site=OTHER),))
    verdicts = await submit_all(store, good, bad_state, bad_version, missing)
    state_refused = Refused(reason="state", what="delivery")
    assert verdicts == [OK, state_refused, Refused(reason="version", what="chat"), state_refused]
    assert await store.events.count(SITE, EventFilter()) == 1


async def test_children_need_their_parents(store: Store) -> None:
    """Secrets, messages and captures of nothing are refused as missing."""
    for row, parent in ((secret(webhook()), "webhook"), (message(chat()), "chat"), (capture(bin_(), 1), "bin")):
        assert await store.commit(inserts(row)) == Refused(reason="missing", what=parent)
    lone = Unit(changes=(Overwrite(row=secret(webhook())),))
    assert await store.commit(lone) == Refused(reason="missing", what="webhook")


async def test_overwrite_writes_whatever_was_there(store: Store) -> None:
    """Unversioned rows are written anew or for the first time."""
    person = account()
    first = login(person)
    await store.commit(inserts(person, first))
    seen = replace(first, seen_at=at(9))
    fresh = link()
    assert await store.commit(Unit(changes=(Overwrite(row=seen), Overwrite(row=fresh)))) == OK
    assert await store.accounts.login_by_hash(first.token_hash) == seen
    assert await store.accounts.link_by_hash(fresh.token_hash) == fresh
    thief = Unit(changes=(Overwrite(row=login(person, token_hash=first.token_hash)),))
    assert await store.commit(thief) == Refused(reason="exists", what="login.token_hash")


async def test_delete_row(store: Store) -> None:
    """A deleted row is gone; deleting nothing is refused as missing; a bin takes its captures along."""
    one = bin_()
    await store.commit(inserts(company(5), one, capture(one, 1)))
    gone = Unit(changes=(DeleteRow(site=SITE, kind="company", key=(5,)),))
    assert await store.commit(gone) == OK
    assert await store.commit(gone) == Refused(reason="missing", what="company")
    assert await store.people.company(SITE, "5") is None
    assert await store.people.next_number(SITE, "company") == 6, "numbers are never given twice"
    assert await store.commit(Unit(changes=(DeleteRow(site=SITE, kind="bin", key=(one.id,)),))) == OK
    assert await store.bins.all(SITE) == ()
    assert await store.bins.captures(SITE, one.id, None, 9) == ()


async def test_trim_captures(store: Store) -> None:
    """Only the newest captures stay."""
    one, other = bin_(), bin_()
    await store.commit(inserts(one, other, *[capture(one, n) for n in range(1, 6)], capture(other, 1)))
    assert await store.commit(Unit(changes=(TrimCaptures(site=SITE, bin_id=one.id, keep=2),))) == OK
    assert [row.seq for row in await store.bins.captures(SITE, one.id, None, 9)] == [5, 4]
    assert len(await store.bins.captures(SITE, other.id, None, 9)) == 1
    assert await store.commit(Unit(changes=(TrimCaptures(site=SITE, bin_id=one.id, keep=0),))) == OK
    assert await store.bins.captures(SITE, one.id, None, 9) == ()


async def test_unwritable_value_harms_its_own_unit(store: Store) -> None:
    """A value that no database can hold refuses its unit; the others of the turn are stored."""
    poison = inserts(company(1, name=object()), audit=entry(object_id="\ud800"))
    verdicts = await submit_all(store, inserts(event(1)), poison, inserts(event(2)))
    assert verdicts[0] == verdicts[2] == OK
    assert isinstance(verdicts[1], Refused)
    assert await store.people.companies(SITE) == ()


async def test_more_units_than_one_transaction_holds(store: Store) -> None:
    """A thousand units of one turn are all answered once."""
    verdicts = await submit_all(store, *[inserts(delivery(n)) for n in range(1_001)])
    assert verdicts == [OK] * 1_001
    assert await store.deliveries.count(SITE, DeliveryFilter(), 5_000) == 1_001


async def test_unique_members(store: Store) -> None:
    """Numbers, addresses and external ids that are taken refuse the unit; freed ones do not."""
    await store.commit(inserts(ticket(1, external_id="e"), company(1, external_id="e"), account(email="a@b.c")))
    twin = ticket(2, external_id="e")
    assert await store.commit(inserts(twin)) == Refused(reason="exists", what="ticket.external_id")
    assert await store.commit(inserts(ticket(3, entity_id=1))) == Refused(reason="exists", what="ticket.entity_id")
    same = await store.commit(inserts(company(2, external_id="e")))
    assert same == Refused(reason="exists", what="company.external_id")
    assert await store.commit(inserts(account(email="a@b.c"))) == Refused(reason="exists", what="user.email")
    assert await store.commit(inserts(account(email="a@b.c", site=OTHER))) == OK
    freed = Unit(changes=(Replace(row=ticket(1, version=2)),))
    assert await store.commit(freed) == OK
    assert await store.commit(inserts(twin)) == OK


async def test_closed_store_refuses(store: Store) -> None:
    """After close nothing is taken; what was pending is not lost without an answer."""
    answers: list[Verdict] = []
    store.submit(inserts(event(1)), answers.append)
    await store.close()
    verdict = await store.commit(inserts(event(2)))
    assert verdict == Refused(reason="broken")
    assert answers == [OK]


async def test_ended_keeps_the_rest(store: Store) -> None:
    """A settle leaves subject, events and making of the delivery alone."""
    one = delivery(1)
    await store.commit(inserts(one))
    after = ended(one, 2, subject=None, event_ids=(), webhook_id="whk_x")
    await store.commit(Unit(changes=(replace(settle(one, 2), after=after),)))
    found = await store.deliveries.get(SITE, one.id)
    assert found == ended(one, 2)


async def test_later_unit_of_a_turn_has_the_last_word(store: Store) -> None:
    """A move and then a retry of the same delivery in one turn leave what the retry says."""
    one = delivery(1)
    await store.commit(inserts(one))
    moved = MoveDelivery(after=replace(one, due_at=at(50)), expected=DeliveryState.WAITING)
    retried = ended(one, 2, DeliveryState.WAITING, ended_at=None, due_at=at(10))
    units = [Unit(changes=(moved,)), Unit(changes=(replace(settle(one, 2), after=retried),))]
    assert await submit_all(store, *units) == [OK, OK]
    assert await store.deliveries.get(SITE, one.id) == retried
