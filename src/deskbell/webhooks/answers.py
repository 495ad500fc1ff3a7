"""What the use cases answer when more than the webhook is to be told. Secrets never show in a repr."""

from dataclasses import dataclass, field

from deskbell.model.errors import FaultAt
from deskbell.model.instant import Instant
from deskbell.model.webhook import Webhook


@dataclass(frozen=True, kw_only=True)
class Created:
    """A new webhook; its secret and URL are in this one answer."""

    webhook: Webhook
    secret_text: str = field(repr=False)
    url_text: str = field(repr=False)
    warnings: tuple[FaultAt, ...] = ()  # what is odd in the settings, though it was saved


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A changed webhook, with the URL in full: the caller just gave it or owns it."""

    webhook: Webhook
    url_text: str = field(repr=False)
    warnings: tuple[FaultAt, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Released:
    """A webhook that sends again, and what becomes of the deliveries that it held."""

    webhook: Webhook
    kept: int  # they are sent
    cancelled: int


@dataclass(frozen=True, kw_only=True)
class RevealedSecret:
    """A live signing secret in clear."""

    id: str
    text: str = field(repr=False)
    created_at: Instant
    valid_until: Instant | None


@dataclass(frozen=True, kw_only=True)
class Revealed:
    """What Display detail shows; the audit row is durable before this exists."""

    url_text: str = field(repr=False)
    secrets: tuple[RevealedSecret, ...]  # newest first


@dataclass(frozen=True, kw_only=True)
class Rotated:
    """A new secret, and how long the one before stays valid; None: it ended at once."""

    secret_text: str = field(repr=False)
    previous_valid_until: Instant | None
