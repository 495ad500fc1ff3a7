"""Whatever enters or leaves a status arms and drops its timers in the unit of that change."""

from dataclasses import replace

from deskbell.model.changes import Change, DropTimers
from deskbell.model.chat import Chat, ChatStatus
from deskbell.model.instant import Instant
from deskbell.model.ticket import Ticket
from deskbell.model.timer import GONE, Entered
from deskbell.ports import Clock, Store
from deskbell.rules.dwell import changes_of
from deskbell.rules.stays import stay_of_chat, stay_of_ticket


class Dwelling:
    """Asked by every use case that may move a chat or a ticket; rules are read only when a status was entered."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def of_chat(self, before: Chat | None, after: Chat, since: Instant) -> tuple[Chat, tuple[Change, ...]]:
        """The chat as it is to be written, in its final version, and the timers that go with it."""
        if before is not None and before.status is after.status:
            return after, ()
        now = self._clock.now()
        chat = replace(after, entered=Entered(at=Instant(min(since, now)), version=after.version))
        rules = await self._store.desk.dwell_rules(chat.site)
        was = None if before is None else stay_of_chat(before)
        changes: tuple[Change, ...] = changes_of(rules, was, stay_of_chat(chat), now)
        if before is not None and before.status is ChatStatus.CREATED:
            changes = (*changes, DropTimers(site=chat.site, subject=f"chat:{chat.id}", rule=GONE))
        return chat, changes

    async def of_ticket(
        self, before: Ticket | None, after: Ticket, since: Instant
    ) -> tuple[Ticket, tuple[Change, ...]]:
        """The ticket as it is to be written, in its final version, and the timers that go with it."""
        was = None if before is None else stay_of_ticket(before)
        now_in = stay_of_ticket(after)
        if was == now_in or (was and now_in and was.status == now_in.status):
            return after, ()
        now, ticket = self._clock.now(), after
        if now_in is not None:
            ticket = replace(after, entered=Entered(at=Instant(min(since, now)), version=after.version))
            now_in = stay_of_ticket(ticket)
        rules = await self._store.desk.dwell_rules(ticket.site)
        return ticket, changes_of(rules, was, now_in, now)
