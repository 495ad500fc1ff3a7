"""Tickets: every action of the desk on a ticket, each with its events in one unit."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from deskbell.desk.dwelling import Dwelling
from deskbell.desk.links import link_for_ticket
from deskbell.desk.lists import Lists
from deskbell.desk.reading import Reading
from deskbell.desk.ticket_fields import TICKET_MEMBERS, TicketFields, with_status
from deskbell.desk.ticket_notes import read_note
from deskbell.desk.ticket_report import TicketReporter
from deskbell.desk.writing import Armed, Plan, Writer, draft
from deskbell.model.changes import Change, Insert, Replace
from deskbell.model.draft import Draft
from deskbell.model.errors import Conflict, NotFound
from deskbell.model.event import Subject
from deskbell.model.ids import EventId, SiteId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor, ActorKind
from deskbell.model.query import TicketFilter
from deskbell.model.ticket import Note, Ticket, TicketLists
from deskbell.ports import Clock, Publisher, Random, Store
from deskbell.rules.limits import Limits
from deskbell.rules.payload import ticket_changes, ticket_head
from deskbell.rules.ticket_events import ticket_events

_SOURCES = {ActorKind.CONTACT: "portal", ActorKind.KEY: "api", ActorKind.SYSTEM: "api"}


class Tickets:
    """Use cases of tickets. Every one raises NotFound, Invalid or Conflict as fits. Keys: id or external id."""

    def __init__(
        self,
        *,
        store: Store,
        publisher: Publisher,
        clock: Clock,
        random: Random,
        limits: Limits,
        changed: Callable[[SiteId, str, str], None],
        armed: Armed,
        base_url: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._limits = limits
        self._changed = changed
        self._base_url = base_url
        self._writer = Writer(store=store, publisher=publisher, limits=limits, armed=armed)
        self._dwelling = Dwelling(store=store, clock=clock)
        self._lists = Lists(store=store, writer=self._writer, limits=limits)
        self._fields = TicketFields(store)
        self._reporter = TicketReporter(store=store, clock=clock, random=random, limits=limits, fields=self._fields)

    async def create(self, site: SiteId, by: Actor, body: Mapping[str, Any], *, hop: int = 0) -> Ticket:
        """A new ticket, with the first entry of each list unless told otherwise; fires `ticket.created` alone."""

        async def plan() -> Plan[Ticket]:
            reading = Reading(body, self._limits)
            reading.unknown(TICKET_MEMBERS)
            reading.required("title", "contactId")
            await self._fields.author(site, reading)
            lists = await self._lists.get(site)
            blank = await self._blank(site, lists, _SOURCES.get(by.kind, "agent"))
            ticket = await self._fields.apply(blank, reading, lists, blank.created_at)
            reading.done()
            return await self._new_plan(ticket, ticket.created_at, by, hop)

        return (await self._written(site, plan))[0]

    async def change(self, site: SiteId, key: str, body: Mapping[str, Any], by: Actor, *, hop: int = 0) -> Ticket:
        """The ticket with these members changed; nothing happens when it is like that already."""

        async def plan() -> Plan[Ticket]:
            old = await self.get(site, key)
            reading = Reading(body, self._limits)
            reading.unknown(TICKET_MEMBERS)
            for name in ("title", "statusId", "priorityId", "queueId"):
                if reading.told(name):
                    reading.required(name)
            await self._fields.author(site, reading)
            new = await self._fields.apply(old, reading, await self._lists.get(site), self._clock.now())
            reading.done()
            return await self._change_plan(old, new, by, hop)

        return (await self._written(site, plan))[0]

    async def note(
        self, site: SiteId, key: str, body: Mapping[str, Any], by: Actor, *, hop: int = 0
    ) -> tuple[Ticket, Note]:
        """A note `{kind?, text, isPublic?, by?}`; it becomes the ticket's `lastNote`."""

        async def plan() -> Plan[Ticket]:
            old = await self.get(site, key)
            reading = Reading(body, self._limits)
            author = await self._fields.author(site, reading)
            note = read_note(old, reading, author, by, self._clock.now(), self._random)
            return await self._change_plan(old, replace(old, last_note=note), by, hop, (Insert(row=note),))

        ticket, _ = await self._written(site, plan)
        assert ticket.last_note is not None  # noqa: S101  # it was just written
        return ticket, ticket.last_note

    async def close(self, site: SiteId, key: str, by: Actor, *, hop: int = 0) -> Ticket:
        """The ticket in the first closed status. Raises Conflict when it is closed already."""
        return await self._set_closed(site, key, by, hop, closed=True)

    async def reopen(self, site: SiteId, key: str, by: Actor, *, hop: int = 0) -> Ticket:
        """The ticket in the first status that is not closed. Raises Conflict when it is open."""
        return await self._set_closed(site, key, by, hop, closed=False)

    async def _set_closed(self, site: SiteId, key: str, by: Actor, hop: int, *, closed: bool) -> Ticket:
        async def plan() -> Plan[Ticket]:
            old = await self.get(site, key)
            if old.status.is_closed is closed:
                raise Conflict(f"Ticket {old.id} is {'closed' if closed else 'open'} already: {old.status.name}.")
            lists = await self._lists.get(site)
            status = next((one for one in lists.statuses if one.is_closed is closed), None)
            if status is None:
                raise Conflict("This site's list of statuses has none for that. Add one first.")
            return await self._change_plan(old, with_status(old, status, self._clock.now()), by, hop)

        return (await self._written(site, plan))[0]

    async def delete(self, site: SiteId, key: str, by: Actor, *, hop: int = 0) -> None:
        """The ticket is gone from lists and pages; its events stay."""

        async def plan() -> Plan[Ticket]:
            old = await self.get(site, key)
            return await self._change_plan(old, replace(old, deleted_at=self._clock.now()), by, hop)

        await self._written(site, plan)

    async def report(
        self, site: SiteId, key: str, body: Mapping[str, Any], by: Actor, *, hop: int = 0
    ) -> tuple[Ticket, tuple[EventId, ...]]:
        """Another desk tells what it knows of the ticket; nothing happens when that is known already."""

        async def plan() -> Plan[Ticket]:
            told = await self._reporter.read(site, key, body, await self._lists.get(site))
            if told.old is None:
                new = replace(told.new, sequence=1)
                plan = await self._new_plan(new, new.last_modified_at, by, hop)
                return replace(plan, changes=(*told.people, *plan.changes, *told.notes))
            return await self._change_plan(told.old, told.new, by, hop, (*told.people, *told.notes))

        return await self._written(site, plan)

    async def get(self, site: SiteId, key: str) -> Ticket:
        """The ticket under its id or external id; a deleted one is not found."""
        found = await self._store.desk.ticket(site, key)
        if found is None or found.deleted_at is not None:
            raise NotFound(f"There is no ticket {key[:64]!r} on this site.")
        return found

    async def page(
        self, site: SiteId, which: TicketFilter, before: str | None = None, limit: int = 50
    ) -> tuple[Ticket, ...]:
        """Tickets, newest first; `before` is the id of the last one of the previous page."""
        return await self._store.desk.tickets(site, which, before, limit)

    async def notes(self, site: SiteId, key: str) -> tuple[Note, ...]:
        """The ticket's notes, oldest first."""
        return await self._store.desk.notes(site, (await self.get(site, key)).id)

    async def lists(self, site: SiteId) -> TicketLists:
        """Statuses, priorities and queues; the first of each is the default."""
        return await self._lists.get(site)

    async def change_lists(self, site: SiteId, body: Mapping[str, Any]) -> TicketLists:
        """The lists, each told one in place of the old one."""
        lists = await self._lists.change(site, body)
        self._changed(site, "ticket-lists", "")
        return lists

    async def link(self, ticket: Ticket) -> str:
        """Where the ticket is opened."""
        site = await self._store.sites.get(ticket.site)
        if site is None:
            raise NotFound("There is no such site.")
        return link_for_ticket(site, self._base_url, ticket.id)

    async def _blank(self, site: SiteId, lists: TicketLists, source: str) -> Ticket:
        number, now = await self._store.desk.next_ticket_number(site), self._clock.now()
        return Ticket(
            site=site,
            id=str(number),
            entity_id=number,
            title="",
            status=lists.statuses[0],
            priority=lists.priorities[0],
            queue=lists.queues[0],
            created_at=now,
            last_modified_at=now,
            source=source,
            sequence=1,
        )

    async def _new_plan(self, ticket: Ticket, since: Instant, by: Actor, hop: int) -> Plan[Ticket]:
        """`ticket.created` alone."""
        ticket, timers = await self._dwelling.of_ticket(None, ticket, since)
        drafts = await self._drafts(None, ticket, by, hop)
        return Plan(value=ticket, changes=(Insert(row=ticket), *timers), drafts=drafts)

    async def _change_plan(
        self, old: Ticket, new: Ticket, by: Actor, hop: int, also: tuple[Change, ...] = ()
    ) -> Plan[Ticket]:
        """`ticket.updated` and the specific events of one change, in order, or nothing without a change."""
        if replace(new, last_modified_at=old.last_modified_at) == old:
            return Plan(value=old, changes=also)
        if new.last_modified_at == old.last_modified_at:
            new = replace(new, last_modified_at=self._clock.now())
        new = replace(new, version=old.version + 1, sequence=old.sequence + len(ticket_events(old, new)))
        new, timers = await self._dwelling.of_ticket(old, new, new.last_modified_at)
        drafts = await self._drafts(old, new, by, hop)
        return Plan(value=new, changes=(*also, Replace(row=new), *timers), drafts=drafts)

    async def _drafts(self, old: Ticket | None, new: Ticket, by: Actor, hop: int) -> tuple[Draft, ...]:
        types = ("ticket.created",) if old is None else ticket_events(old, new)
        changes = {} if old is None else ticket_changes(old, new)
        head = ticket_head(new, changes, await self.link(new))
        subject = Subject(type="ticket", id=new.id, title=new.title)
        first = new.sequence - len(types) + 1
        return tuple(
            draft(
                name,
                by,
                new.last_modified_at,
                head=head,
                subject=subject,
                sequence=first + place,
                hop=hop,
                changed=tuple(changes),
            )
            for place, name in enumerate(types)
        )

    async def _written(self, site: SiteId, plan: Any) -> tuple[Ticket, tuple[EventId, ...]]:
        done = await self._writer.carry_out(site, plan)
        ticket: Ticket = done.value
        if done.changed:
            self._changed(site, "ticket", ticket.id)
        return ticket, done.event_ids
