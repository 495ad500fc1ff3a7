"""Sample chats: what a chat looks like right after each kind of event."""

from dataclasses import replace

from deskbell.model.chat import (
    Callback,
    Chat,
    ChatStatus,
    ChatType,
    CloseRecord,
    Preferred,
    Reference,
    Report,
)
from deskbell.model.ids import SiteId
from deskbell.model.instant import format_instant, plus, unix_ms, unix_seconds
from deskbell.rules.samples_people import Cast, sample_start

_CREATED, _HANDLED = ChatStatus.CREATED, ChatStatus.HANDLED
_PASTS = {
    "chat.created": (_CREATED,),
    "chat.handled": (_CREATED, _HANDLED),
    "chat.missed": (_CREATED, ChatStatus.MISSED),
    "chat.callback": (_CREATED, ChatStatus.CALLBACK),
    "chat.completed": (_CREATED, _HANDLED, ChatStatus.COMPLETED),
    "chat.updated": (_CREATED, _HANDLED),
    "chat.dwelled": (_CREATED, _HANDLED),
}
_WAITED_S = 184.192
_LASTED_S = 612.5


def sample_chat(site: SiteId, event_type: str, sample_name: str, cast: Cast) -> Chat:
    """A chat of the model; `minimal` has only what every chat has."""
    began = sample_start()
    past = _PASTS[event_type]
    chat = Chat(
        site=site,
        id=f"{unix_seconds(began)}-4C1E",
        name=cast.title,
        type=ChatType.REQUEST,
        status=past[-1],
        past_status=past,
        creator=cast.contact,
        created_at=began,
        last_modified_at=plus(began, 0 if past == (_CREATED,) else _WAITED_S),
        users=(cast.contact,),
        participants=(cast.contact,),
    )
    chat = _after_statuses(chat, cast)
    return chat if sample_name == "minimal" else _richer(chat, sample_name, cast)


def _after_statuses(chat: Chat, cast: Cast) -> Chat:
    waited_to = plus(chat.created_at, _WAITED_S)
    if len(chat.past_status) > 1:
        chat = replace(chat, report=Report(creator_waited_s=_WAITED_S))
    if _HANDLED in chat.past_status:
        both = (cast.contact, cast.agent)
        report = replace(chat.report, handled_at=waited_to)
        chat = replace(chat, report=report, users=both, participants=both)
    if chat.status is ChatStatus.MISSED:
        chat = replace(chat, users=())
    if chat.status is ChatStatus.CALLBACK:
        chat = replace(chat, callback=Callback(type="phone"))
    if chat.status is ChatStatus.COMPLETED:
        ended = plus(waited_to, _LASTED_S)
        record = CloseRecord(user=cast.agent, last_modified_at=ended)
        report = replace(chat.report, duration_s=_LASTED_S)
        chat = replace(
            chat, report=report, close_record=record, closed_at=ended, last_modified_at=ended, users=(cast.contact,)
        )
    return chat


def _richer(chat: Chat, sample_name: str, cast: Cast) -> Chat:
    chat = replace(
        chat,
        reference=Reference(type="ticket", id="48207"),
        last_message_id=f"{unix_ms(chat.last_modified_at)}-3F-{cast.contact.user_id}",
    )
    if sample_name == "typical":
        return chat
    span = Preferred(
        start=format_instant(plus(chat.created_at, 3600)), end=format_instant(plus(chat.created_at, 2 * 3600))
    )
    record = chat.close_record
    return replace(
        chat,
        type=ChatType.PUSH if sample_name == "maximal" else chat.type,
        creator=cast.agent if sample_name == "maximal" else chat.creator,
        callback=Callback(type="phone", phone="+49 30 901820", note=cast.text, preferred_time=(span,)),
        target_users=(cast.second_agent, cast.colleague),
        participants=(*chat.participants, cast.colleague),
        close_record=None if record is None else replace(record, note=cast.note),
    )
