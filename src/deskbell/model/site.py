"""A site: one service desk instance, the border of all data (`msp` on the wire)."""

from dataclasses import dataclass

from deskbell.model.ids import SiteId, WebhookId
from deskbell.model.instant import Instant

AUDIT_RETENTION_DAYS = 400
"""Unless a site says otherwise."""


@dataclass(frozen=True, kw_only=True)
class Missed:
    """A time in which webhooks were off, not answered yet by *Replay them* or *Leave them*."""

    since: Instant
    until: Instant


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A backup was restored: nothing is sent for these webhooks until a person has said what is to happen."""

    backup_at: Instant  # when the backup was made
    at: Instant  # when it was restored; what was due before may have been sent since the backup
    held: tuple[WebhookId, ...]  # not answered yet


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
    restored: Restored | None = None
    time_zone: str = "UTC"
    locale: str = "en"
    chat_link: str | None = None  # pattern with {id}; default the agent page
    ticket_link: str | None = None
    allowed_receivers: tuple[str, ...] = ()  # exact hosts or *.host; empty = no narrowing
    retention_days: int = 30
    audit_retention_days: int = AUDIT_RETENTION_DAYS
    notify: tuple[str, ...] = ()  # e-mail addresses
    redact: tuple[str, ...] = ()  # members masked in stored answers and for viewers, like customer.phone
    second_factor_required: bool = False  # of everybody, at their next sign-in
    version: int = 1

    def holds(self, webhook_id: WebhookId) -> bool:
        """Whether a restore holds this webhook's deliveries until somebody answers."""
        return self.restored is not None and webhook_id in self.restored.held

    def sends(self, webhook_id: WebhookId) -> bool:
        """Whether the site lets this webhook's deliveries go: the slider is on, and no restore holds them."""
        return self.webhooks_enabled and not self.holds(webhook_id)
