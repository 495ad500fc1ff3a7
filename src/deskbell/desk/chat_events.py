"""The events of chats: one for each change, and one for messages that follow each other quickly."""

from dataclasses import replace

from deskbell.desk.writing import draft
from deskbell.model.changes import ArmTimer, Change, DropTimers
from deskbell.model.chat import Chat, Untold
from deskbell.model.draft import Draft
from deskbell.model.event import Subject
from deskbell.model.instant import Instant, plus
from deskbell.model.people import Actor, ActorKind
from deskbell.model.timer import GATHERED
from deskbell.rules.limits import Limits
from deskbell.rules.payload import chat_head
from deskbell.rules.stays import gathered_timer


def chat_draft(event_type: str, chat: Chat, by: Actor, hop: int) -> Draft:
    """The event of a chat that now is as given; its sequence is the chat's."""
    subject = Subject(type="chat", id=chat.id, title=chat.name)
    return draft(
        event_type, by, chat.last_modified_at, head=chat_head(chat), subject=subject, sequence=chat.sequence, hop=hop
    )


def told_or_gathered(
    chat: Chat, by: Actor, hop: int, now: Instant, limits: Limits
) -> tuple[Chat, tuple[Change, ...], tuple[Draft, ...]]:
    """After a message: the chat, its timer and its event.

    Told at once when nothing was told just now; else at the end of that time, together with what comes until then.
    """
    every_s, last = limits.message_event_s, chat.updated_event_at
    if last is None or now >= plus(last, every_s):
        dropped = (drop_gathered(chat),) if chat.untold else ()
        told = replace(chat, updated_event_at=now, untold=None, sequence=chat.sequence + 1)
        return told, dropped, (chat_draft("chat.updated", told, by, hop),)
    due_at = min(plus(last, every_s), plus(now, every_s))  # a clock that was set back makes nobody wait longer
    gathered = replace(chat, untold=untold_with(chat.untold, by, hop))
    return gathered, (ArmTimer(timer=gathered_timer(gathered, last, due_at)),), ()


def untold_with(untold: Untold | None, by: Actor, hop: int) -> Untold:
    """One more message that was not told: what loop protection needs holds for all of them."""
    key = by.id if by.kind is ActorKind.KEY else None
    if untold is None:
        return Untold(by=by, maker_key=key, hop=hop)
    return Untold(by=by, maker_key=key if key == untold.maker_key else None, hop=max(hop, untold.hop))


def told_now(chat: Chat, untold: Untold, now: Instant) -> tuple[Chat, Draft]:
    """The messages that were gathered, told."""
    told = replace(chat, updated_event_at=now, untold=None, sequence=chat.sequence + 1, version=chat.version + 1)
    event = chat_draft("chat.updated", told, untold.by, untold.hop)
    return told, replace(event, occurred_at=now, maker_key=untold.maker_key)


def drop_gathered(chat: Chat) -> DropTimers:
    """Nothing is left to be told."""
    return DropTimers(site=chat.site, subject=f"chat:{chat.id}", rule=GATHERED)
