"""Filters on values: what the database's conditions say, in words of Python."""

from collections.abc import Sequence

from deskbell.model.chat import Chat
from deskbell.model.delivery import Delivery
from deskbell.model.event import Event
from deskbell.model.instant import Instant
from deskbell.model.query import ChatFilter, DeliveryFilter, EventFilter, TicketFilter
from deskbell.model.ticket import Ticket
from deskbell.storage.words import delivery_texts, holds_word, ticket_texts


def _is_type(wanted: str | None, types: Sequence[str]) -> bool:
    if wanted is None or wanted == "*":
        return True
    if wanted.endswith(".*"):
        return any(one.startswith(wanted[:-1]) for one in types)
    return wanted in types


def _is_within(at: Instant, since: Instant | None, until: Instant | None) -> bool:
    return (since is None or at >= since) and (until is None or at < until)


def _is_subject(wanted: tuple[str, str] | None, row: Event | Delivery) -> bool:
    return wanted is None or (row.subject is not None and (row.subject.type, row.subject.id) == wanted)


def event_matches(which: EventFilter, row: Event) -> bool:
    """Whether an event is meant."""
    return (
        _is_type(which.type, (row.type,))
        and _is_subject(which.subject, row)
        and _is_within(row.received_at, which.since, which.until)
        and which.test in {None, row.test}
    )


def delivery_matches(which: DeliveryFilter, row: Delivery) -> bool:
    """Whether a delivery is meant."""
    is_held = row.state in {"waiting", "gathering"} and row.webhook_id in which.held_webhooks
    return (
        (not which.webhook_ids or row.webhook_id in which.webhook_ids)
        and (not which.states or row.state in which.states)
        and which.held in {None, is_held}
        and _is_type(which.event_type, row.event_types)
        and _is_subject(which.subject, row)
        and _is_within(row.created_at, which.since, which.until)
        and which.replay_id in {None, row.replay_id}
        and (which.due_before is None or row.due_at < which.due_before)
        and _has_words(which, row)
    )


def _has_words(which: DeliveryFilter, row: Delivery) -> bool:
    for number, word in enumerate(which.words):
        webhooks = which.word_webhooks[number] if number < len(which.word_webhooks) else ()
        if row.webhook_id not in webhooks and not holds_word(delivery_texts(row), word):
            return False
    return True


def chat_matches(which: ChatFilter, row: Chat) -> bool:
    """Whether a chat is meant."""
    reference = None if row.reference is None else row.reference.id
    return (
        (not which.statuses or row.status in which.statuses)
        and which.creator_id in {None, row.creator.user_id}
        and (which.reference_id is None or which.reference_id == reference)
    )


def ticket_matches(which: TicketFilter, row: Ticket) -> bool:
    """Whether a ticket is meant; deleted ones never are."""
    contact = None if row.contact is None else row.contact.user_id
    return (
        row.deleted_at is None
        and (which.contact_id is None or which.contact_id == contact)
        and which.closed in {None, row.status.is_closed}
        and all(holds_word(ticket_texts(row), word) for word in which.words)
    )
