"""Chats: every action of the desk on a chat, each with its event in one unit."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from deskbell.desk import chat_steps as steps
from deskbell.desk.callbacks import callback_of
from deskbell.desk.chat_events import chat_draft, told_or_gathered
from deskbell.desk.chat_opening import Opener, Opening
from deskbell.desk.chat_reading import Finder
from deskbell.desk.chat_report import ChatReporter
from deskbell.desk.dwelling import Dwelling
from deskbell.desk.ids import new_message_id
from deskbell.desk.presence import page_timer
from deskbell.desk.reading import Reading
from deskbell.desk.writing import Armed, Plan, Writer
from deskbell.model.changes import ArmTimer, Change, Insert, Replace
from deskbell.model.chat import Callback, Chat, ChatMessage, ChatStatus, ChatType, Reference
from deskbell.model.ids import EventId, SiteId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor, User
from deskbell.model.query import ChatFilter
from deskbell.ports import Clock, Publisher, Random, Store
from deskbell.rules.chat_moves import STATUS_EVENTS, legal_actions
from deskbell.rules.limits import Limits
from deskbell.rules.stays import told_since

Step = Callable[[Chat, Instant], Awaitable[Chat]]
Locks = Callable[[Chat], Awaitable[tuple[Change, ...]]]


class Chats:
    """Use cases of chats. Every one raises NotFound, Invalid or Conflict as fits."""

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
    ) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._limits = limits
        self._changed = changed
        self._writer = Writer(store=store, publisher=publisher, limits=limits, armed=armed)
        self._dwelling = Dwelling(store=store, clock=clock)
        self._finder = Finder(store)
        self._opener = Opener(finder=self._finder, clock=clock, random=random, limits=limits)
        self._reporter = ChatReporter(store=store, clock=clock, limits=limits)

    async def request(
        self,
        site: SiteId,
        by: Actor,
        *,
        contact_id: int | str,
        name: str | None = None,
        reference: Reference | Mapping[str, Any] | None = None,
        message: str | None = None,
        callback: Callback | Mapping[str, Any] | None = None,
        target_user_ids: Sequence[str] = (),
        has_page: bool = False,
        page_open: bool = False,
        hop: int = 0,
    ) -> Chat:
        """A contact asks for a chat, or with `callback` to be called back at once."""
        asked = Opening(
            creator=contact_id,
            type=ChatType.REQUEST,
            name=name,
            reference=reference,
            message=message,
            callback=callback,
            target_user_ids=target_user_ids,
            has_page=has_page,
            page_open=page_open,
        )
        return await self._open(site, by, asked, hop)

    async def push(
        self,
        site: SiteId,
        by: Actor,
        *,
        agent_id: int | str,
        name: str | None = None,
        reference: Reference | Mapping[str, Any] | None = None,
        message: str | None = None,
        target_user_ids: Sequence[str] = (),
        hop: int = 0,
    ) -> Chat:
        """An agent opens a chat and invites people."""
        asked = Opening(
            creator=agent_id,
            type=ChatType.PUSH,
            name=name,
            reference=reference,
            message=message,
            target_user_ids=target_user_ids,
        )
        return await self._open(site, by, asked, hop)

    async def _open(self, site: SiteId, by: Actor, asked: Opening, hop: int) -> Chat:
        async def plan() -> Plan[Chat]:
            opened = await self._opener.open(site, asked)
            chat, timers = await self._dwelling.of_chat(None, opened.chat, opened.chat.created_at)
            if asked.has_page and asked.page_open and chat.status is ChatStatus.CREATED:
                timers = (*timers, ArmTimer(timer=page_timer(chat, chat.created_at, self._limits)))
            event = chat_draft(STATUS_EVENTS[chat.status], chat, by, hop)
            changes = (Insert(row=chat), *opened.changes, *timers)
            return Plan(value=chat, changes=changes, drafts=(event,), guards=opened.guards)

        done = await self._writer.carry_out(site, plan)
        self._changed(site, "chat", done.value.id)
        return done.value

    async def join(self, site: SiteId, chat_id: str, user_id: str, by: Actor, *, hop: int = 0) -> Chat:
        """An agent, an invited user or somebody who was in it comes in; the first agent makes it handled."""

        async def step(chat: Chat, at: Instant) -> Chat:
            return steps.joined(chat, await self._user(site, user_id), at)

        return await self._act(site, chat_id, by, step, hop)

    async def leave(self, site: SiteId, chat_id: str, user_id: str, by: Actor, *, hop: int = 0) -> Chat:
        """Somebody goes; the creator before anyone answered makes it missed."""

        async def step(chat: Chat, at: Instant) -> Chat:
            return steps.left(chat, await self._user(site, user_id), at)

        return await self._act(site, chat_id, by, step, hop)

    async def invite(
        self, site: SiteId, chat_id: str, user_id: str, user_ids: Sequence[str], by: Actor, *, hop: int = 0
    ) -> Chat:
        """People are asked in."""

        async def step(chat: Chat, at: Instant) -> Chat:
            guests = await self._finder.users(site, user_ids, "/userIds")
            return steps.invited(chat, await self._user(site, user_id), guests, at)

        return await self._act(site, chat_id, by, step, hop)

    async def callback(
        self,
        site: SiteId,
        chat_id: str,
        user_id: str,
        callback: Callback | Mapping[str, Any],
        by: Actor,
        *,
        hop: int = 0,
    ) -> Chat:
        """The contact asks to be called back."""
        wish = callback_of(callback, self._limits)

        async def step(chat: Chat, at: Instant) -> Chat:
            return steps.called_back(chat, await self._user(site, user_id), wish, at)

        async def locks(chat: Chat) -> tuple[Change, ...]:
            if chat.status is not ChatStatus.MISSED or chat.creator.is_agent:
                return ()
            ticket = await self._finder.ticket(site, chat.reference)  # the chat becomes active again
            await self._finder.must_have_no_chat(site, chat.creator, ticket, but=chat.id)
            contact = await self._finder.contact(site, chat.creator.user_id, "/userId")
            return (Replace(row=replace(contact, version=contact.version + 1)),)

        return await self._act(site, chat_id, by, step, hop, locks)

    async def complete(
        self, site: SiteId, chat_id: str, user_id: str, note: str | None, by: Actor, *, hop: int = 0
    ) -> Chat:
        """An agent closes the chat, with a note or without."""
        reading = Reading({"note": note}, self._limits)
        reading.long("note")
        reading.done()

        async def step(chat: Chat, at: Instant) -> Chat:
            return steps.completed(chat, await self._user(site, user_id), note, at)

        return await self._act(site, chat_id, by, step, hop)

    async def say(self, site: SiteId, chat_id: str, user_id: str, text: str, by: Actor, *, hop: int = 0) -> Chat:
        """Somebody in the chat posts a message; it fires `chat.updated` unless one was fired just now."""
        reading = Reading({"text": text}, self._limits)
        reading.required("text")
        reading.long("text")
        reading.done()

        async def plan() -> Plan[Chat]:
            chat = await self._finder.chat(site, chat_id)
            user, now = await self._user(site, user_id), self._clock.now()
            steps.must_be_in(chat, user)
            message = ChatMessage(
                site=site,
                chat_id=chat.id,
                id=new_message_id(now, self._random, user.user_id),
                author=user,
                text=text,
                at=now,
            )
            after = replace(chat, last_message_id=message.id, last_modified_at=now, version=chat.version + 1)
            after, timers, drafts = told_or_gathered(after, by, hop, now, self._limits)
            return Plan(value=after, changes=(Insert(row=message), Replace(row=after), *timers), drafts=drafts)

        done = await self._writer.carry_out(site, plan)
        self._changed(site, "chat", chat_id)
        return done.value

    async def report(
        self, site: SiteId, chat_id: str, body: Mapping[str, Any], by: Actor, *, hop: int = 0
    ) -> tuple[Chat, tuple[EventId, ...]]:
        """Another desk tells what it knows of the chat; nothing happens when that is known already."""

        async def plan() -> Plan[Chat]:
            reported = await self._reporter.read(site, chat_id, body)
            if not reported.event_types:
                return Plan(value=reported.chat, changes=reported.changes)
            chat, timers = await self._dwelling.of_chat(reported.old, reported.chat, told_since(reported.chat))
            row = Insert(row=chat) if reported.old is None else Replace(row=chat)
            drafts = tuple(chat_draft(name, chat, by, hop) for name in reported.event_types)
            return Plan(value=chat, changes=(*reported.changes, row, *timers), drafts=drafts)

        done = await self._writer.carry_out(site, plan)
        if done.changed:
            self._changed(site, "chat", chat_id)
        return done.value, done.event_ids

    async def get(self, site: SiteId, chat_id: str) -> Chat:
        """The chat as it is now."""
        return await self._finder.chat(site, chat_id)

    async def page(
        self, site: SiteId, which: ChatFilter, before: str | None = None, limit: int = 50
    ) -> tuple[Chat, ...]:
        """Chats, newest first; `before` is the id of the last one of the previous page."""
        return await self._store.desk.chats(site, which, before, limit)

    async def messages(self, site: SiteId, chat_id: str) -> tuple[ChatMessage, ...]:
        """The chat's messages, oldest first."""
        await self._finder.chat(site, chat_id)
        return await self._store.desk.messages(site, chat_id)

    def legal_moves(self, chat: Chat) -> tuple[str, ...]:
        """What may be done with the chat now: join, invite, leave, callback, complete, message."""
        return legal_actions(chat)

    async def _user(self, site: SiteId, user_id: str) -> User:
        return await self._finder.user(site, user_id, "/userId")

    async def _act(
        self, site: SiteId, chat_id: str, by: Actor, step: Step, hop: int, locks: Locks | None = None
    ) -> Chat:
        """Read, take the step, write with its one event; again from the start when somebody was faster."""

        async def plan() -> Plan[Chat]:
            chat = await self._finder.chat(site, chat_id)
            after = await step(chat, self._clock.now())
            if after == chat:
                return Plan(value=chat)
            moved = after.status is not chat.status
            after = replace(after, version=chat.version + 1, sequence=chat.sequence + 1)
            after, timers = await self._dwelling.of_chat(chat, after, after.last_modified_at)
            event = chat_draft(STATUS_EVENTS[after.status] if moved else "chat.updated", after, by, hop)
            locked = await locks(chat) if locks else ()
            return Plan(value=after, changes=(Replace(row=after), *locked, *timers), drafts=(event,))

        done = await self._writer.carry_out(site, plan)
        if done.changed:
            self._changed(site, "chat", chat_id)
        return done.value
