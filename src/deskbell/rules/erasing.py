"""What is left when content is erased, and how what must go is found."""

from dataclasses import replace

from deskbell.model.chat import Chat, ChatMessage
from deskbell.model.inspector import Capture
from deskbell.model.people import Contact, User
from deskbell.model.ticket import Note, Ticket

_KEPT_HEADERS = frozenset({"content-type", "content-length", "user-agent", "webhook-id", "webhook-timestamp"})
_KEPT_PREFIX = "deskbell-"


def blanked(capture: Capture) -> Capture:
    """A capture without what it caught: what it was, when, and what was answered stay."""
    kept = tuple(
        (name, value)
        for name, value in capture.headers
        if name.lower() in _KEPT_HEADERS or name.lower().startswith(_KEPT_PREFIX)
    )
    return replace(capture, headers=kept, body=b"", body_cut=False, query="", signature_text="", schema_faults=None)


def erased_mark(site: str, subject: tuple[str, str]) -> str:
    """Under which name the installation remembers when a subject was erased."""
    return f"erased {site} {subject[0]} {subject[1]}"


def names_user(snapshot: bytes, user_id: str) -> bool:
    """Whether a snapshot names this person: snapshots are made by us, without spaces."""
    return b'"userId":"' + user_id.encode() + b'"' in snapshot


ERASED = "erased"
"""What stands where a text was that may not be empty."""


def erased_user(user: User) -> User:
    """A contact without name and company; agents are not who is erased."""
    return user if user.is_agent else replace(user, name=ERASED, company=None)


def erased_chat(chat: Chat) -> Chat:
    """A chat without what was said and by whom: id, state and times stay."""
    callback = chat.callback
    close = chat.close_record
    return replace(
        chat,
        name=ERASED,
        creator=erased_user(chat.creator),
        callback=None if callback is None else replace(callback, phone=None, note=None, preferred_time=None),
        target_users=tuple(map(erased_user, chat.target_users)),
        close_record=None if close is None else replace(close, user=erased_user(close.user), note=None),
        users=tuple(map(erased_user, chat.users)),
        participants=tuple(map(erased_user, chat.participants)),
        untold=None,
    )


def erased_message(message: ChatMessage) -> ChatMessage:
    """A message without its text."""
    return replace(message, author=erased_user(message.author), text=ERASED)


def erased_ticket(ticket: Ticket) -> Ticket:
    """A ticket without title, person, form and approval."""
    contact, note = ticket.contact, ticket.last_note
    return replace(
        ticket,
        title=ERASED,
        company=None,
        contact=None if contact is None else erased_user(contact),
        tags=(),
        approval=None,
        form=None,
        last_note=None if note is None else erased_note(note),
    )


def erased_note(note: Note) -> Note:
    """A note without its text."""
    return replace(note, author=None if note.author is None else erased_user(note.author), text=ERASED)


def erased_contact(contact: Contact) -> Contact:
    """A contact who is a number only."""
    return replace(contact, name=ERASED, email=None, company=None)
