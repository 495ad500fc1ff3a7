"""A desk with one company, two contacts and two agents."""

from dataclasses import dataclass
from typing import Any

import pytest

from desk.twins import Clock, Random, TwinPublisher, TwinStore
from deskbell.desk import Chats, DeskTimers, DwellRules, People, Presence, Tickets
from deskbell.model.audit import Origin
from deskbell.model.changes import MustTimer, Refused, Unit
from deskbell.model.instant import Instant, plus
from deskbell.model.people import Actor, ActorKind, Agent, Company, Contact
from deskbell.model.site import Site
from deskbell.rules.limits import Limits


@dataclass
class Desk:
    """The rooms and their twins."""

    store: TwinStore
    publisher: TwinPublisher
    clock: Clock
    random: Random
    chats: Chats
    tickets: Tickets
    people: People
    rules: DwellRules
    presence: Presence
    timers: DeskTimers
    changed: list[tuple[str, str, str]]
    armed: list[Instant]

    @property
    def types(self) -> list[str]:
        """Event types so far."""
        return self.publisher.types

    async def fire(self) -> None:
        """Fire all that is due, as the engine does."""
        while due := await self.store.timers.due(self.clock.now(), 100):
            for timer in due:
                [firing] = await self.timers.fire([timer], self.clock.now())
                guards = (MustTimer(timer=timer),)
                if firing.drafts:
                    found = await self.publisher.publish("dd", firing.drafts, changes=firing.changes, guards=guards)
                else:
                    found = await self.store.commit(Unit(changes=firing.changes, guards=guards))
                assert not isinstance(found, Refused) or found.reason in ("timer", "version"), found

    async def pass_time(self, seconds: float, step: float = 1.0) -> None:
        """Time passes bit by bit; what is due fires."""
        end = plus(self.clock.now(), seconds)
        while self.clock.now() < end:
            self.clock.go(step)
            await self.fire()


KEY = Actor(kind=ActorKind.KEY, name="script", id="key_1")
ORIGIN = Origin(address="192.0.2.7", request_id="req_1")


@pytest.fixture
def desk() -> Desk:
    """The desk of site dd."""
    store, clock, random = TwinStore(), Clock(), Random()
    publisher, changed, armed = TwinPublisher(store), [], []
    company = Company(site="dd", entity_id=5, name="Acme", identifier="AcmeLtd", created_at=Instant(0))
    rows: list[Any] = [Site(site="dd", name="DD", created_at=Instant(0)), company]
    rows += [
        Contact(site="dd", entity_id=number, name=name, company=company.ref, created_at=Instant(0))
        for number, name in ((1, "Cora"), (2, "Carl"))
    ]
    rows += [
        Agent(site="dd", entity_id=number, name=name, created_at=Instant(0))
        for number, name in ((1, "Ana Ruiz"), (2, "Bo Lind"))
    ]
    for row in rows:
        store.put(row)
    parts: dict[str, Any] = {
        "store": store,
        "publisher": publisher,
        "clock": clock,
        "limits": Limits(),
        "changed": lambda *what: changed.append(what),
    }
    timed: dict[str, Any] = {"armed": armed.append}
    plain = {name: value for name, value in parts.items() if name != "changed"}
    return Desk(
        store=store,
        publisher=publisher,
        clock=clock,
        random=random,
        chats=Chats(random=random, **timed, **parts),
        tickets=Tickets(random=random, base_url="https://desk.example", **timed, **parts),
        people=People(**parts),
        rules=DwellRules(random=random, **timed, **plain),
        presence=Presence(store=store, clock=clock, limits=Limits(), **timed),
        timers=DeskTimers(store=store, clock=clock, limits=Limits(), base_url="https://desk.example"),
        changed=changed,
        armed=armed,
    )
