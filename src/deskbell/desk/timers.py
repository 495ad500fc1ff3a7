"""What follows when a timer fires: the desk knows, for snapshots are its own. It plans, the engine writes."""

from dataclasses import replace
from typing import Any

from deskbell.desk.arming import Arming
from deskbell.desk.chat_events import chat_draft, drop_gathered, told_now
from deskbell.desk.chat_steps import abandoned
from deskbell.desk.dwelling import Dwelling
from deskbell.desk.links import link_for_ticket
from deskbell.desk.writing import draft
from deskbell.model.changes import ArmTimer, DropTimers, Replace
from deskbell.model.chat import Chat, ChatStatus
from deskbell.model.draft import Draft, Firing
from deskbell.model.event import Subject
from deskbell.model.instant import TICKS_PER_SECOND, Instant, format_instant, plus
from deskbell.model.people import SYSTEM
from deskbell.model.ticket import Ticket
from deskbell.model.timer import ARMING, GATHERED, GONE, DwellRule, Timer
from deskbell.ports import Clock, Store
from deskbell.rules.dwell import Fired, fired
from deskbell.rules.limits import Limits
from deskbell.rules.payload import ticket_head
from deskbell.rules.snapshots import seconds_wire
from deskbell.rules.stays import stay_of_chat, stay_of_ticket

LATE_S = 10.0
"""A `gone` that is later than this was slept through: nobody knows whether the page was open meanwhile."""


class DeskTimers:
    """Dwell rules, creators who are gone, messages that were gathered, and walks that arm a rule."""

    def __init__(self, *, store: Store, clock: Clock, limits: Limits, base_url: str) -> None:
        self._store = store
        self._limits = limits
        self._base_url = base_url
        self._dwelling = Dwelling(store=store, clock=clock)
        self._arming = Arming(store)

    async def fire(self, timer: Timer, now: Instant) -> Firing:
        """The changes and events of a timer that is due."""
        if timer.rule == ARMING:
            return await self._arming.step(timer, now)
        kind, _, key = timer.subject.partition(":")
        if kind == "ticket":
            return await self._ticket_dwelled(timer, await self._store.desk.ticket(timer.site, key), now)
        chat = await self._store.desk.chat(timer.site, key)
        if chat is None:
            return _nothing(timer)
        if timer.rule == GONE:
            return await self._gone(timer, chat, now)
        if timer.rule == GATHERED:
            return _gathered(timer, chat, now)
        return await self._chat_dwelled(timer, chat, now)

    async def _chat_dwelled(self, timer: Timer, chat: Chat, now: Instant) -> Firing:
        rule = await self._rule(timer)
        found = fired(rule, timer, stay_of_chat(chat), now)
        if rule is None or not found.tells:
            return _nothing(timer, found)
        told = replace(chat, sequence=chat.sequence + 1, version=chat.version + 1)
        event = chat_draft("chat.dwelled", told, SYSTEM, 0)
        return Firing(
            changes=(Replace(row=told), *_next(timer, found)), drafts=(_dwelled(event, rule, timer, found, now),)
        )

    async def _ticket_dwelled(self, timer: Timer, ticket: Ticket | None, now: Instant) -> Firing:
        rule = await self._rule(timer)
        found = fired(rule, timer, stay_of_ticket(ticket) if ticket else None, now)
        site = await self._store.sites.get(timer.site)
        if rule is None or ticket is None or site is None or not found.tells:
            return _nothing(timer, found)
        told = replace(ticket, sequence=ticket.sequence + 1, version=ticket.version + 1)
        event = draft(
            "ticket.dwelled",
            SYSTEM,
            now,
            head=ticket_head(told, {}, link_for_ticket(site, self._base_url, told.id)),
            subject=Subject(type="ticket", id=told.id, title=told.title),
            sequence=told.sequence,
            hop=0,
        )
        return Firing(
            changes=(Replace(row=told), *_next(timer, found)), drafts=(_dwelled(event, rule, timer, found, now),)
        )

    async def _gone(self, timer: Timer, chat: Chat, now: Instant) -> Firing:
        """The creator closed the page and did not come back while nobody answered: as if they had left."""
        if chat.status is not ChatStatus.CREATED or timer.epoch != stay_of_chat(chat).epoch or not chat.has_page:
            return _nothing(timer)
        if timer.fired == 0 and now - timer.due_at > LATE_S * TICKS_PER_SECOND:
            again = replace(timer, fired=1, due_at=plus(now, self._limits.chat_gone_s))
            return Firing(changes=(ArmTimer(timer=again),))
        left = replace(abandoned(chat, now), version=chat.version + 1, sequence=chat.sequence + 1)
        left, timers = await self._dwelling.of_chat(chat, left, now)
        return Firing(changes=(Replace(row=left), *timers), drafts=(chat_draft("chat.missed", left, SYSTEM, 0),))

    async def _rule(self, timer: Timer) -> DwellRule | None:
        rules = await self._store.desk.dwell_rules(timer.site)
        return next((rule for rule in rules if rule.id == timer.rule), None)


def _gathered(timer: Timer, chat: Chat, now: Instant) -> Firing:
    if chat.untold is None:
        return _nothing(timer)
    told, event = told_now(chat, chat.untold, now)
    return Firing(changes=(Replace(row=told), drop_gathered(told)), drafts=(event,))


def _nothing(timer: Timer, found: Fired | None = None) -> Firing:
    """Nothing to tell: its subject went on, or its rule did."""
    return Firing(changes=_next(timer, found or Fired(tells=False)))


def _next(timer: Timer, found: Fired) -> tuple[ArmTimer | DropTimers]:
    if found.next is not None:
        return (ArmTimer(timer=found.next),)
    return (DropTimers(site=timer.site, subject=timer.subject, rule=timer.rule),)


def _dwelled(event: Draft, rule: DwellRule, timer: Timer, found: Fired, now: Instant) -> Draft:
    """With what only these events say: since when, how long the rule waits, and how late this is."""
    meta: dict[str, Any] = {
        "since": format_instant(timer.since),
        "thresholdSeconds": rule.longer_than_s,
        "lateBySeconds": seconds_wire(found.late_by_s),
    }
    return replace(event, occurred_at=now, meta=meta)
