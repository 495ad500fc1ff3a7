"""First start: a site, its first API key, and the link by which the owner sets up their login."""

from dataclasses import dataclass

from deskbell.model.ids import SiteId
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


async def first_start(rooms: Rooms) -> Made | None:
    """Set up a new data directory; nothing when there is a site, so that a link made by `init` stays good."""
    return None if await rooms.store.sites.all() else await set_up(rooms)


async def owner_link(rooms: Rooms) -> str | None:
    """A fresh set-up link while nobody has a login."""
    site = (await rooms.store.sites.all())[0].site
    if await rooms.accounts.users(site):
        return None
    return f"{rooms.base_url}/setup/{await rooms.accounts.setup_link(site)}"
