"""The shape of a ticket's snapshot."""

from deskbell.rules.schemas_chat import COMPANY, USER
from deskbell.rules.schemas_shape import ANYTHING, INTEGER, MOMENT, TEXT, TRUTH, Member, Shape, list_of, object_of

CHOICE = object_of(
    Member(name="id", shape=INTEGER, meaning="its number in the site's list"),
    Member(name="name", shape=TEXT, meaning="its name"),
)
STATUS = object_of(
    *CHOICE.members,
    Member(name="isClosed", shape=TRUTH, meaning="whether a ticket in it counts as closed"),
    Member(name="isApprovalRequired", shape=TRUTH, meaning="whether a ticket in it waits for an approval"),
)
_CHANGES = (
    "title", "type", "subType", "status", "priority", "queue", "source", "company", "contact", "agents", "tags",
    "dueDateTime", "approval", "form", "lastNote", "closedDateTime",
)  # fmt: skip


def ticket_members() -> tuple[Member, ...]:
    """The members before `meta`, in the order of the wire."""
    unknown = "when unknown"
    return (
        Member(name="msp", shape=TEXT, meaning="the site"),
        Member(name="id", shape=TEXT, meaning="the ticket's id, digits"),
        Member(name="entityId", shape=INTEGER, meaning="the same as a number"),
        Member(name="title", shape=TEXT, meaning="what it is about"),
        Member(name="type", shape=TEXT, meaning="kind of work", null_when=unknown),
        Member(name="subType", shape=TEXT, meaning="kind of work, closer", null_when=unknown),
        Member(name="status", shape=STATUS, meaning="where the ticket is now"),
        Member(name="priority", shape=CHOICE, meaning="how urgent it is"),
        Member(name="queue", shape=CHOICE, meaning="whose work it is"),
        Member(name="source", shape=TEXT, meaning="how it came in: agent, portal, form, api"),
        Member(name="company", shape=COMPANY, meaning="the client", null_when=unknown),
        Member(name="contact", shape=USER, meaning="who asked", null_when=unknown),
        Member(name="agents", shape=list_of(USER), meaning="who works on it", opaque=True),
        Member(name="tags", shape=list_of(TEXT), meaning="its tags"),
        Member(name="dueDateTime", shape=MOMENT, meaning="when it is due", null_when=unknown),
        Member(
            name="approval", shape=Shape(type="object"), meaning="the approval it is in", null_when="when there is none"
        ),
        Member(name="form", shape=_form(), meaning="the form it came from", null_when="when it came from none"),
        Member(name="lastNote", shape=_note(), meaning="the newest note", null_when="while there is none"),
        Member(name="changes", shape=_changes(), meaning="what changed, by member; empty at creation"),
        Member(name="createdDateTime", shape=MOMENT, meaning="when it was created"),
        Member(name="lastModifiedDateTime", shape=MOMENT, meaning="when it changed last"),
        Member(name="closedDateTime", shape=MOMENT, meaning="when it was closed", absent_when="while it is open"),
        Member(name="link", shape=TEXT, meaning="the address of its page"),
    )


def _form() -> Shape:
    entry = object_of(
        Member(name="identifier", shape=TEXT, meaning="the field's stable name"),
        Member(name="name", shape=TEXT, meaning="the field's label"),
        Member(name="type", shape=TEXT, meaning="the kind of field"),
        Member(name="value", shape=ANYTHING, meaning="what was entered"),
    )
    return object_of(
        Member(name="formId", shape=TEXT, meaning="the form's id"),
        Member(name="name", shape=TEXT, meaning="the form's name"),
        Member(name="entries", shape=list_of(entry), meaning="what was entered, field by field"),
    )


def _note() -> Shape:
    return object_of(
        Member(name="id", shape=TEXT, meaning="the note's id"),
        Member(name="kind", shape=TEXT, meaning="note, resolution, form …"),
        Member(name="authorKind", shape=TEXT, meaning="agent, contact, form or system"),
        Member(name="author", shape=USER, meaning="who wrote it", null_when="for notes without a person", opaque=True),
        Member(name="isPublic", shape=TRUTH, meaning="whether the contact sees it"),
        Member(name="text", shape=TEXT, meaning="what it says"),
        Member(name="createdDateTime", shape=MOMENT, meaning="when it was written"),
    )


def _changes() -> Shape:
    change = object_of(
        Member(name="old", shape=ANYTHING, meaning="the whole value before", null_when="when there was none"),
        Member(name="new", shape=ANYTHING, meaning="the whole value now", null_when="when there is none"),
    )
    return object_of(
        *(
            Member(name=name, shape=change, meaning=f"{name} before and now", absent_when="when unchanged", opaque=True)
            for name in _CHANGES
        )
    )
