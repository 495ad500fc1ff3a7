"""Every kind of row comes back as it was written, by every way there is to read it."""

from dataclasses import replace

import pytest

from contract.made import (
    OTHER,
    SITE,
    account,
    agent,
    api_key,
    at,
    attempt,
    bin_,
    capture,
    chat,
    company,
    contact,
    custom_type,
    delivery,
    entry,
    event,
    ident,
    inserts,
    link,
    lists,
    login,
    message,
    note,
    secret,
    site,
    ticket,
    user,
    webhook,
)
from deskbell.model.account import LinkKind
from deskbell.model.changes import AddStats, Committed, DeleteRow, PutMeta, Refused, Replace, Unit
from deskbell.model.chat import Callback, CloseRecord, Preferred, Report
from deskbell.model.delivery import Decision, DecisionKind, Trigger
from deskbell.model.event import Idempotency
from deskbell.model.exchange import Outcome, OutcomeClass, Timing
from deskbell.model.inspector import Step
from deskbell.model.site import Missed
from deskbell.model.webhook import Batch, Deletion, StatHour, WebhookState
from deskbell.ports import Store
from deskbell.rules.audit_chain import FIRST_HASH, chain_hash, first_broken

OK = Committed()


async def test_sites(store: Store) -> None:
    """A site, its custom types and its ticket lists."""
    rows = (site(missed=Missed(since=at(1), until=at(2)), notify=("a@b.c",)), site(OTHER))
    kinds = (custom_type("custom.b", schema="{}"), custom_type("custom.a"))
    assert await store.commit(inserts(*rows, *kinds, lists())) == OK
    assert await store.sites.get(SITE) == rows[0]
    assert await store.sites.all() == rows
    assert await store.sites.custom_types(SITE) == kinds[::-1]
    assert await store.sites.ticket_lists(SITE) == lists()
    assert await store.sites.ticket_lists(OTHER) is None
    gone = Unit(changes=(DeleteRow(site=SITE, kind="customtype", key=("custom.a",)), Replace(row=lists(version=2))))
    assert await store.commit(gone) == OK
    assert await store.sites.custom_types(SITE) == kinds[:1]


async def test_webhooks_and_their_versions(store: Store) -> None:
    """A webhook as it is and as it was; its secrets, newest first."""
    first = webhook(batch=Batch(events_max=5, wait_ms=10), retry_schedule_s=(1, 2), rate_per_second=0.5)
    second = replace(
        first,
        version=2,
        state=WebhookState.DELETED,
        deletion=Deletion(at=at(3), by=first.created_by, reason="old", cancelled=4),
    )
    secrets = [secret(first, n) for n in (2, 1, 3)]
    other = webhook(id=first.id, site=OTHER)
    assert await store.commit(inserts(first, *secrets, other)) == OK
    assert await store.commit(Unit(changes=(Replace(row=second),))) == OK
    assert await store.webhooks.get(SITE, first.id) == second
    assert await store.webhooks.all(SITE) == (second,)
    assert await store.webhooks.version(SITE, first.id, 1) == first
    assert await store.webhooks.version(SITE, first.id, 2) == second
    assert await store.webhooks.version(SITE, first.id, 3) is None
    assert [row.created_at for row in await store.webhooks.secrets(SITE, first.id)] == [at(3), at(2), at(1)]
    assert await store.webhooks.secrets(OTHER, first.id) == ()


async def test_attempts(store: Store) -> None:
    """Attempts oldest first, one by id, and the newest of each of several deliveries."""
    one, two, three = delivery(1), delivery(2), delivery(3)
    rows = [
        attempt(
            one,
            n,
            number=n,
            trigger=Trigger.MANUAL,
            by="usr_1",
            outcome=Outcome(kind=OutcomeClass.THROTTLED, name="http_429", status=429, wait_s=2.5),
            decision=Decision(kind=DecisionKind.RETRY, at=at(9)),
            timing=Timing(total_ms=0.0),
            response_truncated=True,
        )
        for n in (1, 2, 3)
    ]
    lone = attempt(two, 1, outcome=Outcome(kind=OutcomeClass.FAILED, name="refused"), address=None)
    await store.commit(inserts(one, two, three, *rows[::-1], lone))
    assert await store.deliveries.attempts(SITE, one.id) == tuple(rows)
    assert await store.deliveries.attempt(SITE, lone.id) == lone
    found = await store.deliveries.last_attempts(SITE, (two.id, three.id, one.id))
    assert found == (lone, rows[2])
    assert await store.deliveries.last_attempts(OTHER, (one.id,)) == ()
    assert await store.deliveries.last_attempts(SITE, ()) == ()


async def test_statistics_add_up(store: Store) -> None:
    """Counts are added; what is counted is told by the order of commits, not by ids."""
    await store.commit(inserts(site()))
    one = delivery()
    late = attempt(one, 1, number=2)
    rows = [attempt(one, 5, number=1), late, attempt(one, 9, number=3)]
    for row in rows:
        await store.commit(inserts(row))
    assert await store.due.uncounted(9) == tuple(rows)
    assert await store.due.uncounted(2) == tuple(rows[:2])
    hour = StatHour(site=SITE, webhook_id=one.webhook_id, hour=5, delivered=1, ms_sum=7, ms_buckets=(1, 0))
    more = replace(hour, delivered=2, failed=1, ms_buckets=(0, 1, 4))
    assert await store.commit(Unit(changes=(AddStats(rows=(hour,), counted_to=rows[0].id),))) == OK
    assert await store.due.uncounted(9) == tuple(rows[1:])
    again = AddStats(rows=(more, replace(hour, hour=6)), counted_to=late.id)
    assert await store.commit(Unit(changes=(again,))) == OK
    assert await store.due.uncounted(9) == (rows[2],)
    total = replace(hour, delivered=3, failed=1, ms_sum=14, ms_buckets=(1, 1, 4))
    assert await store.webhooks.stats(SITE, 0) == (total, replace(hour, hour=6))
    assert await store.webhooks.stats(SITE, 6) == (replace(hour, hour=6),)


async def test_idempotency(store: Store) -> None:
    """A key is remembered; the same key at once is refused, much later it may be used anew."""
    row = Idempotency(site=SITE, maker="key_1", key="a", body_hash="h", answer=b'{"status":202}', at=at(0))
    assert await store.commit(inserts(row)) == OK
    assert await store.events.idempotency(SITE, "key_1", "a") == row
    assert await store.events.idempotency(OTHER, "key_1", "a") is None
    soon = replace(row, at=at(1_000), body_hash="i")
    assert await store.commit(inserts(event(1), soon)) == Refused(reason="exists", what="idempotency")
    later = replace(row, at=at(25 * 3_600_000), body_hash="j")
    assert await store.commit(inserts(later)) == OK
    assert await store.events.idempotency(SITE, "key_1", "a") == later


async def test_desk(store: Store) -> None:
    """A chat with its messages, a ticket with its notes, by id and by external id."""
    one = chat(
        1,
        report=Report(creator_waited_s=1.5, handled_at=at(3)),
        callback=Callback(type="phone", preferred_time=(Preferred(start="a", end="b"),)),
        close_record=CloseRecord(user=user(), note="done", last_modified_at=at(4)),
        users=(user(1), user(2, "m")),
    )
    two = ticket(7, external_id="X-7", tags=("a", "b"), agents=(user(2, "m"),))
    messages, notes = [message(one, n) for n in (3, 1)], [note(two, n) for n in (2, 1)]
    assert await store.commit(inserts(one, *messages, two, *notes)) == OK
    assert await store.desk.chat(SITE, one.id) == one
    assert await store.desk.messages(SITE, one.id) == tuple(messages[::-1])
    assert await store.desk.ticket(SITE, "7") == two
    assert await store.desk.ticket(SITE, "X-7") == two
    assert await store.desk.ticket(OTHER, "7") is None
    assert await store.desk.notes(SITE, "7") == tuple(notes[::-1])
    again = Unit(changes=(Replace(row=replace(one, version=2, name="New")), Replace(row=replace(two, version=2))))
    assert await store.commit(again) == OK
    assert await store.desk.next_ticket_number(OTHER) == 1


async def test_several_of_the_desk(store: Store) -> None:
    """Those that exist, whatever was asked twice or is unknown; deleted tickets too, other sites' never."""
    chats, tickets = [chat(n) for n in (1, 2, 3)], [ticket(7), ticket(8, deleted_at=at(9)), ticket(9)]
    assert await store.commit(inserts(*chats, *tickets, replace(chats[0], site=OTHER), ticket(7, site=OTHER))) == OK
    wanted = [chats[0].id, chats[2].id, chats[0].id, "none"]
    assert set(await store.desk.chats_of(SITE, wanted)) == {chats[0], chats[2]}
    found = await store.desk.tickets_of(SITE, ["7", "8", "8", "10"])
    assert sorted(found, key=lambda one: one.entity_id) == tickets[:2]
    assert await store.desk.chats_of(SITE, []) == await store.desk.tickets_of(SITE, []) == ()


@pytest.mark.parametrize(("noun", "make"), [("company", company), ("contact", contact), ("agent", agent)])
async def test_people(store: Store, noun: str, make: type) -> None:
    """By number, by external id, all by number, and the next number."""
    rows = (make(2, external_id="12"), make(10, external_id="E"), make(12))
    assert await store.commit(inserts(*rows[::-1])) == OK
    read = getattr(store.people, noun)
    assert [await read(SITE, key) for key in ("2", "E", "12", "3", "²")] == [rows[0], rows[1], rows[2], None, None]
    assert await read(OTHER, "2") is None
    everyone = {"company": store.people.companies, "contact": store.people.contacts, "agent": store.people.agents}
    assert await everyone[noun](SITE) == rows
    assert await store.people.next_number(SITE, noun) == 13
    assert await store.people.next_number(OTHER, noun) == 1


async def test_accounts(store: Store) -> None:
    """Users, logins, keys and links, each by its credential."""
    ann, removed = account(), account(removed_at=at(1))
    logins = [login(ann), login(ann)]
    keys = [api_key(), api_key(rate_per_second=2.0)]
    links = [link(), link(kind=LinkKind.CLIENT, subject="dd~c~1")]
    elsewhere = account(site=OTHER)
    assert await store.commit(inserts(ann, removed, elsewhere, *logins, *keys, *links)) == OK
    assert set(await store.accounts.users(SITE)) == {ann, removed}
    assert set(await store.accounts.users_by_email("ann@example.com")) == {ann, elsewhere}
    assert await store.accounts.logins(SITE, ann.id) == tuple(logins[::-1])
    assert await store.accounts.login_by_hash(logins[0].token_hash) == logins[0]
    assert await store.accounts.login_by_hash("x") is None
    assert await store.accounts.keys(SITE) == tuple(keys[::-1])
    assert await store.accounts.key_by_lookup(keys[0].lookup) == keys[0]
    assert await store.accounts.link_by_hash(links[1].token_hash) == links[1]
    assert await store.accounts.links(SITE, "client") == (links[1],)


async def test_bins(store: Store) -> None:
    """Bins by id and address; captures both ways and by id."""
    one, two = bin_(steps=(Step(times=2, status=500), Step(headers=(("a", "b"),)))), bin_()
    rows = [capture(one, n, schema_faults=("x",) if n == 2 else None) for n in range(1, 5)]
    assert await store.commit(inserts(one, two, *rows)) == OK
    assert await store.bins.all(SITE) == (two, one)
    assert await store.bins.get(SITE, one.id) == one
    assert await store.bins.by_address(one.address) == one
    assert await store.bins.captures(SITE, one.id, None, 3) == tuple(rows[:0:-1])
    assert await store.bins.captures(SITE, one.id, 2, 3) == (rows[0],)
    assert await store.bins.captures_after(SITE, one.id, 1, 2) == tuple(rows[1:3])
    assert await store.bins.capture(SITE, rows[1].id) == rows[1]
    assert await store.bins.capture(OTHER, rows[1].id) is None


async def test_audit_is_a_chain(store: Store) -> None:
    """Each site's rows are numbered from 1 and each hash covers the one before."""
    entries = [entry(object_id=f"whk_{n}", after='{"a":"ü"}', reason=None) for n in range(4)]
    for number, one in enumerate(entries):
        assert await store.commit(inserts(event(number), audit=one)) == OK
    assert await store.commit(inserts(event(9), audit=entry(site=OTHER))) == OK
    assert await store.commit(Unit(changes=(), audit=entries[0])) == OK
    rows = await store.audit.range(SITE, 0, 99)
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
    assert [row.entry for row in rows] == [*entries, entries[0]]
    assert rows[0].previous_hash == FIRST_HASH
    assert rows[1].hash == chain_hash(rows[0].hash, entries[1])
    assert first_broken(rows) is None
    assert first_broken([*rows[:2], replace(rows[2], entry=entries[0]), *rows[3:]]) == 3
    assert first_broken([*rows[:2], *rows[3:]]) == 4
    assert await store.audit.page(SITE, None, 2) == rows[:2:-1]
    assert await store.audit.page(SITE, 4, 2) == rows[2:0:-1]
    assert await store.audit.range(SITE, 3, 9) == rows[3:]
    assert [row.seq for row in await store.audit.range(OTHER, 0, 9)] == [1]


async def test_meta(store: Store) -> None:
    """Values of the installation, last one wins; a store is sound and has a version."""
    key = ident("req")
    assert await store.commit(Unit(changes=(PutMeta(key=key, value="a"), PutMeta(key=key, value="b")))) == OK
    assert await store.schema.meta(key) == "b"
    assert await store.schema.meta("nothing") is None
    assert await store.schema.check() == ()
    assert await store.schema.version() >= 1
