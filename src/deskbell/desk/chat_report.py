"""Chats as another desk's software reports them: believed, compared with what is known, and kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from deskbell.desk.callbacks import read_callback
from deskbell.desk.ids import CHAT_ID
from deskbell.desk.reading import Reading
from deskbell.desk.told_people import ToldPeople
from deskbell.model.changes import Change, Replace
from deskbell.model.chat import Callback, Chat, ChatStatus, ChatType, CloseRecord, Reference, Report
from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.people import User
from deskbell.ports import Clock, Store
from deskbell.rules.chat_moves import STATUS_EVENTS
from deskbell.rules.limits import Limits

_STATUSES = tuple(status.value for status in ChatStatus)
_TYPES = tuple(kind.value for kind in ChatType)
_NOBODY = User(entity_id=0, name="-", user_id="-")


@dataclass(frozen=True, kw_only=True)
class Reported:
    """The chat before and after a report, the rows to write and the event to fire.

    With an event the chat itself is to be written too, after the rows.
    """

    chat: Chat
    old: Chat | None = None
    changes: tuple[Change, ...] = ()
    event_types: tuple[str, ...] = ()


class ChatReporter:
    """Reads reports. What is not told stays as it was; what is told is believed."""

    def __init__(self, *, store: Store, clock: Clock, limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits

    async def read(self, site: SiteId, chat_id: str, body: Mapping[str, Any]) -> Reported:
        """What the report makes of the chat. Raises Invalid."""
        if CHAT_ID.fullmatch(chat_id) is None:
            fault = FaultAt(pointer="", code="id_form", detail="A chat's id is 1 to 64 of A-Z a-z 0-9 . _ : -")
            raise Invalid(faults=(fault,))
        now = self._clock.now()
        old = await self._store.desk.chat(site, chat_id)
        reading = Reading(body, self._limits)
        people = ToldPeople(self._store, site, now)
        chat = await self._told(site, chat_id, reading, people, old, now)
        reading.done()
        return _compared(old, chat, people.changes, now, reading.instant("lastModifiedDateTime"))

    async def _told(
        self, site: SiteId, chat_id: str, reading: Reading, people: ToldPeople, old: Chat | None, now: Instant
    ) -> Chat:
        creator = await people.user(reading.inside("creator")) or (old.creator if old else None)
        users = await people.users(reading, "users") if reading.told("users") else None
        guests = await people.users(reading, "targetUsers") if reading.told("targetUsers") else None
        ever = await people.users(reading, "participants") if reading.told("participants") else None
        close_user = await people.user(_inside(reading, "closeRecord", "user"))
        creator = creator or (users[0] if users else None)
        if creator is None:
            reading.required("creator")
            creator = _NOBODY  # refused, once the other members were read for their faults
        chat = _with_people(old or _blank(site, chat_id, creator, now), creator, users, guests, ever)
        return _with_state(_with_texts(chat, reading, close_user, now), reading, old, now)


def _blank(site: SiteId, chat_id: str, creator: User, now: Instant) -> Chat:
    return Chat(
        site=site,
        id=chat_id,
        name=f"Chat with {creator.name}",
        type=ChatType.PUSH if creator.is_agent else ChatType.REQUEST,
        status=ChatStatus.CREATED,
        past_status=(),
        creator=creator,
        created_at=now,
        last_modified_at=now,
        users=(creator,),
        sequence=0,
    )


def _with_people(
    chat: Chat,
    creator: User,
    users: tuple[User, ...] | None,
    guests: tuple[User, ...] | None,
    ever: tuple[User, ...] | None,
) -> Chat:
    """People as told; whoever is in the chat is also among those who ever were."""
    users = chat.users if users is None else users
    if ever is None:
        ever = tuple({user.user_id: user for user in (*chat.participants, *users)}.values())
    guests = chat.target_users if guests is None else guests
    return replace(chat, creator=creator, users=users, target_users=guests, participants=ever)


def _with_texts(chat: Chat, reading: Reading, close_user: User | None, now: Instant) -> Chat:
    kind = reading.choice("type", _TYPES)
    chat = replace(
        chat,
        name=reading.line("name") or chat.name,
        type=ChatType(kind) if kind else chat.type,
        created_at=reading.instant("createdDateTime") or chat.created_at,
        report=_report(reading.inside("report"), chat.report) if reading.told("report") else chat.report,
    )
    if reading.told("reference"):
        chat = replace(chat, reference=_reference(reading.inside("reference")))
    if reading.told("callback"):
        chat = replace(chat, callback=_callback(reading.inside("callback")))
    if reading.told("closeRecord"):
        chat = replace(chat, close_record=_close_record(reading.inside("closeRecord"), close_user, chat, now))
    if reading.told("lastMessageId"):
        chat = replace(chat, last_message_id=reading.line("lastMessageId"))
    return chat


def _with_state(chat: Chat, reading: Reading, old: Chat | None, now: Instant) -> Chat:
    """Status and history as told: a status that is new here is added to the history, legal or not."""
    told = reading.choice("status", _STATUSES)
    past = _past(reading) or chat.past_status
    status = ChatStatus(told) if told else (past[-1] if past else chat.status)
    if not past or past[-1] is not status:
        past = (*past, status)
    closed_at = chat.closed_at
    if reading.told("closedDateTime"):
        closed_at = reading.instant("closedDateTime")
    elif status is not ChatStatus.COMPLETED:
        closed_at = None
    elif old is None or old.status is not status:
        closed_at = reading.instant("lastModifiedDateTime") or now
    return replace(chat, status=status, past_status=past, closed_at=closed_at)


def _past(reading: Reading) -> tuple[ChatStatus, ...]:
    found = []
    for place, value in enumerate(reading.items("pastStatus", 1000)):
        if isinstance(value, str) and value in _STATUSES:
            found.append(ChatStatus(value))
        else:
            reading.fault(f"pastStatus/{place}", "choice", f"This must be one of {', '.join(_STATUSES)}.")
    return tuple(found)


def _report(reading: Reading | None, old: Report) -> Report:
    if reading is None:
        return Report()
    return Report(
        creator_waited_s=reading.number("creatorWaited") if reading.told("creatorWaited") else old.creator_waited_s,
        handled_at=reading.instant("handledDateTime") if reading.told("handledDateTime") else old.handled_at,
        duration_s=reading.number("chatDuration") if reading.told("chatDuration") else old.duration_s,
    )


def _reference(reading: Reading | None) -> Reference | None:
    if reading is None:
        return None
    reading.required("type", "id")
    kind, ticket_id = reading.choice("type", ("ticket",)), reading.line("id")
    return Reference(type=kind, id=ticket_id) if kind and ticket_id else None


def _callback(reading: Reading | None) -> Callback | None:
    return read_callback(reading) if reading else None


def _close_record(reading: Reading | None, user: User | None, chat: Chat, now: Instant) -> CloseRecord | None:
    if reading is None:
        return None
    old = chat.close_record
    user = user or (old.user if old else None)
    note = reading.long("note") if reading.told("note") or old is None else old.note
    at = reading.instant("lastModifiedDateTime")
    if user is None:
        reading.required("user")
        return None
    if at is None:
        same = old is not None and (old.user, old.note) == (user, note)
        at = old.last_modified_at if old and same else now
    return CloseRecord(user=user, note=note, last_modified_at=at)


def _inside(reading: Reading, outer: str, inner: str) -> Reading | None:
    found = reading.body.get(outer)
    if not isinstance(found, Mapping):
        return None
    return Reading(found, reading.limits, at=f"/{outer}", faults=reading.faults).inside(inner)


def _compared(
    old: Chat | None, chat: Chat, people: tuple[Change, ...], now: Instant, told_at: Instant | None
) -> Reported:
    """What changed: a new status fires its event, any other visible difference `chat.updated`."""
    if old is None:
        chat = replace(chat, last_modified_at=told_at or now, sequence=1)
        return Reported(chat=chat, changes=people, event_types=(STATUS_EVENTS[chat.status],))
    if chat == old:
        if told_at is None or told_at == old.last_modified_at:
            return Reported(chat=old, changes=people)
        chat = replace(old, last_modified_at=told_at, version=old.version + 1)
        return Reported(chat=chat, changes=(*people, Replace(row=chat)))
    chat = replace(chat, last_modified_at=told_at or now, sequence=old.sequence + 1, version=old.version + 1)
    event = "chat.updated" if chat.status is old.status else STATUS_EVENTS[chat.status]
    return Reported(chat=chat, old=old, changes=people, event_types=(event,))
