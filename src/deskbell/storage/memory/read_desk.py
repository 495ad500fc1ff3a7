"""Reading the desk in memory: chats, tickets, companies, contacts and agents."""

from collections.abc import Sequence
from typing import Any

from deskbell.model.chat import Chat, ChatMessage
from deskbell.model.ids import SiteId
from deskbell.model.people import Agent, Company, Contact
from deskbell.model.query import ChatFilter, TicketFilter
from deskbell.model.ticket import Note, Ticket
from deskbell.model.timer import DwellRule
from deskbell.storage.memory.matching import chat_matches, ticket_matches
from deskbell.storage.memory.read_settings import Rows
from deskbell.storage.words import number_of


class MemoryDesk(Rows):
    """`ports.Desk`."""

    async def chat(self, site: SiteId, chat_id: str) -> Chat | None:
        """One chat."""
        found: Chat | None = self._tables.get("chat", (site, chat_id))
        return found

    async def chats(self, site: SiteId, which: ChatFilter, before: str | None, limit: int) -> tuple[Chat, ...]:
        """By creation, newest first."""
        rows: list[Chat] = [row for row in self._tables.of_site("chat", site) if chat_matches(which, row)]
        if before is not None:
            last: Chat | None = self._tables.get("chat", (site, before))
            if last is None:
                return ()
            rows = [row for row in rows if (row.created_at, row.id) < (last.created_at, last.id)]
        return tuple(sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)[:limit])

    async def chats_of(self, site: SiteId, chat_ids: Sequence[str]) -> tuple[Chat, ...]:
        """Those that exist."""
        rows: list[Chat | None] = [self._tables.get("chat", (site, one)) for one in dict.fromkeys(chat_ids)]
        return tuple(row for row in rows if row is not None)

    async def messages(self, site: SiteId, chat_id: str) -> tuple[ChatMessage, ...]:
        """Oldest first."""
        return tuple(sorted(self._tables.of_site("chat_message", site, chat_id), key=lambda row: (row.at, row.id)))

    async def ticket(self, site: SiteId, key: str) -> Ticket | None:
        """By id, else by external id."""
        found: Ticket | None = self._tables.get("ticket", (site, key))
        return found or self._tables.find("ticket", "external_id", key, site)

    async def tickets(self, site: SiteId, which: TicketFilter, before: str | None, limit: int) -> tuple[Ticket, ...]:
        """By number, the highest first; deleted ones never."""
        rows: list[Ticket] = [row for row in self._tables.of_site("ticket", site) if ticket_matches(which, row)]
        if before is not None:
            last: Ticket | None = self._tables.get("ticket", (site, before))
            top = last.entity_id if last is not None else number_of(before) or 0
            rows = [row for row in rows if row.entity_id < top]
        return tuple(sorted(rows, key=lambda row: row.entity_id, reverse=True)[:limit])

    async def tickets_of(self, site: SiteId, ticket_ids: Sequence[str]) -> tuple[Ticket, ...]:
        """Those that exist, deleted ones too."""
        rows: list[Ticket | None] = [self._tables.get("ticket", (site, one)) for one in dict.fromkeys(ticket_ids)]
        return tuple(row for row in rows if row is not None)

    async def notes(self, site: SiteId, ticket_id: str) -> tuple[Note, ...]:
        """Oldest first."""
        rows = self._tables.of_site("ticket_note", site, ticket_id)
        return tuple(sorted(rows, key=lambda row: (row.created_at, row.id)))

    async def next_ticket_number(self, site: SiteId) -> int:
        """One more than the highest."""
        return max((row.entity_id for row in self._tables.of_site("ticket", site)), default=0) + 1

    async def dwell_rules(self, site: SiteId) -> tuple[DwellRule, ...]:
        """By id."""
        return tuple(self._tables.of_site("dwell_rule", site))


class MemoryPeople(Rows):
    """`ports.People`."""

    def _found(self, table: str, site: SiteId, key: str) -> Any:
        by_number = self._tables.get(table, (site, number_of(key)))
        return by_number or self._tables.find(table, "external_id", key, site)

    async def company(self, site: SiteId, key: str) -> Company | None:
        """By number, else by external id."""
        found: Company | None = self._found("company", site, key)
        return found

    async def companies(self, site: SiteId) -> tuple[Company, ...]:
        """By number."""
        return tuple(self._tables.of_site("company", site))

    async def contact(self, site: SiteId, key: str) -> Contact | None:
        """By number, else by external id."""
        found: Contact | None = self._found("contact", site, key)
        return found

    async def contacts(self, site: SiteId) -> tuple[Contact, ...]:
        """By number."""
        return tuple(self._tables.of_site("contact", site))

    async def agent(self, site: SiteId, key: str) -> Agent | None:
        """By number, else by external id."""
        found: Agent | None = self._found("agent", site, key)
        return found

    async def agents(self, site: SiteId) -> tuple[Agent, ...]:
        """By number."""
        return tuple(self._tables.of_site("agent", site))

    async def next_number(self, site: SiteId, noun: str) -> int:
        """One more than the highest ever; noun is company, contact or agent."""
        used: int = self._tables.get("number_used", (site, noun)) or 0
        top: int = max((row.entity_id for row in self._tables.of_site(noun, site)), default=0)
        return max(used, top) + 1
