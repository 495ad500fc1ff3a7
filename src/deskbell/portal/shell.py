"""What stands around every page: side bar, badges, banners."""

from dataclasses import dataclass

from deskbell.model.account import Caller, Permission
from deskbell.model.chat import ChatStatus
from deskbell.model.instant import Instant
from deskbell.model.query import ChatFilter
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rooms import Rooms
from deskbell.rules.health import is_failing
from deskbell.webhooks.restores import RestoredCounts

BADGE_CHATS_MAX = 99


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One link of the side bar."""

    path: str
    name: str
    icon: str
    permission: Permission
    badge: str = ""  # name of the count shown beside it


NAV: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Desk",
        (
            Entry(
                path="/desk/agent", name="Agent desk", icon="headset", permission=Permission.DESK_READ, badge="chats"
            ),
            Entry(path="/desk/client", name="Client page", icon="user", permission=Permission.DESK_WRITE),
            Entry(path="/desk/timers", name="Timers", icon="clock", permission=Permission.DESK_READ),
            Entry(path="/people", name="People", icon="users", permission=Permission.DESK_READ),
        ),
    ),
    (
        "Advanced",
        (
            Entry(
                path="/webhook", name="Webhook", icon="webhook", permission=Permission.WEBHOOKS_READ, badge="attention"
            ),
            Entry(path="/deliveries", name="Deliveries", icon="activity", permission=Permission.EVENTS_READ),
            Entry(path="/events", name="Events", icon="zap", permission=Permission.EVENTS_READ),
            Entry(path="/replays", name="Replays", icon="history", permission=Permission.EVENTS_READ),
            Entry(path="/inspector", name="Inspector", icon="flask-conical", permission=Permission.WEBHOOKS_READ),
            Entry(path="/developer-corner", name="Developer Corner", icon="code", permission=Permission.WEBHOOKS_READ),
        ),
    ),
    (
        "Site",
        (
            Entry(path="/settings/users", name="Users", icon="users", permission=Permission.SITE_ADMIN),
            Entry(path="/keys", name="API keys", icon="key-round", permission=Permission.SITE_ADMIN),
            Entry(path="/settings/sign-in", name="Single sign-on", icon="log-in", permission=Permission.SITE_OWNER),
            Entry(path="/audit", name="Audit", icon="scroll-text", permission=Permission.AUDIT_READ),
        ),
    ),
)
"""Only what exists."""


@dataclass(frozen=True, kw_only=True)
class Shell:
    """The numbers around a page."""

    site: Site | None
    waiting: int = 0  # deliveries
    attention: int = 0  # webhooks that fail or are disabled
    chats: int = 0  # chats that wait for an agent
    missed: int = 0  # events that happened while webhooks were off
    missed_since: Instant | None = None
    restored: RestoredCounts | None = None  # what waits for an answer since a restore
    held_webhooks: tuple[Webhook, ...] = ()  # on hold since then
    loopback: bool = False

    def badge(self, name: str) -> int:
        """The count of this name."""
        return {"attention": self.attention, "chats": self.chats}.get(name, 0)


async def shell_of(rooms: Rooms, caller: Caller) -> Shell:
    """The shell for a signed-in person."""
    site = await rooms.store.sites.get(caller.site)
    waiting = sum(row.waiting for row in await rooms.store.deliveries.waiting(caller.site))
    healths = {row.webhook_id: row for row in await rooms.store.webhooks.health(caller.site)}
    webhooks = await rooms.store.webhooks.all(caller.site)
    attention = sum(one.state is WebhookState.DISABLED or is_failing(one, healths.get(one.id)) for one in webhooks)
    which = ChatFilter(statuses=(ChatStatus.CREATED.value,))
    chats = await rooms.store.desk.chats(caller.site, which, None, BADGE_CHATS_MAX)
    missed = await rooms.registrations.missed_count(caller.site)
    restored = await rooms.registrations.restored_counts(caller.site)
    return Shell(
        site=site,
        waiting=waiting,
        attention=attention,
        chats=len(chats),
        missed=missed[0] if missed else 0,
        missed_since=missed[1] if missed else None,
        restored=restored,
        held_webhooks=tuple(one for one in webhooks if site is not None and site.holds(one.id)),
        loopback=rooms.url_policy.allow_loopback,
    )
