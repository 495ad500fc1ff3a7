"""Companies, contacts and agents: the people of the desk."""

from dataclasses import replace

from deskbell.desk.ids import USER_ID
from deskbell.desk.person_rules import changed_agent, changed_company, changed_contact
from deskbell.desk.person_store import Changed, PersonStore
from deskbell.desk.reading import Reading
from deskbell.desk.writing import Writer
from deskbell.model.changes import Change, Replace
from deskbell.model.errors import Conflict
from deskbell.model.ids import SiteId
from deskbell.model.people import Agent, Company, CompanyRef, Contact, User
from deskbell.ports import Clock, Publisher, Store
from deskbell.rules.limits import Limits


class Companies(PersonStore[Company]):
    """Client companies."""

    noun = "company"

    async def find(self, site: SiteId, key: str) -> Company | None:
        """The company under the entity id or external id."""
        return await self._store.people.company(site, key)

    async def list(self, site: SiteId) -> tuple[Company, ...]:
        """All of the site, by entity id."""
        return await self._store.people.companies(site)

    async def _blank(self, site: SiteId, entity_id: int, external_id: str | None) -> Company:
        now = self._clock.now()
        return Company(site=site, entity_id=entity_id, name="", identifier="", external_id=external_id, created_at=now)

    async def _filled(self, old: Company, reading: Reading) -> Company:
        return changed_company(old, reading)

    async def _also(self, old: Company, new: Company) -> tuple[Change, ...]:
        """Contacts carry their company's name along."""
        if old.ref == new.ref:
            return ()
        return tuple(
            Replace(row=_with_company(contact, new.ref))
            for contact in await self._store.people.contacts(new.site)
            if contact.company and contact.company.entity_id == new.entity_id
        )

    async def _must_be_free(self, row: Company) -> None:
        for contact in await self._store.people.contacts(row.site):
            if contact.company and contact.company.entity_id == row.entity_id:
                raise Conflict(f"{row.name} still has contacts, such as {contact.name}. Move or remove them first.")


class Contacts(PersonStore[Contact]):
    """End users who belong to a company."""

    noun = "contact"
    letter = "c"

    async def find(self, site: SiteId, key: str) -> Contact | None:
        """The contact under the entity id or external id."""
        return await self._store.people.contact(site, key)

    async def list(self, site: SiteId) -> tuple[Contact, ...]:
        """All of the site, by entity id."""
        return await self._store.people.contacts(site)

    async def _blank(self, site: SiteId, entity_id: int, external_id: str | None) -> Contact:
        return Contact(site=site, entity_id=entity_id, name="", external_id=external_id, created_at=self._clock.now())

    async def _filled(self, old: Contact, reading: Reading) -> Contact:
        company = old.company
        if reading.told("companyId"):
            company = await self._company(old.site, reading)
        return changed_contact(old, reading, company)

    async def _company(self, site: SiteId, reading: Reading) -> CompanyRef | None:
        key = reading.body.get("companyId")
        if key is None:
            return None
        usable = isinstance(key, int | str) and not isinstance(key, bool)
        found = await self._store.people.company(site, str(key)) if usable else None
        if found is None:
            reading.fault("companyId", "unknown", "There is no such company. Create it first.")
            return None
        return found.ref


class Agents(PersonStore[Agent]):
    """Technicians; `member` on the wire."""

    noun = "agent"
    letter = "m"

    async def find(self, site: SiteId, key: str) -> Agent | None:
        """The agent under the entity id or external id."""
        return await self._store.people.agent(site, key)

    async def list(self, site: SiteId) -> tuple[Agent, ...]:
        """All of the site, by entity id."""
        return await self._store.people.agents(site)

    async def _blank(self, site: SiteId, entity_id: int, external_id: str | None) -> Agent:
        return Agent(site=site, entity_id=entity_id, name="", external_id=external_id, created_at=self._clock.now())

    async def _filled(self, old: Agent, reading: Reading) -> Agent:
        return changed_agent(old, reading)


class People:
    """The three nouns together, and look-ups over all of them."""

    def __init__(self, *, store: Store, publisher: Publisher, clock: Clock, limits: Limits, changed: Changed) -> None:
        writer = Writer(store=store, publisher=publisher, limits=limits)
        self.companies = Companies(store=store, writer=writer, clock=clock, limits=limits, changed=changed)
        self.contacts = Contacts(store=store, writer=writer, clock=clock, limits=limits, changed=changed)
        self.agents = Agents(store=store, writer=writer, clock=clock, limits=limits, changed=changed)

    async def agent_for_email(self, site: SiteId, email: str, name: str) -> Agent:
        """The agent as whom a login acts, found by e-mail address and made at first use."""
        for agent in await self.agents.list(site):
            if agent.email == email.lower():
                return agent
        return await self.agents.create(site, {"name": name, "email": email})

    async def user(self, site: SiteId, user_id: str) -> User:
        """The person of this `userId`. Raises NotFound."""
        found = USER_ID.fullmatch(user_id)
        if found is not None and found[2] == "m":
            return (await self.agents.get(site, user_id)).user
        return (await self.contacts.get(site, user_id)).user


def _with_company(contact: Contact, company: CompanyRef) -> Contact:
    return replace(contact, company=company, version=contact.version + 1)
