"""Scenarios of timers in a real browser."""

from playwright.sync_api import Page, expect

from portal_kit import DeskApp, Receiver, make_contact, make_webhook

HIDE = """() => { Object.defineProperty(document, "hidden", {value: true, configurable: true});
document.dispatchEvent(new Event("visibilitychange")); }"""


def client_link(app: DeskApp) -> str:
    """A contact's own page."""
    number = make_contact(app).rsplit("~", 1)[1]
    return app.browser.post(f"/people/contacts/{number}/open").headers["location"]


def test_a_chat_that_stays_handled_tells_once(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """The timer is made with the form; a chat that an agent joined stays too long: one delivery, not two."""
    make_webhook(app, receiver.url, "chat.dwelled", description="Mail to the managers")
    page.goto("/desk/timers")
    page.get_by_role("link", name="New timer").click()
    page.get_by_label("What").select_option(label="Chat · handled")
    page.get_by_label("Stays there for longer than").fill("1")
    page.locator("#f-longer_unit").select_option("seconds")
    page.get_by_role("button", name="Create timer").click()
    expect(page.get_by_text("Tells when a chat stays handled for more than 1 second.")).to_be_visible()
    app.browser.follow(f"{client_link(app)}/chat", {"name": "Printer offline"})
    page.goto("/desk/agent")
    page.get_by_role("link", name="Printer offline").click()
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text("Mail to the managers · delivered")).to_be_visible()
    page.goto("/deliveries")
    expect(page.locator("#rows tr")).to_have_count(1)
    assert len(receiver.got) == 1
    page.goto("/desk/timers")
    page.context.new_page().goto(f"{app.base_url}/desk/timers/new")


def test_a_contact_may_look_at_another_tab(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """The page of a contact who waits stays open while it is hidden; the agent's own pages close their streams."""
    page.goto(client_link(app))
    page.get_by_label("What is it about?").fill("Nobody comes")
    page.get_by_role("button", name="Request chat").click()
    expect(page.get_by_text("An agent will join here.")).to_be_visible()
    page.locator("live-rows[data-live=on]").wait_for(state="attached")
    page.evaluate(HIDE)
    expect(page.locator("live-rows")).to_have_attribute("data-live", "on")
    page.goto("/desk/agent")
    page.locator("live-rows[data-live=on]").first.wait_for(state="attached")
    page.evaluate(HIDE)
    expect(page.locator("live-rows").first).to_have_attribute("data-live", "off")
