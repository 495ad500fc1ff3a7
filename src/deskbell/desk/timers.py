"""What follows when timers fire: the desk knows, for snapshots are its own. It plans, the engine writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from deskbell.model.ids import SiteId
from deskbell.model.instant import TICKS_PER_SECOND, Instant, format_instant, plus
from deskbell.model.people import SYSTEM
from deskbell.model.site import Site
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


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the timers of a batch are about, read together: by site and id."""

    sites: Mapping[SiteId, Site | None]
    rules: Mapping[tuple[SiteId, str], DwellRule]
    chats: Mapping[tuple[SiteId, str], Chat]
    tickets: Mapping[tuple[SiteId, str], Ticket]

    def rule(self, timer: Timer) -> DwellRule | None:
        """The rule of a timer."""
        return self.rules.get((timer.site, timer.rule))


class DeskTimers:
    """Dwell rules, creators who are gone, messages that were gathered, and walks that arm a rule."""

    def __init__(self, *, store: Store, clock: Clock, limits: Limits, base_url: str) -> None:
        self._store = store
        self._limits = limits
        self._base_url = base_url
        self._dwelling = Dwelling(store=store, clock=clock)
        self._arming = Arming(store)

    async def fire(self, timers: Sequence[Timer], now: Instant) -> list[Firing]:
        """The changes and events of timers that are due, of each its own."""
        seen = await self._look(timers)
        return [await self._follow(timer, seen, now) for timer in timers]

    async def _look(self, timers: Sequence[Timer]) -> Seen:
        desk, sites = self._store.desk, tuple(dict.fromkeys(timer.site for timer in timers))
        chats: dict[tuple[SiteId, str], Chat] = {}
        tickets: dict[tuple[SiteId, str], Ticket] = {}
        for site in sites:
            chat_ids, ticket_ids = _ids(timers, site, "chat"), _ids(timers, site, "ticket")
            if chat_ids:
                chats |= {(site, chat.id): chat for chat in await desk.chats_of(site, chat_ids)}
            if ticket_ids:
                tickets |= {(site, ticket.id): ticket for ticket in await desk.tickets_of(site, ticket_ids)}
        return Seen(
            sites={site: await self._store.sites.get(site) for site in sites},
            rules={(site, rule.id): rule for site in sites for rule in await desk.dwell_rules(site)},
            chats=chats,
            tickets=tickets,
        )

    async def _follow(self, timer: Timer, seen: Seen, now: Instant) -> Firing:
        if timer.rule == ARMING:
            return await self._arming.step(timer, now)
        kind, _, key = timer.subject.partition(":")
        if kind == "ticket":
            return self._ticket_dwelled(timer, seen.tickets.get((timer.site, key)), seen, now)
        chat = seen.chats.get((timer.site, key))
        if chat is None:
            return _nothing(timer)
        if timer.rule == GONE:
            return await self._gone(timer, chat, now)
        if timer.rule == GATHERED:
            return _gathered(timer, chat, now)
        return _chat_dwelled(timer, chat, seen.rule(timer), now)

    def _ticket_dwelled(self, timer: Timer, ticket: Ticket | None, seen: Seen, now: Instant) -> Firing:
        rule, site = seen.rule(timer), seen.sites[timer.site]
        found = fired(rule, timer, stay_of_ticket(ticket) if ticket else None, now)
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
        event = _dwelled(event, rule, timer, found, now)
        return Firing(changes=(Replace(row=told), *_next(timer, found)), drafts=(event,))

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


def _ids(timers: Sequence[Timer], site: SiteId, kind: str) -> list[str]:
    """The ids of the subjects of this kind."""
    parts = [timer.subject.partition(":") for timer in timers if timer.site == site and timer.rule != ARMING]
    return [key for known, _, key in parts if known == kind]


def _chat_dwelled(timer: Timer, chat: Chat, rule: DwellRule | None, now: Instant) -> Firing:
    found = fired(rule, timer, stay_of_chat(chat), now)
    if rule is None or not found.tells:
        return _nothing(timer, found)
    told = replace(chat, sequence=chat.sequence + 1, version=chat.version + 1)
    event = _dwelled(chat_draft("chat.dwelled", told, SYSTEM, 0), rule, timer, found, now)
    return Firing(changes=(Replace(row=told), *_next(timer, found)), drafts=(event,))


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
