"""A desk with one company, two contacts and two agents."""

from dataclasses import dataclass
from typing import Any

import pytest

from desk.twins import Clock, Random, TwinPublisher, TwinStore
from deskbell.desk import Chats, People, Tickets
from deskbell.model.instant import Instant
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
    changed: list[tuple[str, str, str]]

    @property
    def types(self) -> list[str]:
        """Event types so far."""
        return self.publisher.types


KEY = Actor(kind=ActorKind.KEY, name="script", id="key_1")


@pytest.fixture
def desk() -> Desk:
    """The desk of site dd."""
    store, clock, random = TwinStore(), Clock(), Random()
    publisher, changed = TwinPublisher(store), []
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
    return Desk(
        store=store,
        publisher=publisher,
        clock=clock,
        random=random,
        chats=Chats(random=random, **parts),
        tickets=Tickets(random=random, base_url="https://desk.example", **parts),
        people=People(**parts),
        changed=changed,
    )
