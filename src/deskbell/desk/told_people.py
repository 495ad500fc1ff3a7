"""People as other software tells them: read from snapshots, and upserted by `userId`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deskbell.desk.ids import ENTITY_ID_MAX, USER_ID
from deskbell.desk.person_rules import default_identifier
from deskbell.desk.reading import Reading
from deskbell.model.changes import Change, Insert, Replace
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.people import Agent, Company, CompanyRef, Contact, User
from deskbell.ports import Store


class ToldPeople:
    """The people of one report. `changes` are the rows that must be made or changed for them.

    A person of another site (the first part of the `userId`) is shown as told and kept nowhere else.
    """

    def __init__(self, store: Store, site: SiteId, at: Instant) -> None:
        self._people = store.people
        self._site = site
        self._at = at
        self._users: dict[str, User] = {}
        self._rows: dict[tuple[str, int], Change] = {}

    @property
    def changes(self) -> tuple[Change, ...]:
        """Rows to write, companies and people each once."""
        return tuple(self._rows.values())

    async def user(self, reading: Reading | None) -> User | None:
        """The person that this object tells; None without an object or after a fault."""
        if reading is None:
            return None
        reading.required("userId")
        user_id = reading.pattern("userId", USER_ID, "a userId such as dd~c~106 or dd~m~7")
        entity_id = reading.integer("entityId", 1, ENTITY_ID_MAX)
        if user_id is None:
            return None
        letter, number = user_id.split("~")[1], int(user_id.split("~")[2])
        if entity_id is not None and entity_id != number:
            reading.fault("entityId", "mismatch", f"The userId says {number}.")
        known = await self._known(user_id, letter, number)
        name = reading.line("name") or (known.name if known else None)
        if name is None:
            reading.required("name")
            return None
        company = self.company(reading.inside("company")) or (known.company if known else None)
        user = User(entity_id=number, name=name, user_id=user_id, company=company if letter == "c" else None)
        return await self._kept(user, letter)

    async def users(self, reading: Reading, name: str) -> tuple[User, ...]:
        """The persons of a list, each once."""
        found: dict[str, User] = {}
        for one in reading.objects(name, 200):
            user = await self.user(one)
            if user is not None:
                found.setdefault(user.user_id, user)
        return tuple(found.values())

    def company(self, reading: Reading | None) -> CompanyRef | None:
        """The company that this object tells."""
        if reading is None:
            return None
        reading.required("entityId", "name")
        number, name = reading.integer("entityId", 1, ENTITY_ID_MAX), reading.line("name")
        identifier = reading.line("identifier")
        if number is None or name is None:
            return None
        return CompanyRef(entity_id=number, name=name, identifier=identifier or default_identifier(name))

    async def _known(self, user_id: str, letter: str, number: int) -> User | None:
        if user_id in self._users:
            return self._users[user_id]
        if not user_id.startswith(f"{self._site}~"):
            return None
        row = await (self._people.agent if letter == "m" else self._people.contact)(self._site, str(number))
        return row.user if row else None

    async def _kept(self, user: User, letter: str) -> User:
        """The user, whose row will be as told; of two tellings in one report the first counts."""
        if user.user_id in self._users:
            return self._users[user.user_id]
        self._users[user.user_id] = user
        if user.user_id.startswith(f"{self._site}~"):
            if letter == "m":
                await self._keep_agent(user)
            else:
                await self._keep_contact(user)
        return user

    async def _keep_agent(self, user: User) -> None:
        old = await self._people.agent(self._site, str(user.entity_id))
        if old is None:
            row = Agent(site=self._site, entity_id=user.entity_id, name=user.name, created_at=self._at)
            self._rows["agent", user.entity_id] = Insert(row=row)
        elif old.name != user.name:
            self._rows["agent", user.entity_id] = Replace(row=replace(old, name=user.name, version=old.version + 1))

    async def _keep_contact(self, user: User) -> None:
        if user.company is not None:
            await self.keep_company(user.company)
        old = await self._people.contact(self._site, str(user.entity_id))
        if old is None:
            row = Contact(
                site=self._site, entity_id=user.entity_id, name=user.name, company=user.company, created_at=self._at
            )
            self._rows["contact", user.entity_id] = Insert(row=row)
        elif (old.name, old.company) != (user.name, user.company):
            new = replace(old, name=user.name, company=user.company, version=old.version + 1)
            self._rows["contact", user.entity_id] = Replace(row=new)

    async def keep_company(self, ref: CompanyRef) -> None:
        """The company's row will be as told."""
        if ("company", ref.entity_id) in self._rows:
            return
        old = await self._people.company(self._site, str(ref.entity_id))
        told: Mapping[str, Any] = {"name": ref.name, "identifier": ref.identifier}
        if old is None:
            row = Company(site=self._site, entity_id=ref.entity_id, created_at=self._at, **told)
            self._rows["company", ref.entity_id] = Insert(row=row)
        elif old.ref != ref:
            self._rows["company", ref.entity_id] = Replace(row=replace(old, version=old.version + 1, **told))
