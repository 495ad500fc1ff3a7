"""What a contact does: ask for a chat or callback, write, join, leave, open a ticket."""

from typing import Any

from starlette.responses import Response

from deskbell.portal.client.link import client_of
from deskbell.portal.client.show import view_of
from deskbell.portal.desk.acting import done
from deskbell.portal.forms import Fields
from deskbell.portal.page import PageAsk


async def request(ask: PageAsk) -> Response:
    """Ask for a chat, about a ticket or not."""
    client, form = await client_of(ask), Fields(values=ask.form())
    reference = {"type": "ticket", "id": form.text("ticket")} if form.given("ticket") else None

    async def step() -> object:
        return await ask.rooms.chats.request(
            client.site,
            client.actor,
            contact_id=client.user.user_id,
            name=form.given("name"),
            message=form.given("message"),
            reference=reference,
            has_page=True,
            page_open=ask.rooms.presence.is_open(client.site, client.user.user_id),
        )

    return await done(ask, client.path, step)


def wish_of(form: Fields) -> dict[str, Any]:
    """The callback form as an object."""
    wish: dict[str, Any] = {"type": form.text("type", "phone")}
    for name in ("phone", "note"):
        if form.given(name):
            wish[name] = form.text(name)
    if form.given("start") and form.given("end"):
        wish["preferredTime"] = [{"start": form.text("start"), "end": form.text("end")}]
    return wish


async def callback(ask: PageAsk) -> Response:
    """Ask to be called back, from the chat that waits or without one."""
    client = await client_of(ask)
    form = Fields(values=ask.form())
    view = await view_of(ask, client)
    wish = wish_of(form)

    async def step() -> object:
        if view.chat is not None and "callback" in view.actions:
            return await ask.rooms.chats.callback(client.site, view.chat.id, client.user.user_id, wish, client.actor)
        return await ask.rooms.chats.request(
            client.site, client.actor, contact_id=client.user.user_id, name=form.given("name"), callback=wish
        )

    return await done(ask, client.path, step, "We call you back.")


async def say(ask: PageAsk) -> Response:
    """Post a message."""
    client, form = await client_of(ask), Fields(values=ask.form())

    async def step() -> object:
        chat_id, text = form.text("chat"), form.raw("text")
        return await ask.rooms.chats.say(client.site, chat_id, client.user.user_id, text, client.actor)

    return await done(ask, client.path, step)


async def join(ask: PageAsk) -> Response:
    """Come into a chat one was invited to."""
    client, form = await client_of(ask), Fields(values=ask.form())

    async def step() -> object:
        return await ask.rooms.chats.join(client.site, form.text("chat"), client.user.user_id, client.actor)

    return await done(ask, client.path, step)


async def leave(ask: PageAsk) -> Response:
    """Go; unanswered, the chat is missed."""
    client, form = await client_of(ask), Fields(values=ask.form())

    async def step() -> object:
        return await ask.rooms.chats.leave(client.site, form.text("chat"), client.user.user_id, client.actor)

    return await done(ask, client.path, step, "You left the chat.")


async def new_ticket(ask: PageAsk) -> Response:
    """A new ticket, with the words as its first note."""
    client, form = await client_of(ask), Fields(values=ask.form())

    async def step() -> object:
        body = {"title": form.text("title"), "contactId": client.user.user_id}
        made = await ask.rooms.tickets.create(client.site, client.actor, body)
        if form.given("text"):
            note = {"text": form.raw("text"), "isPublic": True, "by": client.user.user_id}
            await ask.rooms.tickets.note(client.site, made.id, note, client.actor)
        return made

    return await done(ask, client.path, step, "Your ticket was opened.")
