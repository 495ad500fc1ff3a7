"""What each action makes of a chat: a new value, or a Conflict that names the legal actions. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from deskbell.model.chat import Callback, Chat, ChatStatus, CloseRecord, Report
from deskbell.model.errors import Conflict
from deskbell.model.instant import TICKS_PER_MS, Instant
from deskbell.model.people import User
from deskbell.rules.chat_moves import may_move, refusal_of


def must_allow(chat: Chat, action: str) -> None:
    """Raise Conflict unless the chat's status allows the action."""
    words = refusal_of(chat, action)
    if words is not None:
        raise Conflict(words, reason=chat.status.value)


def seconds_between(start: Instant, end: Instant) -> float:
    """Seconds with 3 decimals, never below 0."""
    return max(0, end - start) // TICKS_PER_MS / 1000


def moved(chat: Chat, status: ChatStatus, at: Instant) -> Chat:
    """The chat in its next status, with history and the times that this move settles."""
    if not may_move(chat.status, status):
        raise Conflict(f"A chat that is {chat.status} cannot become {status}.", reason=chat.status.value)
    return replace(
        chat,
        status=status,
        past_status=(*chat.past_status, status),
        report=report_after(chat.report, status, chat.created_at, at),
        last_modified_at=at,
    )


def report_after(report: Report, status: ChatStatus, created_at: Instant, at: Instant) -> Report:
    """The times with what coming into this status settles; what is known already stays."""
    if status in (ChatStatus.HANDLED, ChatStatus.MISSED, ChatStatus.CALLBACK) and report.creator_waited_s is None:
        report = replace(report, creator_waited_s=seconds_between(created_at, at))
    if status is ChatStatus.HANDLED and report.handled_at is None:
        report = replace(report, handled_at=at)
    if status is ChatStatus.COMPLETED and report.handled_at is not None:
        report = replace(report, duration_s=seconds_between(report.handled_at, at))
    return report


def joined(chat: Chat, user: User, at: Instant) -> Chat:
    """The user is in; the first agent makes the chat handled. The same value when they are in already."""
    must_allow(chat, "join")
    handles = user.is_agent and may_move(chat.status, ChatStatus.HANDLED)
    inside = among(chat.users, user)
    if inside and not handles:
        return chat
    if not (user.is_agent or inside or among((*chat.target_users, *chat.participants, chat.creator), user)):
        raise Conflict(f"{user.name} was not invited to this chat. An agent in it can invite them.")
    chat = replace(
        chat,
        users=chat.users if inside else (*chat.users, user),
        participants=chat.participants if among(chat.participants, user) else (*chat.participants, user),
        target_users=without(chat.target_users, user),
        last_modified_at=at,
    )
    return moved(chat, ChatStatus.HANDLED, at) if handles else chat


def left(chat: Chat, user: User, at: Instant) -> Chat:
    """The user is out; a creator who leaves before anyone answered makes the chat missed."""
    must_allow(chat, "leave")
    if not among(chat.users, user):
        raise Conflict(f"{user.name} is not in this chat.")
    chat = replace(chat, users=without(chat.users, user), last_modified_at=at)
    if chat.status is ChatStatus.CREATED and user.user_id == chat.creator.user_id:
        return moved(chat, ChatStatus.MISSED, at)
    return chat


def abandoned(chat: Chat, at: Instant) -> Chat:
    """The creator is gone before anyone answered: missed, as if they had left."""
    return moved(replace(chat, users=without(chat.users, chat.creator)), ChatStatus.MISSED, at)


def invited(chat: Chat, user: User, guests: Iterable[User], at: Instant) -> Chat:
    """The guests are invited; those who are in or invited already are passed over."""
    must_allow(chat, "invite")
    if not user.is_agent and not among(chat.users, user):
        raise Conflict(f"{user.name} is not in this chat. Only agents and people in it can invite.")
    fresh = tuple(guest for guest in guests if not among((*chat.users, *chat.target_users), guest))
    if not fresh:
        return chat
    return replace(chat, target_users=(*chat.target_users, *fresh), last_modified_at=at)


def called_back(chat: Chat, user: User, callback: Callback, at: Instant) -> Chat:
    """The contact asked to be called back."""
    must_allow(chat, "callback")
    if user.is_agent:
        raise Conflict(f"{user.name} is an agent. Only contacts ask for a callback.")
    if not among((*chat.users, *chat.participants, chat.creator), user):
        raise Conflict(f"{user.name} has no part in this chat.")
    return moved(replace(chat, callback=callback), ChatStatus.CALLBACK, at)


def completed(chat: Chat, user: User, note: str | None, at: Instant) -> Chat:
    """An agent closed the chat."""
    must_allow(chat, "complete")
    if not user.is_agent:
        raise Conflict(f"{user.name} is a contact. Only agents complete a chat.")
    record = CloseRecord(user=user, note=note, last_modified_at=at)
    return moved(replace(chat, close_record=record, closed_at=at), ChatStatus.COMPLETED, at)


def must_be_in(chat: Chat, user: User) -> None:
    """Raise Conflict unless the user may post a message now."""
    must_allow(chat, "message")
    if not among(chat.users, user):
        raise Conflict(f"{user.name} is not in this chat. Join it first.")


def among(users: Iterable[User], user: User) -> bool:
    """Whether this person is one of them."""
    return any(one.user_id == user.user_id for one in users)


def without(users: tuple[User, ...], user: User) -> tuple[User, ...]:
    """The others."""
    return tuple(one for one in users if one.user_id != user.user_id)
