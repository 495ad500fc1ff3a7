"""Scenarios with live pages in a real browser."""

import json
import re

from playwright.sync_api import Page, expect

from portal_kit import DeskApp, Receiver, make_contact, make_ticket, make_webhook, until


def ready(page: Page) -> None:
    """All is live."""
    page.locator("html[data-ready]").wait_for(state="attached")


def open_live(page: Page, path: str) -> None:
    """Go there and wait until its stream is open."""
    page.goto(path)
    ready(page)
    page.locator("live-rows[data-live=on]").wait_for(state="attached")


def test_new_deliveries_appear_on_top(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """Three events are three rows, announced, without a reload; the changed state shows in place."""
    make_webhook(app, receiver.url, "ticket.*")
    ticket = make_ticket(app)
    open_live(page, "/deliveries")
    expect(page.locator("#rows tr")).to_have_count(1)
    for number in range(3):
        app.browser.follow(f"/desk/agent/tickets/{ticket}/change", {"title": f"Change {number}"})
    expect(page.locator("#rows tr")).to_have_count(4)
    expect(page.locator("#rows tr").first).to_contain_text("Change 2")
    expect(page.locator("#rows tr").first).to_contain_text("Delivered")
    expect(page.locator("#said")).to_contain_text("new deliver")


def test_rows_do_not_move_under_a_reader(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """With focus in the list, new ones are offered instead."""
    make_webhook(app, receiver.url, "ticket.*")
    ticket = make_ticket(app)
    open_live(page, "/deliveries")
    page.locator("#rows a.t1").first.focus()
    app.browser.follow(f"/desk/agent/tickets/{ticket}/change", {"title": "Unseen"})
    expect(page.locator(".news")).to_have_text("1 new")
    expect(page.locator("#rows tr")).to_have_count(1)
    page.locator(".news").click()
    expect(page.locator("#rows tr")).to_have_count(2)


def test_search_as_you_type_is_in_the_url_and_kept(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """A ticket's number finds its rows; nonsense nothing; reload and back keep the place."""
    make_webhook(app, receiver.url, "ticket.*")
    ticket = make_ticket(app)
    until(lambda: receiver.got)
    open_live(page, "/deliveries")
    page.keyboard.press("/")
    page.keyboard.type(f"#{ticket}")
    expect(page).to_have_url(re.compile(r"q=%23"))
    expect(page.locator("#rows tr")).to_have_count(1)
    page.get_by_label("Time").select_option("7d")
    expect(page).to_have_url(re.compile(r"since=7d"))
    page.reload()
    expect(page.locator("#q")).to_have_value(f"#{ticket}")
    page.locator("#q").fill("AB-404")
    expect(page.get_by_text("No deliveries match “AB-404”")).to_be_visible()
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    page.locator("#rows a.t1").click()
    expect(page.get_by_role("heading", name="Timing")).to_be_visible()
    page.go_back()
    expect(page.locator("#rows tr")).to_have_count(1)


def test_approval_required_shows_delivered_on_the_ticket(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """The agent saves, the page says that the webhook fired."""
    make_webhook(app, receiver.url, "ticket.approval_required", description="Second approval tier")
    ticket = make_ticket(app)
    open_live(page, f"/desk/agent/tickets/{ticket}")
    page.get_by_label("Status").select_option(label="Approval Required")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#sent")).to_contain_text("Second approval tier · delivered")
    assert json.loads(until(lambda: receiver.got)[0].body)[0]["id"] == ticket


def test_a_chat_in_two_windows(app: DeskApp, page: Page, watched: object, receiver: Receiver) -> None:
    """Contact and agent see each other's words live; created, handled, completed arrive."""
    make_webhook(app, receiver.url, "chat.created", "chat.handled", "chat.completed")
    number = make_contact(app).rsplit("~", 1)[1]
    link = app.browser.post(f"/people/contacts/{number}/open").headers["location"]
    client = watched.page()  # type: ignore[attr-defined]  # the fixture's own class
    open_live(page, "/desk/agent")
    client.goto(link)
    client.get_by_label("What is it about?").fill("Printer offline")
    client.get_by_role("button", name="Request chat").click()
    expect(client.locator("#client-chat")).to_contain_text("An agent will join here.")
    page.get_by_role("button", name="Join Printer offline").click()
    expect(page.get_by_role("heading", name="Printer offline")).to_be_visible()
    expect(client.locator("#client-chat")).to_contain_text("an agent is here")
    page.get_by_label("Message", exact=True).fill("How can I help?")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(client.locator("#client-chat")).to_contain_text("How can I help?")
    page.locator("form", has=page.get_by_label("Note")).get_by_role("button", name="Complete").click()
    expect(client.locator("#client-chat")).to_contain_text("completed")
    types = until(lambda: found if len(found := [one.headers["deskbell-event"] for one in receiver.got]) == 3 else [])
    assert sorted(types) == ["chat.completed", "chat.created", "chat.handled"]


def test_a_failing_receiver_is_explained_as_it_happens(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """503, then 200 by Send now: both attempts on the page, the parts add up."""
    make_webhook(app, receiver.url, "ticket.created")
    receiver.status = 503
    make_ticket(app)
    until(lambda: receiver.got)
    page.goto("/deliveries")
    expect(page.locator("#rows tr").first).to_contain_text("Waiting")
    page.locator("#rows a.t1").first.click()
    expect(page.get_by_text("The receiver or a gateway before it failed.")).to_be_visible()
    receiver.status = 200
    ready(page)
    page.get_by_role("button", name="Send now").click()
    expect(page.locator(".toast")).to_contain_text("Sent again: 200")
    expect(page.locator(".att a")).to_have_count(2)
    page.locator(".att a").first.click()
    expect(page.get_by_text("The receiver or a gateway before it failed.")).to_be_visible()


def test_a_bin_shows_captures_live(app: DeskApp, page: Page) -> None:
    """Made, used in a webhook, and the capture appears with its reports."""
    page.goto("/inspector")
    ready(page)
    page.get_by_label("Name").fill("playground")
    page.get_by_label("Answers").select_option("fails 2 times then ok")
    page.get_by_role("button", name="Create bin").click()
    page.get_by_text("Waiting for the first request.").wait_for()
    page.locator("live-rows[data-live=on]").wait_for(state="attached")
    url = page.locator("#bin-url").inner_text()
    make_webhook(app, url, "ticket.created")
    make_ticket(app)
    expect(page.locator("#captures .caps li").first).to_contain_text("answered 503")
    expect(page.locator("#captures")).to_contain_text("Signature: valid")


def test_no_page_scrolls_sideways(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """From wide screens to 320 px."""
    make_webhook(app, receiver.url, description="A webhook with a description that is rather long for a small screen")
    make_ticket(app)
    for path in (
        "/webhook",
        "/deliveries",
        "/desk/agent",
        "/webhook?tab=security",
        "/inspector",
        "/people",
        "/desk/timers",
    ):
        page.goto(path)
        for width in (1440, 768, 390, 320):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, width)
