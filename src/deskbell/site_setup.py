"""First start: a site, its first API key, and the link by which the owner sets up their login."""

from dataclasses import dataclass
from typing import Any

from deskbell.model.errors import Conflict
from deskbell.model.ids import SiteId
from deskbell.model.instant import format_instant
from deskbell.model.webhook import WebhookState
from deskbell.ports import Store
from deskbell.rooms import Rooms


@dataclass(frozen=True, kw_only=True)
class Made:
    """What `init` prints."""

    site: SiteId
    api_key: str | None  # only when the site was made just now
    setup_url: str


async def set_up(rooms: Rooms, msp: str = "desk", name: str = "Service desk") -> Made:
    """Make the site if it is new; always a fresh set-up link."""
    site = await rooms.accounts.create_site(msp, name)
    key = await rooms.accounts.first_key(site.site)
    token = await rooms.accounts.setup_link(site.site)
    return Made(site=site.site, api_key=key, setup_url=f"{rooms.base_url}/setup/{token}")


async def create_site(rooms: Rooms, msp: str, name: str) -> Made:
    """A further site. Raises Conflict when there is one of this short name."""
    if await rooms.store.sites.get(SiteId(msp)) is not None:
        raise Conflict(f"There is a site {msp} already. For a fresh link: deskbell init --msp {msp}")
    return await set_up(rooms, msp, name)


async def list_sites(store: Store) -> list[dict[str, Any]]:
    """Every site: short name, name, webhooks that are not deleted, people, and whether anything is sent."""
    found = []
    for site in await store.sites.all():
        webhooks = [one for one in await store.webhooks.all(site.site) if one.state is not WebhookState.DELETED]
        users = [one for one in await store.accounts.users(site.site) if one.removed_at is None]
        found.append(
            {
                "site": site.site,
                "name": site.name,
                "webhooks": len(webhooks),
                "users": len(users),
                "webhooksEnabled": site.webhooks_enabled,
                "createdAt": format_instant(site.created_at),
            }
        )
    return found


async def first_start(rooms: Rooms) -> Made | None:
    """Set up a new data directory; nothing when there is a site, so that a link made by `init` stays good."""
    return None if await rooms.store.sites.all() else await set_up(rooms)


async def owner_link(rooms: Rooms) -> str | None:
    """A fresh set-up link while nobody has a login."""
    site = (await rooms.store.sites.all())[0].site
    if await rooms.accounts.users(site):
        return None
    return f"{rooms.base_url}/setup/{await rooms.accounts.setup_link(site)}"
