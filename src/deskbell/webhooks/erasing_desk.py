"""The desk's own rows of a subject that is erased: chat and messages, ticket and notes, contact."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from deskbell.model.changes import Change, Overwrite, Refused, Replace, Unit
from deskbell.model.ids import SiteId
from deskbell.model.query import ChatFilter, TicketFilter
from deskbell.ports import Store
from deskbell.rules.erasing import erased_chat, erased_contact, erased_message, erased_note, erased_ticket

Subject = tuple[str, str]
_TRIES = 20
_ROWS = 200


async def has_rows(store: Store, site: SiteId, subject: Subject) -> bool:
    """Whether the desk still keeps something of a subject."""
    return bool(await _changes(store, site, subject))


async def erase_rows(store: Store, site: SiteId, subject: Subject) -> Refused | None:
    """Blank them; whoever changes them meanwhile is waited for. The last refusal when that takes no end."""
    verdict: object = None
    for _ in range(_TRIES):
        changes = await _changes(store, site, subject)
        verdict = await store.commit(Unit(changes=changes)) if changes else None
        if not isinstance(verdict, Refused) or verdict.reason != "version":
            break
    return verdict if isinstance(verdict, Refused) else None


async def subjects_of(store: Store, site: SiteId, user_id: str) -> tuple[Subject, ...]:
    """The chats that a contact began and the tickets that are theirs."""
    found: list[Subject] = []
    before: str | None = None
    while chats := await store.desk.chats(site, ChatFilter(creator_id=user_id), before, _ROWS):
        found += [("chat", one.id) for one in chats]
        before = chats[-1].id
    last: str | None = None
    while tickets := await store.desk.tickets(site, TicketFilter(contact_id=user_id), last, _ROWS):
        found += [("ticket", one.id) for one in tickets]
        last = str(tickets[-1].entity_id)
    return tuple(found)


async def _changes(store: Store, site: SiteId, subject: Subject) -> tuple[Change, ...]:
    kind, key = subject
    if kind == "chat":
        chat = await store.desk.chat(site, key)
        messages = () if chat is None else await store.desk.messages(site, chat.id)
        return (*_anew(chat, erased_chat), *_over(messages, erased_message))
    if kind == "ticket":
        ticket = await store.desk.ticket(site, key)
        notes = () if ticket is None else await store.desk.notes(site, ticket.id)
        return (*_anew(ticket, erased_ticket), *_over(notes, erased_note))
    return _anew(await store.people.contact(site, key), erased_contact) if kind == "contact" else ()


def _anew(row: Any, blank: Callable[[Any], Any]) -> tuple[Change, ...]:
    """Replace a row unless there is none, or it is blank already."""
    if row is None or blank(row) == row:
        return ()
    return (Replace(row=replace(blank(row), version=row.version + 1)),)


def _over(rows: tuple[Any, ...], blank: Callable[[Any], Any]) -> tuple[Change, ...]:
    return tuple(Overwrite(row=blank(row)) for row in rows if blank(row) != row)
