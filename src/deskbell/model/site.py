"""A site: one service desk instance, the border of all data (`msp` on the wire)."""

from dataclasses import dataclass

from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant


@dataclass(frozen=True, kw_only=True)
class Missed:
    """A time in which webhooks were off, not answered yet by *Replay them* or *Leave them*."""

    since: Instant
    until: Instant


@dataclass(frozen=True, kw_only=True)
class Site:
    """The site's settings."""

    site: SiteId  # msp: [a-z][a-z0-9]{0,31}
    name: str
    created_at: Instant
    webhooks_enabled: bool = True  # the slider
    off_since: Instant | None = None  # set while the slider is off
    slider_by: str | None = None  # who moved the slider last
    slider_at: Instant | None = None
    missed: Missed | None = None
    time_zone: str = "UTC"
    locale: str = "en"
    chat_link: str | None = None  # pattern with {id}; default the agent page
    ticket_link: str | None = None
    allowed_receivers: tuple[str, ...] = ()  # exact hosts or *.host; empty = no narrowing
    retention_days: int = 30
    audit_retention_days: int = 400
    notify: tuple[str, ...] = ()  # e-mail addresses
    version: int = 1
