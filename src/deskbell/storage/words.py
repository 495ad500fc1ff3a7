"""Words in lists: the same meaning of "occurs, in any case" for every store."""

from deskbell.model.delivery import Delivery
from deskbell.model.ticket import Ticket
from deskbell.rules.words import holds_word

__all__ = ["delivery_texts", "holds_word", "like_pattern", "number_of", "ticket_texts"]


def like_pattern(word: str) -> str:
    """A LIKE pattern (escape character `\\`) that finds the word anywhere."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def delivery_texts(row: Delivery) -> tuple[str | None, ...]:
    """What a search over deliveries looks at."""
    title, subject_id = (row.subject.title, row.subject.id) if row.subject else (None, None)
    return (title, subject_id, row.id, row.last_outcome, *row.event_types, *row.event_ids)


def ticket_texts(row: Ticket) -> tuple[str | None, ...]:
    """What a search over tickets looks at."""
    contact = row.contact.name if row.contact else None
    company = row.company.name if row.company else None
    return (row.id, row.title, row.external_id, contact, company, row.status.name, *row.tags)


def number_of(key: str) -> int | None:
    """The number that a key may be; None for anything but up to 18 ASCII digits."""
    return int(key) if key.isascii() and key.isdecimal() and len(key) <= 18 else None
