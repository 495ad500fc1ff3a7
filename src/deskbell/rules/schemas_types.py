"""Which snapshot shape an event type or a whole group has."""

from functools import lru_cache

from deskbell.rules.catalogue_words import TYPES
from deskbell.rules.schemas_chat import chat_members
from deskbell.rules.schemas_shape import (
    ANYTHING,
    INTEGER,
    MOMENT,
    NUMBER,
    TEXT,
    TRUTH,
    FieldNote,
    Member,
    Shape,
    list_of,
    notes,
    object_of,
    one_of,
)
from deskbell.rules.schemas_ticket import ticket_members

DWELLED = frozenset({"chat.dwelled", "ticket.dwelled"})


def group_named(name: str) -> str | None:
    """The group that a name is, or belongs to: None if unknown.

    `chat`, `chat.*` and `chat.created` are of chat, `webhook.*` is of system.
    """
    bare = name.removesuffix(".*")
    for group, known, _, _ in TYPES:
        if bare in {group, known, known.partition(".")[0]}:
            return group
    return "custom" if bare.startswith("custom.") else None


@lru_cache(maxsize=256)
def shape_of(name: str) -> Shape | None:
    """The snapshot's shape for an event type or group; None if there is neither."""
    group = group_named(name)
    if group is None:
        return None
    exact = name if "." in name and not name.endswith(".*") else ""
    if group == "chat":
        before = chat_members()
    elif group == "ticket":
        before = ticket_members()
    else:
        before = _own_members(group, exact)
    return object_of(*before, Member(name="meta", shape=_meta(group, exact), meaning="about the event itself"))


def field_notes(name: str) -> tuple[FieldNote, ...]:
    """The notes of every member; empty if the type is unknown."""
    shape = shape_of(name)
    return () if shape is None else tuple(notes(shape))


def _own_members(group: str, exact: str) -> tuple[Member, ...]:
    first = (
        Member(name="msp", shape=TEXT, meaning="the site"),
        Member(name="id", shape=TEXT, meaning="the event's id"),
    )
    if group == "custom":
        return (
            *first,
            Member(name="type", shape=TEXT, meaning="the event type"),
            Member(name="data", shape=ANYTHING, meaning="what the program published", null_when="when that was null"),
        )
    webhook = (
        Member(name="id", shape=TEXT, meaning="the webhook's id"),
        Member(name="description", shape=TEXT, meaning="its description"),
    )
    if group == "test":
        return (
            *first,
            Member(name="webhook", shape=object_of(*webhook), meaning="the webhook that is tested"),
            Member(name="sentBy", shape=TEXT, meaning="who asked for the test"),
        )
    return (*first, *_system_members(webhook, exact))


def _system_members(webhook: tuple[Member, ...], exact: str) -> tuple[Member, ...]:
    more = (
        Member(name="kind", shape=TEXT, meaning="the kind of receiver"),
        Member(name="receiverUrl", shape=TEXT, meaning="the receiver URL, masked"),
        Member(name="state", shape=one_of("enabled", "paused", "disabled", "deleted"), meaning="its state now"),
    )
    actor = object_of(
        Member(name="kind", shape=TEXT, meaning="person, key, system, agent or contact"),
        Member(name="name", shape=TEXT, meaning="who"),
    )
    delivery = Member(
        name="delivery",
        shape=_delivery(),
        meaning="the delivery that ended without success",
        absent_when="" if exact == "delivery.exhausted" else "but for delivery.exhausted",
    )
    return (
        Member(name="webhook", shape=object_of(*webhook, *more), meaning="the webhook it is about"),
        Member(name="actor", shape=actor, meaning="who did it", null_when="when nobody did"),
        Member(name="reason", shape=TEXT, meaning="why", null_when="when none was given"),
        *((delivery,) if exact in {"", "delivery.exhausted"} else ()),
    )


def _delivery() -> Shape:
    subject = object_of(
        Member(name="type", shape=TEXT, meaning="chat, ticket or a caller's own word"),
        Member(name="id", shape=TEXT, meaning="its id"),
        Member(name="title", shape=TEXT, meaning="its title", null_when="when it has none"),
    )
    return object_of(
        Member(name="id", shape=TEXT, meaning="the delivery's id, the `webhook-id` of its attempts"),
        Member(name="eventTypes", shape=list_of(TEXT), meaning="the event types in it"),
        Member(name="subject", shape=subject, meaning="what it was about", null_when="when about nothing certain"),
        Member(name="attempts", shape=INTEGER, meaning="how many attempts were made"),
        Member(name="lastOutcome", shape=TEXT, meaning="name of the last outcome", null_when="when there was none"),
    )


def _meta(group: str, exact: str) -> Shape:
    counted = group in {"chat", "ticket"}
    names = (exact,) if exact else tuple(name for one, name, _, _ in TYPES if one == group)
    event_type = TEXT if group == "custom" and not exact else one_of(*names)
    always = (
        Member(name="canAccess", shape=TRUTH, meaning="always true"),
        Member(name="eventId", shape=TEXT, meaning="the event's id: use it to notice repeats"),
        Member(name="eventType", shape=event_type, meaning="the event type"),
        Member(
            name="sequence",
            shape=INTEGER,
            meaning="counts the events of this chat or ticket: 1, 2, 3 …" if counted else "no sequence here",
            null_when="for what is neither chat nor ticket",
        ),
        Member(name="occurredDateTime", shape=MOMENT, meaning="when it happened"),
    )
    elsewhere = "" if exact in DWELLED else "but for stays that are too long"
    dwell = (
        Member(name="since", shape=MOMENT, meaning="since when it is in this status", absent_when=elsewhere),
        Member(name="thresholdSeconds", shape=NUMBER, meaning="what the timer says", absent_when=elsewhere),
        Member(name="lateBySeconds", shape=NUMBER, meaning="how late this is told", absent_when=elsewhere),
    )
    test = Member(name="test", shape=TRUTH, meaning="true for samples sent on purpose", absent_when="for real events")
    return object_of(*always, *(dwell if counted and (not exact or exact in DWELLED) else ()), test)
