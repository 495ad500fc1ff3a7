"""Reading a note on a ticket."""

from deskbell.desk.ids import new_note_id
from deskbell.desk.reading import Reading
from deskbell.model.instant import Instant
from deskbell.model.people import Actor, ActorKind, User
from deskbell.model.ticket import Note, Ticket
from deskbell.ports import Random

NOTE_MEMBERS = ("kind", "text", "isPublic", "by")
_AUTHOR_KINDS = {ActorKind.CONTACT: "contact", ActorKind.AGENT: "agent", ActorKind.PERSON: "agent"}


def read_note(ticket: Ticket, reading: Reading, author: User | None, by: Actor, at: Instant, random: Random) -> Note:
    """The note that the body tells; internal unless it says `isPublic`. Raises Invalid."""
    reading.unknown(NOTE_MEMBERS)
    reading.required("text")
    text, kind, is_public = reading.long("text"), reading.line("kind"), reading.flag("isPublic")
    reading.done()
    author_kind = _AUTHOR_KINDS.get(by.kind, "system")
    if author is not None:
        author_kind = "agent" if author.is_agent else "contact"
    return Note(
        site=ticket.site,
        ticket_id=ticket.id,
        id=new_note_id(at, random),
        kind=kind or "note",
        author_kind=author_kind,
        author=author,
        is_public=is_public or False,
        text=text or "",
        created_at=at,
    )
