"""Whose client page is open: as long as it is, the moment at which its creator counts as gone moves on.

The timer is a lease. The open page renews it, its closing shortens it, a crash lets it run out: so nothing has to be
put right at a start, and it does not matter which process a page is open at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from deskbell.desk.writing import Armed
from deskbell.model.changes import ArmTimer, Unit, Verdict
from deskbell.model.chat import Chat, ChatStatus
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant, plus
from deskbell.model.query import ChatFilter
from deskbell.model.timer import Timer
from deskbell.ports import Clock, Store
from deskbell.rules.limits import Limits
from deskbell.rules.stays import gone_timer

_WAITING = (ChatStatus.CREATED.value,)
_CHATS_MAX = 20
HEARD_S = 10.0
"""An open page is heard of at least so often."""


def renew_s(limits: Limits) -> float:
    """How often an open page renews; a second page, open elsewhere, does so before the first one's end counts."""
    return limits.chat_gone_s / 2


def page_timer(chat: Chat, now: Instant, limits: Limits) -> Timer:
    """The creator's page is open: so long after the next renewal that does not come, they are gone."""
    return gone_timer(chat, now, plus(now, max(renew_s(limits), HEARD_S) + limits.chat_gone_s))


@dataclass
class _Contact:
    """The open pages of one contact in this process."""

    pages: int = 0
    renew_at: float = 0.0  # monotonic
    waiting: tuple[Chat, ...] = ()  # chats that wait for an agent, as last seen


class Presence:
    """Open client pages."""

    def __init__(self, *, store: Store, clock: Clock, limits: Limits, armed: Armed) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._armed = armed
        self._contacts: dict[tuple[SiteId, str], _Contact] = {}

    def is_open(self, site: SiteId, user_id: str) -> bool:
        """Whether this contact's page is open at this process."""
        return (site, user_id) in self._contacts

    def opens(self, site: SiteId, user_id: str) -> None:
        """A page was opened; it must be renewed while it is, and closed."""
        contact = self._contacts.setdefault((site, user_id), _Contact())
        contact.pages += 1
        contact.renew_at = 0.0

    async def renew(self, site: SiteId, user_id: str) -> None:
        """The page is open. Costs nothing until it is time again."""
        contact = self._contacts.get((site, user_id))
        now = self._clock.monotonic()
        if contact is None or now < contact.renew_at:
            return
        contact.renew_at = now + renew_s(self._limits)
        which = ChatFilter(statuses=_WAITING, creator_id=user_id)
        found = await self._store.desk.chats(site, which, None, _CHATS_MAX)
        contact.waiting = tuple(chat for chat in found if chat.has_page)
        at = self._clock.now()
        if contact.waiting and contact.pages:
            await self._store.commit(_arming(page_timer(chat, at, self._limits) for chat in contact.waiting))

    def closes(self, site: SiteId, user_id: str) -> None:
        """A page was closed; after the last one the creator has so long to come back."""
        contact = self._contacts[site, user_id]
        contact.pages -= 1
        if contact.pages:
            return
        del self._contacts[site, user_id]
        if not contact.waiting:
            return
        now = self._clock.now()
        due_at = plus(now, self._limits.chat_gone_s)
        unit = _arming(gone_timer(chat, now, due_at) for chat in contact.waiting)
        self._store.submit(unit, partial(self._closed, due_at))

    def _closed(self, due_at: Instant, verdict: Verdict) -> None:
        self._armed(due_at)


class OpenPage:
    """One page of a contact, open from the first time that this is said until it is closed."""

    def __init__(self, presence: Presence, site: SiteId, user_id: str) -> None:
        self._presence = presence
        self._whose = (site, user_id)
        self._is_open = False

    async def renew(self) -> None:
        """It is open."""
        if not self._is_open:
            self._is_open = True
            self._presence.opens(*self._whose)
        await self._presence.renew(*self._whose)

    def close(self) -> None:
        """It is not any more."""
        if self._is_open:
            self._is_open = False
            self._presence.closes(*self._whose)


def _arming(timers: Iterable[Timer]) -> Unit:
    return Unit(changes=tuple(ArmTimer(timer=timer) for timer in timers))
