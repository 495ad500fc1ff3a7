"""Whatever is done in whatever order, three stores and a few dictionaries say the same."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from amount import examples
from contract.book import Book
from contract.made import (
    ANN,
    OTHER,
    SITE,
    at,
    attempt,
    delivery,
    ended,
    entry,
    event,
    health,
    secret,
    site,
    webhook,
)
from contract.three import Three
from deskbell.model.changes import (
    CancelWaiting,
    Change,
    Committed,
    DropAsked,
    Insert,
    Join,
    MoveDelivery,
    MustFence,
    Overwrite,
    PutHealth,
    Refused,
    Replace,
    Settle,
    Unit,
)
from deskbell.model.delivery import ENDED, Asked, Delivery, DeliveryState, Trigger
from deskbell.model.event import Event, Subject
from deskbell.model.ids import SiteId
from deskbell.model.query import DeliveryFilter, EventFilter
from deskbell.model.webhook import Deletion, Webhook, WebhookState
from deskbell.ports import Store
from postgres_server import PostgresServer, fresh_database

LEASE_S = 1_000.0
STATE_OF = {"delivered": DeliveryState.DELIVERED, "exhausted": DeliveryState.EXHAUSTED, "retry": DeliveryState.WAITING}
numbers = st.integers(0, 9_999)
sites = st.sampled_from([SITE, SITE, OTHER])
nodes = st.sampled_from(["a", "b", "c"])
shards = st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True)


class StoreMachine(RuleBasedStateMachine):
    """Publishers, people and nodes; `sending` is in the memory of the nodes, as it is at work."""

    server: ClassVar[PostgresServer]

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        self.ms = 0
        self.sending: list[tuple[Delivery, int | None, str]] = []  # as it was read, the node's fence, the node
        self.held: defaultdict[str, dict[int, int]] = defaultdict(dict)  # what each node believes to own
        self.published: list[Unit] = []
        self.hashes: dict[SiteId, str] = {}
        self.touched: set[SiteId] = set()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.database = fresh_database(self.server)
        self.three: Three = self.runner.run(self._open())
        for name in (SITE, OTHER):
            self.book.sites[name] = site(name)
            self.do(name, Insert(row=self.book.sites[name]))
            self.webhook_made(name, 0, "chat.created")
        self.touched = {SITE, OTHER}

    async def _open(self) -> Three:
        return await Three.opened(Path(self.folder.name), await self.database.__aenter__())

    def teardown(self) -> None:
        self.every_attempt_is_there()
        self.runner.run(self.three.close())
        self.runner.run(self.database.__aexit__(None, None, None))
        self.runner.close()
        self.folder.cleanup()

    # what people and programs do

    def now(self) -> int:
        """A new moment, milliseconds."""
        self.ms += 7
        return self.ms

    def do(self, name: SiteId, *changes: Change, expected: Any = None, rows: int = 0, audited: bool = False) -> bool:
        """Hand in a unit for one site; whether it was taken, which is told before by `expected`."""
        self.touched = {name}
        unit = Unit(changes=changes, audit=entry(site=name, at=at(self.ms)) if audited else None)
        verdict = self.runner.run(self.three.commit(unit))
        assert verdict == (expected or Committed(rows=rows)), unit
        if expected is None and audited:
            self.book.audited[name] += 1
        return expected is None

    def one_of(self, table: dict[Any, Any], number: int) -> Any:
        """A row of a table, by lot."""
        rows = list(table.values())
        return rows[number % len(rows)]

    @rule(name=sites, number=numbers, kind=st.sampled_from(["chat.created", "chat.*", "ticket.*"]))
    def webhook_made(self, name: SiteId, number: int, kind: str) -> None:
        """A new webhook with its secret."""
        if len(self.book.webhooks) < 8:
            row = webhook(site=name, shard=number % 4, event_types=(kind,))
            own = secret(row, self.now())
            if self.do(name, Insert(row=row), Insert(row=own), audited=True):
                self.book.webhooks[name, row.id] = row
                self.book.secrets[name, own.id] = own

    @rule(name=sites, count=st.integers(1, 3), gathers=st.booleans(), key=st.sampled_from([None, None, "x", "y"]))
    def publish(self, name: SiteId, count: int, gathers: bool, key: str | None) -> None:
        """Some events, each with a delivery for every webhook that wants it, in one unit."""
        changes = self._pairs(name, count, gathers, key)
        taken = any(row.external_id == key for row in self.book.rows(self.book.events, name)) and key is not None
        refused = Refused(reason="exists", what="event.external_id") if taken else None
        if self.do(name, *changes, expected=refused):
            self._written(changes)
            self.published.append(Unit(changes=changes))

    def _pairs(self, name: SiteId, count: int, gathers: bool, key: str | None) -> tuple[Insert, ...]:
        rows: list[Event | Delivery] = []
        for number in range(count):
            about = Subject(type="chat", id=f"c{number}", title="Printer")
            mine = event(self.now(), site=name, external_id=None if number else key, subject=about)
            rows.append(mine)
            for hook in self._wanting(name):
                state = DeliveryState.GATHERING if gathers else DeliveryState.WAITING
                more: dict[str, Any] = {"event_ids": (mine.id,), "subject": about, "state": state, "shard": hook.shard}
                rows.append(delivery(self.ms, site=name, webhook_id=hook.id, **more))
        return tuple(Insert(row=row) for row in rows)

    def _wanting(self, name: SiteId) -> list[Webhook]:
        on = self.book.sites[name].webhooks_enabled
        states = (WebhookState.ENABLED, WebhookState.PAUSED)
        hooks = [row for row in self.book.rows(self.book.webhooks, name) if on and row.state in states]
        return [row for row in hooks if row.event_types[0] in ("chat.created", "chat.*")]

    def _written(self, changes: tuple[Insert, ...]) -> None:
        for one in changes:
            if isinstance(one.row, Event):
                self.book.events[one.row.site, one.row.id] = one.row
            elif isinstance(one.row, Delivery):
                self.book.deliveries[one.row.site, one.row.id] = one.row
                self.book.created[one.row.site] += 1

    @precondition(lambda self: self.published)
    @rule(number=numbers)
    def publish_again(self, number: int) -> None:
        """A publisher that is unsure repeats what it said: nothing is doubled."""
        unit = self.published[number % len(self.published)]
        refused = Refused(reason="exists", what="event")
        self.do(unit.changes[0].row.site, *unit.changes, expected=refused)  # type: ignore[union-attr]  # an Insert

    @precondition(lambda self: self.book.deliveries)
    @rule(number=numbers, same=st.booleans())
    def join(self, number: int, same: bool) -> None:
        """One more event for a delivery that gathers, or gathered a moment ago."""
        row: Delivery = self.one_of(self.book.deliveries, number)
        about = row.subject if same else None
        mine = event(self.now(), site=row.site, type="chat.updated", subject=about)
        more = Join(
            site=row.site,
            delivery_id=row.id,
            event_ids=(mine.id,),
            event_types=(mine.type,),
            subject=about,
            hop=1,
            due_at=at(self.ms - 20),
        )
        is_open = row.state is DeliveryState.GATHERING
        refused = None if is_open else Refused(reason="state", what="delivery")
        if self.do(row.site, Insert(row=mine), more, expected=refused):
            self.book.events[row.site, mine.id] = mine
            self.book.deliveries[row.site, row.id] = replace(
                row,
                event_ids=(*row.event_ids, mine.id),
                event_types=tuple(dict.fromkeys((*row.event_types, mine.type))),
                subject=row.subject if same else None,
                hop=1,
                due_at=min(row.due_at, more.due_at),
            )

    @precondition(lambda self: self.book.deliveries)
    @rule(number=numbers, stale=st.booleans())
    def freeze(self, number: int, stale: bool) -> None:
        """A delivery stops gathering; who read it before its last event joined is refused."""
        row: Delivery = self.one_of(self.book.deliveries, number)
        seen = replace(row, event_ids=row.event_ids[:-1]) if stale and len(row.event_ids) > 1 else row
        after = replace(seen, state=DeliveryState.WAITING)
        holds = row.state is DeliveryState.GATHERING and seen is row
        refused = None if holds else Refused(reason="state", what="delivery")
        if self.do(row.site, MoveDelivery(after=after, expected=DeliveryState.GATHERING), expected=refused):
            self.book.deliveries[row.site, row.id] = after

    # nodes

    @rule(node=nodes)
    def renew(self, node: str) -> None:
        """A beat renews what the node still holds, and tells what everybody sees."""
        self.touched = set()
        self.book.beat(node, LEASE_S)
        found = self.runner.run(self.three.each(lambda store: beat(store, node)))
        alive = tuple(sorted(name for name, until in self.book.alive.items() if until > self.book.now))
        shown = {n: (self.book.owner(n), fence) for n, fence in self.book.fences.items()}
        assert found == (alive, shown)

    @rule(node=nodes, some=shards)
    def take(self, node: str, some: list[int]) -> None:
        """Only what nobody holds is taken, and each time with a higher fence."""
        self.touched = set()
        found = self.runner.run(self.three.each(lambda store: taken(store, node, some)))
        before = dict(self.book.fences)
        assert found == self.book.take(node, some, LEASE_S)
        assert all(fence > before.get(shard, 0) for shard, fence in found.items())
        self.held[node].update(found)

    @rule(node=nodes, some=shards, all_of_it=st.booleans())
    def hand_over(self, node: str, some: list[int], all_of_it: bool) -> None:
        """A node gives some of its shards back, or leaves."""
        self.touched = set()
        self.book.hand_over(node, list(range(256)) if all_of_it else some)
        if all_of_it:
            self.book.alive.pop(node, None)
        self.runner.run(self.three.each(lambda store: left(store, node, None if all_of_it else some)))

    @rule(seconds=st.sampled_from([400, 1_100]))
    def time_passes(self, seconds: int) -> None:
        """Leases run out. No sum of these is near the end of one: the server's clock goes on by itself."""
        self.touched = set()
        self.book.now += seconds
        self.ms += seconds * 1_000
        self.runner.run(self.three.advance(seconds))

    # deliveries

    @precondition(lambda self: self.waiting())
    @rule(some=st.lists(numbers, min_size=1, max_size=3), node=nodes)
    def send(self, some: list[int], node: str) -> None:
        """A node that believes to own the shards sends what waits; what is nobody's is a lone process's to send."""
        for number in some:
            row: Delivery = self.waiting()[number % len(self.waiting())]
            self.sending.append((row, self.held[node].get(row.shard), node))
        self.sending = self.sending[-8:]

    def waiting(self) -> list[Delivery]:
        """Deliveries that wait."""
        return [row for row in self.book.deliveries.values() if row.state is DeliveryState.WAITING]

    @precondition(lambda self: self.sending)
    @rule(number=numbers, how=st.sampled_from(sorted(STATE_OF)), again=st.booleans())
    def settle(self, number: int, how: str, again: bool) -> None:
        """What came of it is written; a former owner's is refused, and so is what was settled or cancelled since."""
        row, fence, _ = self.sending.pop(number % len(self.sending))
        moment = self.now()
        after = ended(row, moment, STATE_OF[how])
        after = replace(after, ended_at=None, due_at=at(moment + 5_000)) if how == "retry" else after
        done = Settle(attempt=attempt(row, moment), after=after, expected=DeliveryState.WAITING, fence=fence)
        own = health(row.webhook_id, site=row.site, failures_in_row=number)
        refused = self._refusal(row, fence)
        if self.do(row.site, done, PutHealth(health=own), expected=refused):
            self.book.settle(done.attempt, after)
            self.book.health[row.site, row.webhook_id] = own
            if again:
                self.do(row.site, done, expected=Refused(reason="exists", what="attempt"))

    def _refusal(self, row: Delivery, fence: int | None) -> Refused | None:
        if fence is not None and self.book.fences.get(row.shard) != fence:
            return Refused(reason="fence", what="shard")
        present = self.book.deliveries[row.site, row.id]
        return None if present.state is DeliveryState.WAITING else Refused(reason="state", what="delivery")

    @precondition(lambda self: self.book.deliveries)
    @rule(number=numbers)
    def ask(self, number: int) -> None:
        """A person asks for one attempt; twice is once."""
        row: Delivery = self.one_of(self.book.deliveries, number)
        wish = Asked(
            site=row.site, delivery_id=row.id, webhook_id=row.webhook_id, shard=row.shard, at=at(self.now()), by="Ann"
        )
        refused = Refused(reason="exists", what="asked") if (row.site, row.id) in self.book.asked else None
        if self.do(row.site, Insert(row=wish), expected=refused, audited=True):
            self.book.asked[row.site, row.id] = wish

    @precondition(lambda self: self.book.asked)
    @rule(number=numbers, fence=st.integers(0, 3))
    def answer(self, number: int, fence: int) -> None:
        """The attempt that was asked for is made, whatever the state; the wish goes with its settle."""
        wish: Asked = self.one_of(self.book.asked, number)
        row = self.book.deliveries[wish.site, wish.delivery_id]
        after = ended(row, self.now())
        tried = attempt(row, self.ms, trigger=Trigger.MANUAL, by="Ann")
        done = Settle(attempt=tried, after=after, expected=row.state)
        present = self.book.fences.get(wish.shard)
        refused = Refused(reason="fence", what="shard") if fence and fence != present else None
        guards = (MustFence(shard=wish.shard, fence=fence),) if fence else ()
        drop = DropAsked(site=wish.site, delivery_id=wish.delivery_id)
        self.touched = {wish.site}
        verdict = self.runner.run(self.three.commit(Unit(changes=(done, drop), guards=guards)))
        assert verdict == (refused or Committed())
        if refused is None:
            self.book.settle(tried, after)
            del self.book.asked[wish.site, wish.delivery_id]

    # webhooks and sites

    @rule(number=numbers, state=st.sampled_from(["enabled", "paused", "disabled"]), stale=st.booleans())
    def change(self, number: int, state: str, stale: bool) -> None:
        """A webhook is paused, disabled or enabled; who read an older version is refused."""
        row: Webhook = self.one_of(self.book.webhooks, number)
        after = replace(row, version=row.version + (0 if stale else 1), state=WebhookState(state))
        refused = Refused(reason="version", what="webhook") if stale else None
        if row.deletion is None and self.do(row.site, Replace(row=after), expected=refused, audited=True):
            self.book.webhooks[row.site, row.id] = after

    @rule(number=numbers)
    def delete(self, number: int) -> None:
        """A webhook is deleted, and what waits for it is cancelled with it."""
        row: Webhook = self.one_of(self.book.webhooks, number)
        if row.deletion is not None:
            return
        moment = at(self.now())
        gone = Deletion(at=moment, by=ANN, reason="old", cancelled=len(self.book.open_of(row)), state_before=row.state)
        after = replace(row, version=row.version + 1, state=WebhookState.DELETED, deletion=gone)
        cancel = CancelWaiting(site=row.site, webhook_id=row.id, at=moment)
        if self.do(row.site, Replace(row=after), cancel, rows=gone.cancelled, audited=True):
            assert self.book.cancel(row, moment) == gone.cancelled
            self.book.webhooks[row.site, row.id] = after

    @rule(number=numbers, revive=st.booleans())
    def restore(self, number: int, revive: bool) -> None:
        """It comes back with the same id and secret, and what was cancelled with it waits again, if wished."""
        row: Webhook = self.one_of(self.book.webhooks, number)
        if row.deletion is None:
            return
        after = replace(row, version=row.version + 1, state=row.deletion.state_before, deletion=None)
        mine = [one for one in self.book.rows(self.book.deliveries, row.site) if one.webhook_id == row.id and revive]
        again = [
            replace(one, state=DeliveryState.WAITING, ended_at=None)
            for one in mine
            if one.state is DeliveryState.CANCELLED and one.ended_at == row.deletion.at
        ]
        moves = [MoveDelivery(after=one, expected=DeliveryState.CANCELLED) for one in again]
        if self.do(row.site, Replace(row=after), *moves, audited=True):
            self.book.webhooks[row.site, row.id] = after
            self.book.deliveries.update({(one.site, one.id): one for one in again})

    @rule(number=numbers)
    def rotate(self, number: int) -> None:
        """A new secret; the old ones end."""
        row: Webhook = self.one_of(self.book.webhooks, number)
        fresh = secret(row, self.now())
        old = [one for one in self.book.rows(self.book.secrets, row.site) if one.webhook_id == row.id]
        old = [replace(one, valid_until=one.valid_until or at(self.ms + 60_000)) for one in old]
        if self.do(row.site, *[Overwrite(row=one) for one in old], Insert(row=fresh), audited=True):
            self.book.secrets.update({(one.site, one.id): one for one in (*old, fresh)})

    @rule(name=sites, on=st.booleans())
    def slide(self, name: SiteId, on: bool) -> None:
        """The slider of a site."""
        row = self.book.sites[name]
        after = replace(row, version=row.version + 1, webhooks_enabled=on)
        if self.do(name, Replace(row=after), audited=True):
            self.book.sites[name] = after

    # processes

    @rule(name=sites, count=st.integers(0, 3), turns=st.integers(0, 6))
    def crash(self, name: SiteId, count: int, turns: int) -> None:
        """Every process dies with units on their way; each is there wholly or not at all, and its maker repeats it."""
        self.touched = {name}
        self.sending.clear()
        units = [Unit(changes=self._pairs(name, 1, gathers=False, key=None)) for _ in range(count)]
        self.runner.run(self.three.crash(units, turns))
        self.runner.run(self._repeat(units))
        for unit in units:
            self._written(unit.changes)  # type: ignore[arg-type]  # Inserts

    async def _repeat(self, units: list[Unit]) -> None:
        for kept in self.three.kept.values():
            for unit in units:
                rows = [one.row for one in unit.changes if isinstance(one, Insert)]
                there = [await is_there(kept.store, row) for row in rows]
                assert len(set(there)) == 1, "half a unit"
                expected = Refused(reason="exists", what="event") if there[0] else Committed()
                assert await kept.store.commit(unit) == expected

    # what always holds

    @invariant()
    def the_dictionaries_say_the_same(self) -> None:
        """Every row of both sites, what is due, and how much waits; what was not touched is as it was."""
        book = self.book
        for name in (SITE, OTHER):
            told = self.runner.run(self.three.each(lambda store, name=name: dump(store, name)))
            assert told["deliveries"] == tuple(book.rows(book.deliveries, name)[::-1])
            assert told["events"] == tuple(book.rows(book.events, name)[::-1])
            assert told["webhooks"] == tuple(book.rows(book.webhooks, name))
            assert told["secrets"] == [self._secrets_of(hook) for hook in told["webhooks"]]
            assert told["health"] == tuple(book.rows(book.health, name))
            assert told["site"] == book.sites[name]
            assert told["waiting"] == book.waiting(name)
            assert told["audited"] == book.audited[name]
            mark = repr(told)
            assert name in self.touched or self.hashes[name] == mark, f"{name} was changed by what happened elsewhere"
            self.hashes[name] = mark
        due, asked = self.runner.run(self.three.each(due_and_asked))
        assert list(due) == book.due()
        assert list(asked) == sorted(book.asked.values(), key=lambda row: (row.at, row.delivery_id))

    def _secrets_of(self, hook: Webhook) -> tuple[Any, ...]:
        mine = [row for row in self.book.rows(self.book.secrets, hook.site) if row.webhook_id == hook.id]
        return tuple(sorted(mine, key=lambda row: (row.created_at, row.id), reverse=True))

    @invariant()
    def nothing_is_lost(self) -> None:
        """`gathering + waiting + sending + ended = created`, as each store counts them."""
        for name in (SITE, OTHER):
            found = self.runner.run(self.three.each(lambda store, name=name: counts(store, name)))
            assert found == {state: self.book.by_state(name)[state] for state in DeliveryState}
            ids = {row.id for row, _, _ in self.sending if row.site == name}
            sending = sum(self.book.deliveries[name, one].state is DeliveryState.WAITING for one in ids)
            parts = found[DeliveryState.GATHERING] + (found[DeliveryState.WAITING] - sending) + sending
            assert parts + sum(found[state] for state in ENDED) == self.book.created[name]

    def every_attempt_is_there(self) -> None:
        """Each attempt that was answered, and no other."""
        for name in (SITE, OTHER):
            for row in self.book.rows(self.book.deliveries, name):
                mine = [one for one in self.book.rows(self.book.attempts, name) if one.delivery_id == row.id]
                told = self.runner.run(
                    self.three.each(lambda store, row=row: store.deliveries.attempts(row.site, row.id))
                )
                assert told == tuple(sorted(mine, key=lambda one: (one.number, one.id)))


async def beat(store: Store, node: str) -> Any:
    """Who lives, and who owns what with which fence."""
    shares = await store.shards.beat(node, LEASE_S, delivers=True)
    return shares.nodes, {row.shard: (row.owner, row.fence) for row in shares.rows if row.fence}


async def taken(store: Store, node: str, some: list[int]) -> dict[int, int]:
    """The fences of what was free."""
    return dict(await store.shards.take(node, some, LEASE_S))


async def left(store: Store, node: str, some: list[int] | None) -> None:
    """Some shards, or all and the node."""
    await (store.shards.leave(node) if some is None else store.shards.hand_over(node, some))


async def is_there(store: Store, row: Any) -> bool:
    """Whether an event or a delivery is stored."""
    if isinstance(row, Event):
        return await store.events.get(row.site, row.id) is not None
    return await store.deliveries.get(row.site, row.id) is not None


async def dump(store: Store, name: SiteId) -> dict[str, Any]:
    """Everything that a site has."""
    hooks = await store.webhooks.all(name)
    return {
        "deliveries": await store.deliveries.page(name, DeliveryFilter(), None, 999),
        "events": await store.events.page(name, EventFilter(), None, 999),
        "webhooks": hooks,
        "secrets": [await store.webhooks.secrets(name, hook.id) for hook in hooks],
        "health": await store.webhooks.health(name),
        "site": await store.sites.get(name),
        "waiting": await store.deliveries.waiting(name),
        "audited": len(await store.audit.range(name, 0, 999)),
    }


async def due_and_asked(store: Store) -> Any:
    """What owners would send."""
    return await store.due.webhooks(), await store.due.asked(99)


async def counts(store: Store, name: SiteId) -> dict[DeliveryState, int]:
    """Deliveries by state."""
    return {
        state: await store.deliveries.count(name, DeliveryFilter(states=(state,)), 9_999) for state in DeliveryState
    }


def test_three_stores_and_a_dictionary(postgres_server: PostgresServer) -> None:
    """Publishing, sending, settling, crashing, pausing, deleting, restoring, rotating and the slider, in any order."""

    class Machine(StoreMachine):
        server = postgres_server

    plain = settings(
        max_examples=examples(8),
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine, settings=plain)
