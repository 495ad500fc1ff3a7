"""One chat as an agent sees it, and every action the status allows."""

from dataclasses import dataclass

from starlette.responses import Response

from deskbell.model.chat import Chat, ChatMessage
from deskbell.model.people import User
from deskbell.portal.deliveries.rows import surroundings
from deskbell.portal.desk.acting import Acting, done, me, without_empty
from deskbell.portal.desk.sent import Sent, sent_for
from deskbell.portal.forms import Fields
from deskbell.portal.notes import Note
from deskbell.portal.page import PageAsk, respond, see_other
from deskbell.portal.words import plural


@dataclass(frozen=True, kw_only=True)
class ChatView:
    """Everything of the page."""

    chat: Chat
    messages: tuple[ChatMessage, ...]
    actions: tuple[str, ...]
    mine: str  # userId of whoever looks
    is_in: bool
    guests: tuple[User, ...]  # who can be invited
    sent: list[Sent]


async def view_of(ask: PageAsk, chat_id: str) -> ChatView:
    """The chat now."""
    acting = await me(ask)
    chat = await ask.rooms.chats.get(ask.site, chat_id)
    inside = {one.user_id for one in (*chat.users, *chat.target_users)}
    agents = await ask.rooms.people.agents.list(ask.site)
    contacts = await ask.rooms.people.contacts.list(ask.site)
    everybody = (*(one.user for one in agents), *(one.user for one in contacts))
    return ChatView(
        chat=chat,
        messages=await ask.rooms.chats.messages(ask.site, chat_id),
        actions=ask.rooms.chats.legal_moves(chat),
        mine=acting.user.user_id,
        is_in=any(one.user_id == acting.user.user_id for one in chat.users),
        guests=tuple(one for one in everybody if one.user_id not in inside),
        sent=await sent_for(ask, await surroundings(ask), "chat", chat_id),
    )


async def show(ask: PageAsk) -> Response:
    """The page."""
    view = await view_of(ask, ask.path("id"))
    return await respond(ask, "pages/desk_chat.html", part="parts/chat_live.html", view=view)


def path_of(ask: PageAsk) -> str:
    """The chat's page."""
    return f"/desk/agent/chats/{ask.path('id')}"


async def join(ask: PageAsk) -> Response:
    """Come in."""
    acting = await me(ask)

    async def step() -> Chat:
        return await ask.rooms.chats.join(ask.site, ask.path("id"), acting.user.user_id, acting.actor)

    return await done(ask, path_of(ask), step)


async def leave(ask: PageAsk) -> Response:
    """Go."""
    acting = await me(ask)

    async def step() -> Chat:
        return await ask.rooms.chats.leave(ask.site, ask.path("id"), acting.user.user_id, acting.actor)

    return await done(ask, path_of(ask), step)


async def invite(ask: PageAsk) -> Response:
    """Ask somebody in."""
    acting, guests = await me(ask), Fields(values=ask.form()).many("guests")

    async def step() -> Chat:
        return await ask.rooms.chats.invite(ask.site, ask.path("id"), acting.user.user_id, guests, acting.actor)

    return await done(ask, path_of(ask), step, f"{plural(len(guests), 'person', 'people')} invited.")


async def say(ask: PageAsk) -> Response:
    """Post a message."""
    acting, text = await me(ask), Fields(values=ask.form()).raw("text")

    async def step() -> Chat:
        return await ask.rooms.chats.say(ask.site, ask.path("id"), acting.user.user_id, text, acting.actor)

    return await done(ask, path_of(ask), step)


async def complete(ask: PageAsk) -> Response:
    """Close the chat, with a note or without."""
    acting, note = await me(ask), Fields(values=ask.form()).given("note")

    async def step() -> Chat:
        return await ask.rooms.chats.complete(ask.site, ask.path("id"), acting.user.user_id, note, acting.actor)

    return await done(ask, path_of(ask), step, "Chat completed.")


async def push(ask: PageAsk) -> Response:
    """Open a chat and invite people."""
    acting, form = await me(ask), Fields(values=ask.form())
    reference = {"type": "ticket", "id": form.text("ticket")} if form.given("ticket") else None
    made: list[Chat] = []

    async def step() -> None:
        made.append(await pushed(ask, acting, form, reference))

    answer = await done(ask, "/desk/agent", step)
    if not made:
        return answer
    return see_other(ask, f"/desk/agent/chats/{made[0].id}", Note(text="Chat opened and people invited."))


async def pushed(ask: PageAsk, acting: Acting, form: Fields, reference: dict[str, str] | None) -> Chat:
    """The new chat."""
    texts = without_empty({"name": form.text("name"), "message": form.raw("message")})
    return await ask.rooms.chats.push(
        ask.site,
        acting.actor,
        agent_id=acting.user.entity_id,
        reference=reference,
        target_user_ids=form.many("guests"),
        name=str(texts["name"]) if "name" in texts else None,
        message=str(texts["message"]) if "message" in texts else None,
    )


async def push_form(ask: PageAsk) -> Response:
    """The form of a pushed chat."""
    contacts = await ask.rooms.people.contacts.list(ask.site)
    agents = await ask.rooms.people.agents.list(ask.site)
    people = [*(one.user for one in contacts), *(one.user for one in agents)]
    ticket = ask.query.get("ticket", "")
    return await respond(ask, "pages/desk_push.html", part="parts/desk_push.html", people=people, ticket=ticket)
