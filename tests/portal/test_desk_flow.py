"""The desk's pages without script: people, chats, tickets, and the contact's own page."""

import json
import re

import pytest

from portal_kit import Browser, DeskApp, Page, Receiver, make_contact, make_ticket, make_webhook, until


@pytest.fixture
def link(desk_app: DeskApp) -> str:
    """A contact's personal link."""
    number = make_contact(desk_app).rsplit("~", 1)[1]
    answer = desk_app.browser.post(f"/people/contacts/{number}/open")
    assert answer.status == 303
    return answer.headers["location"]


def chat_of(app: DeskApp, name: str) -> str:
    """The chat of this name on the board."""
    found = re.search(rf'/desk/agent/chats/([^"/]+)">{name}<', app.browser.get("/desk/agent").text)
    assert found
    return found[1]


def test_contacts_need_a_name(desk_app: DeskApp) -> None:
    """Faults at the fields, what was typed is kept."""
    answer = desk_app.browser.post("/people/contacts", {"name": "", "email": "x"})
    page = Page(answer.text)
    assert answer.status == 422
    assert page.all("span", id="e-name")
    assert page.all("input", id="f-email")[0]["value"] == "x"


def test_a_personal_link_needs_no_login(desk_app: DeskApp, link: str) -> None:
    """The link is the credential; an unknown one is not found."""
    stranger = Browser(desk_app.base_url)
    assert "How can we help?" in stranger.get(link).text
    assert stranger.get("/desk/client/unknown").status == 404
    assert stranger.post(f"{link}/chat", {"name": "x"}, Origin="https://evil.example").status == 403
    assert "Open as this contact" in desk_app.browser.get("/desk/client").text


def test_a_chat_from_request_to_completion(desk_app: DeskApp, link: str, receiver: Receiver) -> None:
    """Each step is an event with the right history."""
    make_webhook(desk_app, receiver.url, "chat.*")
    page = desk_app.browser.follow(f"{link}/chat", {"name": "Printer offline", "message": "help"}).text
    assert "An agent will join here." in page
    chat = chat_of(desk_app, "Printer offline")
    at = f"/desk/agent/chats/{chat}"
    assert "handled" in desk_app.browser.follow(f"{at}/join").text
    desk_app.browser.follow(f"{at}/say", {"text": "Hello <b>you</b>"})
    client = desk_app.browser.get(link).text
    assert "Hello &lt;b&gt;you&lt;/b&gt;" in client
    desk_app.browser.follow(f"{link}/say", {"chat": chat, "text": "Thank you"})
    assert "Thank you" in desk_app.browser.get(at).text
    assert "Completed" in desk_app.browser.follow(f"{at}/complete", {"note": "Paper jam"}).text
    types = until(lambda: _types(receiver) if "chat.completed" in _types(receiver) else {})
    assert types["chat.completed"]["pastStatus"] == ["created", "handled", "completed"]
    assert {"chat.created", "chat.handled"} <= set(types)


def _types(receiver: Receiver) -> dict[str, dict[str, object]]:
    """The newest snapshot of each event type."""
    return {one.headers["deskbell-event"]: json.loads(one.body)[0] for one in receiver.got}


def test_leaving_unanswered_is_a_missed_chat(desk_app: DeskApp, link: str, receiver: Receiver) -> None:
    """And the page offers a new one."""
    make_webhook(desk_app, receiver.url, "chat.missed")
    text = desk_app.browser.follow(f"{link}/chat", {"name": "Nobody comes"}).text
    chat = Page(text).all("input", name="chat")[0]["value"]
    page = Page(desk_app.browser.follow(f"{link}/leave", {"chat": chat}).text).text
    assert "You left the chat." in page
    assert "Request chat" in page
    assert until(lambda: _types(receiver))["chat.missed"]["status"] == "missed"


def test_a_callback_carries_phone_note_and_times(desk_app: DeskApp, link: str, receiver: Receiver) -> None:
    """As the contact typed them."""
    make_webhook(desk_app, receiver.url, "chat.callback")
    wish = {
        "type": "phone",
        "phone": "+49 30 5550 0142",
        "note": "After lunch",
        "start": "2026-12-01T13:00",
        "end": "2026-12-01T14:00",
    }
    assert "We call you back." in desk_app.browser.follow(f"{link}/callback", wish).text
    callback = until(lambda: _types(receiver))["chat.callback"]["callback"]
    assert isinstance(callback, dict)
    assert callback["phone"] == "+49 30 5550 0142"
    assert callback["note"] == "After lunch"
    assert callback["preferredTime"][0]["start"].startswith("2026-12-01T13:00")


def test_an_illegal_move_is_told_with_the_page_as_it_is_now(desk_app: DeskApp, link: str) -> None:
    """Two agents' pages, one chat."""
    desk_app.browser.follow(f"{link}/chat", {"name": "Race"})
    chat = chat_of(desk_app, "Race")
    desk_app.browser.follow(f"/desk/agent/chats/{chat}/complete", {})
    page = Page(desk_app.browser.follow(f"/desk/agent/chats/{chat}/join").text).text
    assert "This chat is completed." in page


def test_a_pushed_chat_invites_people(desk_app: DeskApp, link: str) -> None:
    """The contact sees the invitation and joins."""
    contact = make_contact(desk_app, "Luca Moretti")
    opened = desk_app.browser.post(f"/people/contacts/{contact.rsplit('~', 1)[1]}/open").headers["location"]
    page = desk_app.browser.follow("/desk/agent/push", {"name": "About your ticket", "guests": [contact]}).text
    assert "Luca Moretti" in page
    client = desk_app.browser.get(opened).text
    assert "invites you" in client
    chat = Page(client).all("input", name="chat")[0]["value"]
    assert "In the chat:" in desk_app.browser.follow(f"{opened}/join", {"chat": chat}).text


def test_a_ticket_to_approval_required_shows_its_webhooks(desk_app: DeskApp, receiver: Receiver) -> None:
    """The proof that the action fired stands on the page."""
    make_webhook(desk_app, receiver.url, "ticket.approval_required", description="Second approval tier")
    ticket = make_ticket(desk_app)
    at = f"/desk/agent/tickets/{ticket}"
    desk_app.browser.follow(f"{at}/change", {"status": "4"})
    until(lambda: "Second approval tier · delivered" in Page(desk_app.browser.get(at).text).text)
    assert _types(receiver)["ticket.approval_required"]["id"] == ticket
    assert f"#{ticket}" in desk_app.browser.get("/desk/agent?tickets=approval").text


def test_every_action_on_a_ticket(desk_app: DeskApp) -> None:
    """Fields, tags, agents, notes, close, reopen, delete."""
    ticket = make_ticket(desk_app)
    at = f"/desk/agent/tickets/{ticket}"
    fields: dict[str, object] = {
        "title": "New title",
        "priority": "3",
        "tags": "one, two",
        "has_agents": "yes",
        "agents": ["desk~m~1"],
    }
    text = desk_app.browser.follow(f"{at}/change", fields).text
    page = Page(text)
    assert page.all("input", id="f-title")[0]["value"] == "New title"
    assert page.all("input", id="f-tags")[0]["value"] == "one, two"
    assert "selected" in page.all("option", value="desk~m~1")[0]
    assert "internal" in desk_app.browser.follow(f"{at}/note", {"text": "For us"}).text
    assert "public" in desk_app.browser.follow(f"{at}/note", {"text": "For all", "public": "yes"}).text
    assert "Ticket closed." in desk_app.browser.follow(f"{at}/close").text
    assert "is closed already" in desk_app.browser.follow(f"{at}/close").text
    assert "Ticket opened again." in desk_app.browser.follow(f"{at}/reopen").text
    assert "was deleted" in desk_app.browser.follow(f"{at}/delete").text
    assert desk_app.browser.get(at).status == 404


def test_a_ticket_without_title_is_refused_at_its_field(desk_app: DeskApp) -> None:
    """On the new form and on the page."""
    contact = make_contact(desk_app)
    answer = desk_app.browser.post("/desk/agent/tickets", {"title": "", "contact": contact})
    assert answer.status == 422
    assert Page(answer.text).all("span", id="e-title")
    ticket = make_ticket(desk_app)
    assert desk_app.browser.post(f"/desk/agent/tickets/{ticket}/change", {"title": ""}).status == 422


def test_a_ticket_form_sent_twice_makes_one(desk_app: DeskApp) -> None:
    """Its random name is the key."""
    form = {"title": "Once", "contact": make_contact(desk_app), "form_id": "5" * 32}
    first = desk_app.browser.post("/desk/agent/tickets", form).headers["location"]
    assert desk_app.browser.post("/desk/agent/tickets", form).headers["location"] == first


def test_a_contact_opens_a_ticket(desk_app: DeskApp, link: str) -> None:
    """It stands on their page and on the desk, with their words as a note."""
    page = desk_app.browser.follow(f"{link}/tickets", {"title": "Move desk", "text": "To level 3"}).text
    found = re.search(r"#(\d+) Move desk", page)
    assert found
    assert "To level 3" in desk_app.browser.get(f"/desk/agent/tickets/{found[1]}").text
