"""The shape of a chat's snapshot, and of the people in it."""

from deskbell.model.chat import ChatStatus, ChatType
from deskbell.rules.schemas_shape import INTEGER, MOMENT, NUMBER, TEXT, Member, Shape, list_of, object_of, one_of

COMPANY = object_of(
    Member(name="entityId", shape=INTEGER, meaning="number of the company"),
    Member(name="name", shape=TEXT, meaning="its name"),
    Member(name="identifier", shape=TEXT, meaning="its short name"),
)
USER = object_of(
    Member(name="entityId", shape=INTEGER, meaning="number of the person, counted apart for agents and contacts"),
    Member(name="name", shape=TEXT, meaning="the person's name"),
    Member(name="userId", shape=TEXT, meaning="site, c for contact or m for agent, and the number, joined by ~"),
    Member(
        name="company", shape=COMPANY, meaning="the contact's company", absent_when="for agents, who belong to the site"
    ),
)
_STATUS = one_of(*(status.value for status in ChatStatus))


def chat_members() -> tuple[Member, ...]:
    """The members before `meta`, in the order of the wire."""
    return (
        Member(name="msp", shape=TEXT, meaning="the site"),
        Member(name="id", shape=TEXT, meaning="the chat's id, unique in the site"),
        Member(name="name", shape=TEXT, meaning="what the chat is called"),
        Member(
            name="type",
            shape=one_of(*(kind.value for kind in ChatType)),
            meaning="request: a contact began it; push: an agent began it",
        ),
        Member(name="status", shape=_STATUS, meaning="where the chat is now"),
        Member(
            name="pastStatus", shape=list_of(_STATUS), meaning="every status so far, oldest first, the present one last"
        ),
        Member(name="report", shape=_report(), meaning="how long things took"),
        Member(
            name="reference",
            shape=object_of(
                Member(name="type", shape=one_of("ticket"), meaning="always ticket"),
                Member(name="id", shape=TEXT, meaning="the ticket's id"),
            ),
            meaning="what the chat is about",
            null_when="when the chat is about no ticket",
        ),
        Member(name="creator", shape=USER, meaning="who began the chat"),
        Member(name="callback", shape=_callback(), meaning="the wish to be called back", null_when="when nobody asked"),
        Member(name="targetUsers", shape=list_of(USER), meaning="who is invited and not in yet", opaque=True),
        Member(name="closeRecord", shape=_close_record(), meaning="who closed it", null_when="until it is completed"),
        Member(name="users", shape=list_of(USER), meaning="who is in the chat now", opaque=True),
        Member(name="participants", shape=list_of(USER), meaning="everyone who was ever in it", opaque=True),
        Member(
            name="lastMessageId", shape=TEXT, meaning="id of the newest message", null_when="while there is no message"
        ),
        Member(name="closedDateTime", shape=MOMENT, meaning="when it was closed", absent_when="until it is closed"),
        Member(name="createdDateTime", shape=MOMENT, meaning="when it was created"),
        Member(name="lastModifiedDateTime", shape=MOMENT, meaning="when it changed last"),
    )


def _report() -> Shape:
    return object_of(
        Member(
            name="creatorWaited",
            shape=NUMBER,
            meaning="seconds from creation until it was handled, missed or turned into a callback",
            null_when="until then, or when another system did not tell",
        ),
        Member(name="handledDateTime", shape=MOMENT, meaning="when the first agent joined", null_when="until then"),
        Member(
            name="chatDuration", shape=NUMBER, meaning="seconds from the first agent to the end", null_when="until then"
        ),
    )


def _callback() -> Shape:
    span = object_of(
        Member(name="start", shape=TEXT, meaning="begin of a time that suits"),
        Member(name="end", shape=TEXT, meaning="its end"),
    )
    return object_of(
        Member(name="type", shape=one_of("phone", "chat"), meaning="how to reach the contact"),
        Member(name="phone", shape=TEXT, meaning="the number to call", absent_when="when none was given"),
        Member(name="note", shape=TEXT, meaning="what the contact wrote", absent_when="when nothing was written"),
        Member(
            name="preferredTime", shape=list_of(span), meaning="times that suit", absent_when="when none were given"
        ),
    )


def _close_record() -> Shape:
    return object_of(
        Member(name="user", shape=USER, meaning="the agent who closed it", opaque=True),
        Member(name="note", shape=TEXT, meaning="the closing note", absent_when="when none was written"),
        Member(name="lastModifiedDateTime", shape=MOMENT, meaning="when it was closed"),
    )
