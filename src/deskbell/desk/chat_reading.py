"""Whom and what a new chat names, looked up: the contact or agent, the ticket, the guests."""

from collections.abc import Iterable, Mapping
from typing import Any

from deskbell.desk.ids import person_key
from deskbell.model.chat import ACTIVE_STATUSES, Chat, Reference
from deskbell.model.errors import Conflict, FaultAt, Invalid, NotFound
from deskbell.model.ids import SiteId
from deskbell.model.people import Contact, User
from deskbell.model.query import ChatFilter
from deskbell.model.ticket import Ticket
from deskbell.ports import Store

_ACTIVE = tuple(sorted(status.value for status in ACTIVE_STATUSES))
_ACTIVE_MAX = 200


class Finder:
    """Looks up what bodies name; what is not there becomes a fault at its member."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def contact(self, site: SiteId, key: int | str, pointer: str) -> Contact:
        """The contact under the number, `userId` or external id."""
        found = await self._store.people.contact(site, person_key(site, "c", key))
        if found is None:
            raise _unknown(pointer, "There is no such contact. Create it first.")
        return found

    async def agent_user(self, site: SiteId, key: int | str, pointer: str) -> User:
        """The agent under the number, `userId` or external id."""
        found = await self._store.people.agent(site, person_key(site, "m", key))
        if found is None:
            raise _unknown(pointer, "There is no such agent. Create it first.")
        return found.user

    async def user(self, site: SiteId, user_id: str, pointer: str) -> User:
        """The person of a `userId` of this site."""
        if user_id.startswith(f"{site}~m~"):
            return await self.agent_user(site, user_id, pointer)
        if user_id.startswith(f"{site}~c~"):
            return (await self.contact(site, user_id, pointer)).user
        raise _unknown(pointer, f"This must be a userId such as {site}~c~106 or {site}~m~7.")

    async def users(self, site: SiteId, user_ids: Iterable[str], pointer: str) -> tuple[User, ...]:
        """The persons of several ids, each once."""
        found: dict[str, User] = {}
        for place, user_id in enumerate(user_ids):
            user = await self.user(site, user_id, f"{pointer}/{place}")
            found[user.user_id] = user
        return tuple(found.values())

    async def chat(self, site: SiteId, chat_id: str) -> Chat:
        """The chat. Raises NotFound."""
        found = await self._store.desk.chat(site, chat_id)
        if found is None:
            raise NotFound(f"There is no chat {chat_id[:64]!r} on this site.")
        return found

    async def ticket(self, site: SiteId, reference: Reference | None) -> Ticket | None:
        """The open ticket that a new chat is about. Raises Invalid, or Conflict when it is closed."""
        if reference is None:
            return None
        found = await self._store.desk.ticket(site, reference.id)
        if found is None or found.deleted_at is not None:
            raise _unknown("/reference/id", "There is no such ticket.")
        if found.status.is_closed:
            raise Conflict(f"Ticket {found.id} is closed. Reopen it first, or ask for a chat without a ticket.")
        return found

    async def must_have_no_chat(self, site: SiteId, user: User, ticket: Ticket | None, but: str = "") -> None:
        """Raise Conflict when the contact has an active chat of this ticket, or a pre-ticket one, already."""
        which = ChatFilter(statuses=_ACTIVE, creator_id=user.user_id)
        if ticket is not None:
            which = ChatFilter(statuses=_ACTIVE, reference_id=ticket.id)
        for chat in await self._store.desk.chats(site, which, None, _ACTIVE_MAX):
            if chat.id == but or (chat.reference is None) != (ticket is None):
                continue
            inside = {one.user_id for one in (chat.creator, *chat.users, *chat.target_users)}
            if ticket is None or user.user_id in inside:
                about = f"about ticket {ticket.id}" if ticket else "without a ticket"
                raise Conflict(
                    f"{user.name} already has an active chat {about}: {chat.id}. Go on in that one, or end it first.",
                    reason="active_chat",
                )


def reference_of(value: Reference | Mapping[str, Any] | None) -> Reference | None:
    """A reference given as a value or as a JSON object. Raises Invalid."""
    if value is None or isinstance(value, Reference):
        return value
    kind, ticket_id = value.get("type", "ticket"), value.get("id")
    if isinstance(ticket_id, int) and not isinstance(ticket_id, bool):
        ticket_id = str(ticket_id)
    if kind != "ticket":
        raise _unknown("/reference/type", "A chat can be about a `ticket` only.")
    if not isinstance(ticket_id, str) or not 1 <= len(ticket_id) <= 128:
        raise _unknown("/reference/id", "This must be the id of a ticket.")
    return Reference(type="ticket", id=ticket_id)


def _unknown(pointer: str, detail: str) -> Invalid:
    return Invalid(faults=(FaultAt(pointer=pointer, code="unknown", detail=detail),))
