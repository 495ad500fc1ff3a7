"""Tickets as another desk's software reports them: in the shape of the snapshot or of our own API, believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from deskbell.desk.ids import EXTERNAL_KEY, NUMBER_KEY, new_note_id
from deskbell.desk.lists import LIST_ID_MAX
from deskbell.desk.reading import Reading
from deskbell.desk.ticket_fields import TicketFields, with_status
from deskbell.desk.told_people import ToldPeople
from deskbell.model.changes import Change, Insert
from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.ticket import Choice, Note, Status, Ticket, TicketLists
from deskbell.ports import Clock, Random, Store
from deskbell.rules.limits import Limits

_AUTHOR_KINDS = ("agent", "contact", "form", "system")
E = TypeVar("E", Status, Choice)


@dataclass(frozen=True, kw_only=True)
class ReportedTicket:
    """The ticket before (None: new) and after a report, and the other rows to write."""

    old: Ticket | None
    new: Ticket
    people: tuple[Change, ...]  # to be written before the ticket
    notes: tuple[Change, ...]  # to be written after it


class TicketReporter:
    """Reads reports. Unknown members are passed over; what is not told stays as it was."""

    def __init__(self, *, store: Store, clock: Clock, random: Random, limits: Limits, fields: TicketFields) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._limits = limits
        self._fields = fields

    async def read(self, site: SiteId, key: str, body: Mapping[str, Any], lists: TicketLists) -> ReportedTicket:
        """What the report makes of the ticket under this key. Raises Invalid."""
        if EXTERNAL_KEY.fullmatch(key) is None:
            raise Invalid(faults=(FaultAt(pointer="", code="key_form", detail="A key is digits or visible ASCII."),))
        now = self._clock.now()
        old = await self._store.desk.ticket(site, key)
        reading = Reading(body, self._limits)
        if old is None:
            reading.required("title")
        people = ToldPeople(self._store, site, now)
        ticket = old or await self._blank(site, key, lists, now)
        ticket = await self._fields.apply(ticket, reading, lists, now)
        ticket = _with_choices(ticket, reading, lists, now)
        ticket = await _with_people(ticket, reading, people)
        ticket = _with_rest(ticket, reading)
        ticket, notes = await self._with_note(ticket, reading, people, now)
        reading.done()
        return ReportedTicket(old=old, new=replace(ticket, deleted_at=None), people=people.changes, notes=notes)

    async def _blank(self, site: SiteId, key: str, lists: TicketLists, now: Instant) -> Ticket:
        digits = NUMBER_KEY.fullmatch(key) is not None
        number = int(key) if digits else await self._store.desk.next_ticket_number(site)
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
            source="api",
            external_id=None if digits else key,
        )

    async def _with_note(
        self, ticket: Ticket, reading: Reading, people: ToldPeople, now: Instant
    ) -> tuple[Ticket, tuple[Change, ...]]:
        told = reading.inside("lastNote")
        if told is None:
            return ticket, ()
        told.required("text")
        note = Note(
            site=ticket.site,
            ticket_id=ticket.id,
            id=told.line("id") or "",
            kind=told.line("kind") or "note",
            author_kind=told.choice("authorKind", _AUTHOR_KINDS) or "system",
            author=await people.user(told.inside("author")),
            is_public=told.flag("isPublic") or False,
            text=told.long("text") or "",
            created_at=told.instant("createdDateTime") or now,
        )
        last = ticket.last_note
        if last is not None and note.id in ("", last.id):  # an untold id or time is no difference
            note = replace(note, id=last.id)
            note = note if told.told("createdDateTime") else replace(note, created_at=last.created_at)
            if note == last:
                return ticket, ()
        known = {one.id for one in await self._store.desk.notes(ticket.site, ticket.id)}
        if note.id in known and last is not None and note.id == last.id and not told.body.get("id"):
            note = replace(note, id="", created_at=told.instant("createdDateTime") or now)
        note = note if note.id else replace(note, id=new_note_id(now, self._random))
        changes = () if note.id in known else (Insert(row=note),)
        return replace(ticket, last_note=note), changes


def _with_choices(ticket: Ticket, reading: Reading, lists: TicketLists, at: Instant) -> Ticket:
    status = _told_entry(reading.inside("status"), lists.statuses)
    if status is not None:
        number, name, known = status
        inside = reading.inside("status")
        closed = inside.flag("isClosed") if inside else None
        approval = inside.flag("isApprovalRequired") if inside else None
        ticket = with_status(
            ticket,
            Status(
                id=number,
                name=name,
                is_closed=closed if closed is not None else bool(known and known.is_closed),
                is_approval_required=approval if approval is not None else bool(known and known.is_approval_required),
            ),
            at,
        )
    priority = _told_entry(reading.inside("priority"), lists.priorities)
    queue = _told_entry(reading.inside("queue"), lists.queues)
    return replace(
        ticket,
        priority=Choice(id=priority[0], name=priority[1]) if priority else ticket.priority,
        queue=Choice(id=queue[0], name=queue[1]) if queue else ticket.queue,
    )


def _told_entry(reading: Reading | None, entries: Sequence[E]) -> tuple[int, str, E | None] | None:
    """Id, name and our own entry of a status, priority or queue told by id, by name, or by both."""
    if reading is None:
        return None
    number, name = reading.integer("id", 1, LIST_ID_MAX), reading.line("name")
    known = next((one for one in entries if one.id == number or (number is None and one.name == name)), None)
    if known is not None:
        return known.id, name or known.name, known
    if number is None or name is None:
        reading.fault("", "unknown", "There is no such entry in this site's list. Tell both `id` and `name`.")
        return None
    return number, name, None


async def _with_people(ticket: Ticket, reading: Reading, people: ToldPeople) -> Ticket:
    if reading.told("contact"):
        contact = await people.user(reading.inside("contact"))
        ticket = replace(ticket, contact=contact)
        if contact is not None and contact.company is not None:
            ticket = replace(ticket, company=contact.company)
    if reading.told("company"):
        company = people.company(reading.inside("company"))
        if company is not None:
            await people.keep_company(company)
        ticket = replace(ticket, company=company)
    if reading.told("agents"):
        ticket = replace(ticket, agents=await people.users(reading, "agents"))
    return ticket


def _with_rest(ticket: Ticket, reading: Reading) -> Ticket:
    closed_at = ticket.closed_at
    if reading.body.get("closedDateTime") is not None:
        closed_at = reading.instant("closedDateTime")
    if reading.told("approval"):
        ticket = replace(ticket, approval=_object(reading, "approval"))
    if reading.told("form"):
        ticket = replace(ticket, form=_object(reading, "form"))
    return replace(
        ticket,
        source=reading.line("source") or ticket.source,
        created_at=reading.instant("createdDateTime") or ticket.created_at,
        last_modified_at=reading.instant("lastModifiedDateTime") or ticket.last_modified_at,
        closed_at=closed_at,
    )


def _object(reading: Reading, name: str) -> Mapping[str, Any] | None:
    inside = reading.inside(name)
    return None if inside is None else dict(inside.body)
