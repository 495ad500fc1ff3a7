"""Words in lists: the same meaning of "occurs, in any case" for every store."""

from collections.abc import Iterable

from deskbell.model.delivery import Delivery
from deskbell.model.ticket import Ticket

_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def like_pattern(word: str) -> str:
    """A LIKE pattern (escape character `\\`) that finds the word anywhere."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def holds_word(texts: Iterable[str | None], word: str) -> bool:
    """Whether one of the texts has the word, in any case (for words of ASCII letters: of those alone, as LIKE does)."""
    if word.isascii():
        lower = word.translate(_ASCII_LOWER)
        return any(text is not None and lower in text.translate(_ASCII_LOWER) for text in texts)
    folded = word.casefold()
    return any(text is not None and folded in text.casefold() for text in texts)


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
