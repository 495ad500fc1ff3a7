"""Opening a chat: a contact's request, or an agent's push."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deskbell.desk.callbacks import callback_of
from deskbell.desk.chat_reading import Finder, reference_of
from deskbell.desk.ids import new_chat_id, new_message_id
from deskbell.desk.reading import Reading
from deskbell.model.changes import Guard, Insert, MustVersion, Replace
from deskbell.model.chat import Callback, Chat, ChatMessage, ChatStatus, ChatType, Reference, Report
from deskbell.model.ids import SiteId
from deskbell.model.people import Contact, User
from deskbell.model.ticket import Ticket
from deskbell.ports import Clock, Random
from deskbell.rules.limits import Limits


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a new chat was asked to be."""

    creator: int | str  # key of the contact or agent
    type: ChatType
    name: str | None = None
    reference: Reference | Mapping[str, Any] | None = None
    message: str | None = None
    callback: Callback | Mapping[str, Any] | None = None
    target_user_ids: Sequence[str] = ()
    has_page: bool = False
    page_open: bool = False  # the client page is open in this moment


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A new chat and the rows that go with it, to be written after it."""

    chat: Chat
    changes: tuple[Insert | Replace, ...]
    guards: tuple[Guard, ...]


class Opener:
    """Makes new chats, with the rules on active chats checked so that two at once have one winner."""

    def __init__(self, *, finder: Finder, clock: Clock, random: Random, limits: Limits) -> None:
        self._finder = finder
        self._clock = clock
        self._random = random
        self._limits = limits

    async def open(self, site: SiteId, asked: Opening) -> Opened:
        """The chat as it begins. Raises Invalid, Conflict."""
        reading = Reading({"name": asked.name, "message": asked.message}, self._limits)
        reading.line("name")
        reading.long("message")
        reading.done()
        ticket = await self._finder.ticket(site, reference_of(asked.reference))
        contacts: list[Contact] = []
        if asked.type is ChatType.REQUEST:
            contact = await self._finder.contact(site, asked.creator, "/contactId")
            creator, guests = contact.user, await self._guests(site, asked)
            contacts.append(contact)
        else:
            creator = await self._finder.agent_user(site, asked.creator, "/agentId")
            guests = await self._guests(site, asked)
            contacts += [
                await self._finder.contact(site, guest.user_id, "/targetUserIds")
                for guest in guests
                if ticket is not None and not guest.is_agent
            ]
        for contact in contacts:
            await self._finder.must_have_no_chat(site, contact.user, ticket)
        chat = self._begin(site, asked, creator, guests, ticket)
        chat, message = self._first_message(chat, asked.message)
        # the contact's version is the lock: of two chats opened at once the second is planned anew
        locks = tuple(Replace(row=replace(one, version=one.version + 1)) for one in contacts)
        guards = (_stays(ticket),) if ticket else ()
        return Opened(chat=chat, changes=(*message, *locks), guards=guards)

    async def _guests(self, site: SiteId, asked: Opening) -> tuple[User, ...]:
        return await self._finder.users(site, asked.target_user_ids, "/targetUserIds")

    def _begin(
        self, site: SiteId, asked: Opening, creator: User, guests: tuple[User, ...], ticket: Ticket | None
    ) -> Chat:
        now = self._clock.now()
        callback = callback_of(asked.callback, self._limits, "/callback") if asked.callback else None
        status = ChatStatus.CALLBACK if callback else ChatStatus.CREATED
        return Chat(
            site=site,
            id=new_chat_id(now, self._random),
            name=asked.name or (ticket.title if ticket else f"Chat with {creator.name}"),
            type=asked.type,
            status=status,
            past_status=(status,),
            creator=creator,
            created_at=now,
            last_modified_at=now,
            report=Report(creator_waited_s=0.0 if callback else None),
            reference=Reference(type="ticket", id=ticket.id) if ticket else None,
            callback=callback,
            target_users=tuple(guest for guest in guests if guest.user_id != creator.user_id),
            users=(creator,),
            participants=(creator,),
            has_page=asked.has_page,
            sequence=1,
        )

    def _first_message(self, chat: Chat, text: str | None) -> tuple[Chat, tuple[Insert, ...]]:
        if text is None:
            return chat, ()
        message = ChatMessage(
            site=chat.site,
            chat_id=chat.id,
            id=new_message_id(chat.created_at, self._random, chat.creator.user_id),
            author=chat.creator,
            text=text,
            at=chat.created_at,
        )
        return replace(chat, last_message_id=message.id), (Insert(row=message),)


def _stays(ticket: Ticket) -> MustVersion:
    return MustVersion(site=ticket.site, kind="ticket", key=(ticket.id,), version=ticket.version)
