"""Arming a rule for the subjects that are in its status already: a walk in pages, each page one firing of a timer.

So a crash costs nothing: the timer names where the walk is. It walks twice: a change that read the rules before the
new one was there, and was written after the first walk had passed by, is met by the second.
"""

from deskbell.model.changes import ArmTimer, DropTimers
from deskbell.model.draft import Firing
from deskbell.model.instant import Instant, plus
from deskbell.model.query import ChatFilter, TicketFilter
from deskbell.model.timer import ARMING, DwellRule, Timer
from deskbell.ports import Store
from deskbell.rules.dwell import Stay, corrected, waits_for
from deskbell.rules.stays import stay_of_chat, stay_of_ticket

PAGE = 200
SETTLE_S = 10.0
"""Before the second walk: no change of the desk is longer on its way from reading to being written."""


def walk(rule: DwellRule, now: Instant) -> ArmTimer:
    """The beginning of the walk, to be written with the rule."""
    return ArmTimer(timer=_at(rule, "1", "", now))


class Arming:
    """The steps of walks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def step(self, timer: Timer, now: Instant) -> Firing:
        """One page; a walk whose rule was changed or deleted ends here."""
        rule_id, number, before = timer.subject.split(":", 2)
        done = DropTimers(site=timer.site, subject=timer.subject, rule=ARMING)
        rules = await self._store.desk.dwell_rules(timer.site)
        rule = next((one for one in rules if one.id == rule_id and one.version == timer.epoch), None)
        if rule is None or not rule.enabled:
            return Firing(changes=(done,))
        stays, last = await self._page(rule, before or None)
        armed = [ArmTimer(timer=missing) for missing in await self._missing(rule, stays, now)]
        if last:
            armed.append(ArmTimer(timer=_at(rule, number, last, now)))
        elif number == "1":
            armed.append(ArmTimer(timer=_at(rule, "2", "", plus(now, SETTLE_S))))
        return Firing(changes=(done, *armed))

    async def _missing(self, rule: DwellRule, stays: list[Stay], now: Instant) -> list[Timer]:
        """The timers that these subjects should have and have not."""
        armed = await self._store.timers.of_subjects(rule.site, [stay.subject for stay in stays])
        known = {timer.subject: timer for timer in armed if timer.rule == rule.id}
        found = [corrected(rule, stay, known.get(stay.subject), now) for stay in stays]
        return [timer for timer in found if timer is not None]

    async def _page(self, rule: DwellRule, before: str | None) -> tuple[list[Stay], str]:
        """Those of the next page that are in the rule's status, and where the page after it begins; empty: none."""
        if rule.subject == "chat":
            chats = await self._store.desk.chats(rule.site, ChatFilter(statuses=(rule.status,)), before, PAGE)
            return [stay_of_chat(chat) for chat in chats], chats[-1].id if len(chats) == PAGE else ""
        tickets = await self._store.desk.tickets(rule.site, TicketFilter(), before, PAGE)
        stays = [stay for ticket in tickets if (stay := stay_of_ticket(ticket)) and waits_for(rule, stay)]
        return stays, tickets[-1].id if len(tickets) == PAGE else ""


def _at(rule: DwellRule, number: str, before: str, due_at: Instant) -> Timer:
    subject = f"{rule.id}:{number}:{before}"
    return Timer(site=rule.site, rule=ARMING, subject=subject, epoch=rule.version, due_at=due_at, since=due_at)
