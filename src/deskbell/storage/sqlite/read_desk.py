"""Reading the desk: chats, tickets, companies, contacts and agents."""

from typing import Any

from deskbell.model.chat import Chat, ChatMessage
from deskbell.model.ids import SiteId
from deskbell.model.people import Agent, Company, Contact
from deskbell.model.query import ChatFilter, TicketFilter
from deskbell.model.ticket import Note, Ticket
from deskbell.storage.sqlite.filters import Conditions, chat_conditions, ticket_conditions
from deskbell.storage.sqlite.read_settings import Bodies, maker_of
from deskbell.storage.sqlite.readers import Reading
from deskbell.storage.words import holds_word, number_of, ticket_texts


class SqliteDesk(Bodies):
    """`ports.Desk`."""

    async def chat(self, site: SiteId, chat_id: str) -> Chat | None:
        """One chat."""
        return await self._one(Chat, "chat_get", site=site, id=chat_id)

    async def chats(self, site: SiteId, which: ChatFilter, before: str | None, limit: int) -> tuple[Chat, ...]:
        """By creation, newest first."""
        found = chat_conditions(which)
        if before is not None:
            place = "(SELECT created_at, id FROM chat WHERE site = :site AND id = :before)"
            found.add(f"(created_at, id) < {place}", before=before)
        bindings = {"site": site, "limit": limit, **found.bindings}
        return await self._readers.read(lambda r: r.rows("chat_page", bindings, maker_of(Chat), conditions=found.text))

    async def messages(self, site: SiteId, chat_id: str) -> tuple[ChatMessage, ...]:
        """Oldest first."""
        return await self._all(ChatMessage, "chat_message_all", site=site, chat_id=chat_id)

    async def ticket(self, site: SiteId, key: str) -> Ticket | None:
        """By id, else by external id."""
        return await self._one(Ticket, "ticket_get", site=site, key=key)

    async def tickets(self, site: SiteId, which: TicketFilter, before: str | None, limit: int) -> tuple[Ticket, ...]:
        """By number, the highest first; deleted ones never."""
        found = ticket_conditions(which)
        if before is not None:
            place = "(SELECT entity_id FROM ticket WHERE site = :site AND id = :before)"
            found.add(f"entity_id < coalesce({place}, CAST(:before AS INTEGER))", before=before)
        return await self._readers.read(lambda r: _tickets(r, site, found, which.words, limit))

    async def notes(self, site: SiteId, ticket_id: str) -> tuple[Note, ...]:
        """Oldest first."""
        return await self._all(Note, "ticket_note_all", site=site, ticket_id=ticket_id)

    async def next_ticket_number(self, site: SiteId) -> int:
        """One more than the highest."""
        top = await self._readers.read(lambda r: r.one("ticket_top", {"site": site}, _first))
        return (top or 0) + 1


class SqlitePeople(Bodies):
    """`ports.People`."""

    async def company(self, site: SiteId, key: str) -> Company | None:
        """By number, else by external id."""
        return await self._one(Company, "company_get", site=site, key=key, number=number_of(key))

    async def companies(self, site: SiteId) -> tuple[Company, ...]:
        """By number."""
        return await self._all(Company, "company_all", site=site)

    async def contact(self, site: SiteId, key: str) -> Contact | None:
        """By number, else by external id."""
        return await self._one(Contact, "contact_get", site=site, key=key, number=number_of(key))

    async def contacts(self, site: SiteId) -> tuple[Contact, ...]:
        """By number."""
        return await self._all(Contact, "contact_all", site=site)

    async def agent(self, site: SiteId, key: str) -> Agent | None:
        """By number, else by external id."""
        return await self._one(Agent, "agent_get", site=site, key=key, number=number_of(key))

    async def agents(self, site: SiteId) -> tuple[Agent, ...]:
        """By number."""
        return await self._all(Agent, "agent_all", site=site)

    async def next_number(self, site: SiteId, noun: str) -> int:
        """One more than the highest ever; noun is company, contact or agent."""
        top = await self._readers.read(lambda r: r.one(f"{noun}_top", {"site": site}, _first))
        return (top or 0) + 1


def _first(row: Any) -> int:
    return int(row[0])


def _tickets(
    reading: Reading, site: SiteId, found: Conditions, words: tuple[str, ...], limit: int
) -> tuple[Ticket, ...]:
    """A page of tickets; words are looked for in the values, row by row until the page is full."""
    kept: list[Ticket] = []
    bindings = {"site": site, "limit": -1 if words else limit, **found.bindings}
    for ticket in reading.each("ticket_page", bindings, maker_of(Ticket), conditions=found.text):
        if all(holds_word(ticket_texts(ticket), word) for word in words):
            kept.append(ticket)
            if len(kept) >= limit:
                break
    return tuple(kept)
