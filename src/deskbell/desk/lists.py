"""The site's statuses, priorities and queues: read, looked up and changed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from deskbell.desk.reading import Reading
from deskbell.desk.writing import Plan, Writer
from deskbell.model.changes import Insert, Replace
from deskbell.model.ids import SiteId
from deskbell.model.ticket import Choice, Status, TicketLists
from deskbell.ports import Store
from deskbell.rules.limits import Limits
from deskbell.rules.ticket_lists import fresh_lists

LIST_ID_MAX = 2**31 - 1
_ENTRIES_MAX = 200
E = TypeVar("E", Status, Choice)


class Lists:
    """Use cases of the lists."""

    def __init__(self, *, store: Store, writer: Writer, limits: Limits) -> None:
        self._store = store
        self._writer = writer
        self._limits = limits

    async def get(self, site: SiteId) -> TicketLists:
        """The lists in force; the first entry of each is the default."""
        return await self._store.sites.ticket_lists(site) or fresh_lists(site)

    async def change(self, site: SiteId, body: Mapping[str, Any]) -> TicketLists:
        """Each list that is told stands instead of the old one; entries without an id get the next. Raises Invalid."""

        async def plan() -> Plan[TicketLists]:
            stored = await self._store.sites.ticket_lists(site)
            old = stored or fresh_lists(site)
            new = _changed(old, Reading(body, self._limits))
            if new == old:
                return Plan(value=old)
            if stored is None:
                return Plan(value=new, changes=(Insert(row=new),))
            new = replace(new, version=old.version + 1)
            return Plan(value=new, changes=(Replace(row=new),))

        return (await self._writer.carry_out(site, plan)).value


def entry_of(entries: Sequence[E], reading: Reading, name: str) -> E | None:
    """The entry whose id stands under this name; a fault when there is none."""
    number = reading.integer(name, 1, LIST_ID_MAX)
    if number is None:
        return None
    found = next((entry for entry in entries if entry.id == number), None)
    if found is None:
        known = ", ".join(f"{entry.id} {entry.name}" for entry in entries[:20])
        reading.fault(name, "unknown", f"There is no such entry. The list has: {known}.")
    return found


def _changed(old: TicketLists, reading: Reading) -> TicketLists:
    reading.unknown(("statuses", "priorities", "queues"))
    new = old
    if reading.told("statuses"):
        new = replace(new, statuses=_statuses(reading, old))
        if new.statuses and new.statuses[0].is_closed:
            reading.fault(
                "statuses/0/isClosed", "default_closed", "The first status is that of new tickets: not closed."
            )
    if reading.told("priorities"):
        new = replace(new, priorities=_choices(reading, "priorities", old.priorities))
    if reading.told("queues"):
        new = replace(new, queues=_choices(reading, "queues", old.queues))
    reading.done()
    return new


def _statuses(reading: Reading, old: TicketLists) -> tuple[Status, ...]:
    members = ("id", "name", "isClosed", "isApprovalRequired")
    return tuple(
        Status(
            id=number,
            name=name,
            is_closed=entry.flag("isClosed") or False,
            is_approval_required=entry.flag("isApprovalRequired") or False,
        )
        for number, name, entry in _entries(reading, "statuses", members, old.statuses)
    )


def _choices(reading: Reading, list_name: str, old: tuple[Choice, ...]) -> tuple[Choice, ...]:
    entries = _entries(reading, list_name, ("id", "name"), old)
    return tuple(Choice(id=number, name=name) for number, name, _ in entries)


def _entries(
    reading: Reading, list_name: str, members: Sequence[str], old: Sequence[Status | Choice]
) -> list[tuple[int, str, Reading]]:
    """Id, name and object of every entry; ids and names are unique, and one entry at least must be there."""
    entries = reading.objects(list_name, _ENTRIES_MAX)
    if not entries:
        reading.fault(list_name, "empty", "At least one entry is needed: the first is the default.")
    given = [entry.body.get("id") for entry in entries]
    last = max([entry.id for entry in old] + [number for number in given if isinstance(number, int)], default=0)
    found: list[tuple[int, str, Reading]] = []
    for entry in entries:
        entry.unknown(members)
        entry.required("name")
        name, number = entry.line("name"), entry.integer("id", 1, LIST_ID_MAX)
        if number is None:
            last += 1
            number = last
        for taken, taken_name, _ in found:
            if taken == number:
                entry.fault("id", "twice", "Another entry has this id.")
            if name is not None and taken_name == name:
                entry.fault("name", "twice", "Another entry has this name.")
        found.append((number, name or "", entry))
    return found
