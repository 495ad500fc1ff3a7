"""Reading the desk: chats, tickets, companies, contacts and agents."""

from collections.abc import Sequence

from deskbell.model.chat import Chat, ChatMessage
from deskbell.model.ids import SiteId
from deskbell.model.people import Agent, Company, Contact
from deskbell.model.query import ChatFilter, TicketFilter
from deskbell.model.ticket import Note, Ticket
from deskbell.model.timer import DwellRule
from deskbell.storage.filters import Conditions, Dialect, chat_conditions, ticket_conditions
from deskbell.storage.reading import Bodies, Reads, maker_of, number
from deskbell.storage.words import holds_word, number_of, ticket_texts

_END = 2**62
TICKETS_AT_ONCE = 200
"""How many tickets are looked at for words before more are read."""


class SqlDesk(Bodies):
    """`ports.Desk`."""

    def __init__(self, reads: Reads, dialect: Dialect) -> None:
        super().__init__(reads)
        self._dialect = dialect

    async def chat(self, site: SiteId, chat_id: str) -> Chat | None:
        """One chat."""
        return await self._one(Chat, "chat_get", site=site, id=chat_id)

    async def chats(self, site: SiteId, which: ChatFilter, before: str | None, limit: int) -> tuple[Chat, ...]:
        """By creation, newest first."""
        found = chat_conditions(which, self._dialect)
        if before is not None:
            place = "(SELECT created_at, id FROM chat WHERE site = :site AND id = :before)"
            found.add(f"(created_at, id) < {place}", before=before)
        bindings = {"site": site, "limit": limit, **found.bindings}
        return await self._reads.rows("chat_page", bindings, maker_of(Chat), conditions=found.text)

    async def chats_of(self, site: SiteId, chat_ids: Sequence[str]) -> tuple[Chat, ...]:
        """Those that exist."""
        return await self._all(Chat, "chat_many", site=site, ids=self._dialect.listed(chat_ids))

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
            found.add(f"entity_id < coalesce({place}, :top)", before=before, top=number_of(before) or 0)
        if not which.words:
            return await self._ticket_page(site, found, limit)
        return await self._tickets_with(site, found, which.words, limit)

    async def _ticket_page(self, site: SiteId, found: Conditions, limit: int) -> tuple[Ticket, ...]:
        bindings = {"site": site, "limit": limit, **found.bindings}
        return await self._reads.rows("ticket_page", bindings, maker_of(Ticket), conditions=found.text)

    async def _tickets_with(
        self, site: SiteId, found: Conditions, words: tuple[str, ...], limit: int
    ) -> tuple[Ticket, ...]:
        """Words are looked for in the values, some rows at a time until the page is full."""
        kept: list[Ticket] = []
        found.add("entity_id < :below", below=_END)
        while True:
            page = await self._ticket_page(site, found, TICKETS_AT_ONCE)
            kept += [row for row in page if all(holds_word(ticket_texts(row), word) for word in words)]
            if len(kept) >= limit or len(page) < TICKETS_AT_ONCE:
                return tuple(kept[:limit])
            found.bindings["below"] = page[-1].entity_id

    async def tickets_of(self, site: SiteId, ticket_ids: Sequence[str]) -> tuple[Ticket, ...]:
        """Those that exist, deleted ones too."""
        return await self._all(Ticket, "ticket_many", site=site, ids=self._dialect.listed(ticket_ids))

    async def notes(self, site: SiteId, ticket_id: str) -> tuple[Note, ...]:
        """Oldest first."""
        return await self._all(Note, "ticket_note_all", site=site, ticket_id=ticket_id)

    async def next_ticket_number(self, site: SiteId) -> int:
        """One more than the highest."""
        top = await self._reads.one("ticket_top", {"site": site}, number)
        return (top or 0) + 1

    async def dwell_rules(self, site: SiteId) -> tuple[DwellRule, ...]:
        """By id."""
        return await self._all(DwellRule, "dwell_rule_all", site=site)


class SqlPeople(Bodies):
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
        top = await self._reads.one(f"{noun}_top", {"site": site}, number)
        return (top or 0) + 1
