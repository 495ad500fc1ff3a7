"""Since when a chat or a ticket has been in its status."""

from deskbell.model.chat import Chat, ChatStatus
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.model.ticket import Ticket
from deskbell.model.timer import GATHERED, GONE, Entered, Timer
from deskbell.rules.dwell import Stay


def stay_of_chat(chat: Chat) -> Stay:
    """The chat's time in its status."""
    entered = chat.entered or Entered(at=told_since(chat), version=0)
    return Stay(kind="chat", id=chat.id, status=chat.status.value, since=entered.at, epoch=entered.version)


def stay_of_ticket(ticket: Ticket) -> Stay | None:
    """The ticket's time in its status; None when it is deleted."""
    if ticket.deleted_at is not None:
        return None
    entered = ticket.entered or Entered(at=ticket.last_modified_at, version=0)
    return Stay(kind="ticket", id=ticket.id, status=str(ticket.status.id), since=entered.at, epoch=entered.version)


def told_since(chat: Chat) -> Instant:
    """Since when it is in its status, as its own times tell: for chats that other software reports."""
    if chat.past_status.count(chat.status) > 1:
        return chat.last_modified_at
    told = {
        ChatStatus.CREATED: chat.created_at,
        ChatStatus.HANDLED: chat.report.handled_at,
        ChatStatus.COMPLETED: chat.closed_at,
    }.get(chat.status)
    return told or chat.last_modified_at


def gone_timer(chat: Chat, now: Instant, due_at: Instant) -> Timer:
    """After that, a creator whose page was not open again is treated as leaving."""
    return _own(chat.site, GONE, chat.id, stay_of_chat(chat).epoch, now, due_at)


def gathered_timer(chat: Chat, now: Instant, due_at: Instant) -> Timer:
    """Then the messages that were posted meanwhile fire one `chat.updated`."""
    return _own(chat.site, GATHERED, chat.id, chat.version, now, due_at)


def _own(site: SiteId, rule: str, chat_id: str, epoch: int, since: Instant, due_at: Instant) -> Timer:
    return Timer(site=site, rule=rule, subject=f"chat:{chat_id}", epoch=epoch, since=since, due_at=due_at)
