"""The members that people may set on a ticket, read and applied."""

from dataclasses import replace

from deskbell.desk.chat_reading import Finder
from deskbell.desk.lists import entry_of
from deskbell.desk.reading import Reading
from deskbell.model.errors import Invalid
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.people import CompanyRef, User
from deskbell.model.ticket import Status, Ticket, TicketLists
from deskbell.ports import Store

TICKET_MEMBERS = (
    "title", "type", "subType", "statusId", "priorityId", "queueId", "contactId", "companyId", "agentIds", "tags",
    "dueDateTime", "by",
)  # fmt: skip
_AGENTS_MAX = 50


class TicketFields:
    """Applies a body to a ticket; faults are left in the reading."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._finder = Finder(store)

    async def apply(self, ticket: Ticket, reading: Reading, lists: TicketLists, at: Instant) -> Ticket:
        """The ticket with what the body tells; what it does not tell stays."""
        ticket = with_texts(ticket, reading)
        ticket = with_status(ticket, entry_of(lists.statuses, reading, "statusId"), at)
        ticket = replace(
            ticket,
            priority=entry_of(lists.priorities, reading, "priorityId") or ticket.priority,
            queue=entry_of(lists.queues, reading, "queueId") or ticket.queue,
        )
        if reading.told("contactId"):
            contact = await self._contact(ticket.site, reading)
            ticket = replace(ticket, contact=contact, company=contact.company if contact else ticket.company)
        if reading.told("companyId"):
            ticket = replace(ticket, company=await self._company(ticket.site, reading))
        if reading.told("agentIds"):
            ticket = replace(ticket, agents=await self._agents(ticket.site, reading))
        return ticket

    async def author(self, site: SiteId, reading: Reading) -> User | None:
        """The person named by `by`."""
        user_id = reading.line("by")
        if user_id is None:
            return None
        try:
            return await self._finder.user(site, user_id, f"{reading.at}/by")
        except Invalid as refused:
            reading.faults.extend(refused.faults)
            return None

    async def _contact(self, site: SiteId, reading: Reading) -> User | None:
        key = _key(reading, "contactId")
        if key is None:
            return None
        try:
            return (await self._finder.contact(site, key, f"{reading.at}/contactId")).user
        except Invalid as refused:
            reading.faults.extend(refused.faults)
            return None

    async def _company(self, site: SiteId, reading: Reading) -> CompanyRef | None:
        key = _key(reading, "companyId")
        found = None if key is None else await self._store.people.company(site, str(key))
        if key is not None and found is None:
            reading.fault("companyId", "unknown", "There is no such company. Create it first.")
        return found.ref if found else None

    async def _agents(self, site: SiteId, reading: Reading) -> tuple[User, ...]:
        found: dict[str, User] = {}
        for place, value in enumerate(reading.items("agentIds", _AGENTS_MAX)):
            pointer = f"{reading.at}/agentIds/{place}"
            key = _key(
                Reading({str(place): value}, reading.limits, at=f"{reading.at}/agentIds", faults=reading.faults),
                str(place),
            )
            if key is None:
                continue
            try:
                user = await self._finder.agent_user(site, key, pointer)
                found[user.user_id] = user
            except Invalid as refused:
                reading.faults.extend(refused.faults)
        return tuple(found.values())


def with_texts(ticket: Ticket, reading: Reading) -> Ticket:
    """Title, types, tags and due time as told."""
    return replace(
        ticket,
        title=reading.line("title") or ticket.title,
        type=reading.line("type") if reading.told("type") else ticket.type,
        sub_type=reading.line("subType") if reading.told("subType") else ticket.sub_type,
        tags=reading.lines("tags") if reading.told("tags") else ticket.tags,
        due_at=reading.instant("dueDateTime") if reading.told("dueDateTime") else ticket.due_at,
    )


def with_status(ticket: Ticket, status: Status | None, at: Instant) -> Ticket:
    """The ticket in this status; closing and reopening move its closing time."""
    if status is None:
        return ticket
    closed_at = (ticket.closed_at or at) if status.is_closed else None
    return replace(ticket, status=status, closed_at=closed_at)


def _key(reading: Reading, name: str) -> int | str | None:
    value = reading.body.get(name)
    if value is None:
        return None
    if not isinstance(value, int | str) or isinstance(value, bool) or (isinstance(value, str) and len(value) > 128):
        reading.fault(name, "type", "This must be a number, a userId or another desk's own key.")
        return None
    return value
