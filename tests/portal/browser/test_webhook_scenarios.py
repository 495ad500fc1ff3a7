"""Scenarios of the Webhook page in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from portal_kit import DeskApp, Receiver, make_ticket, make_webhook, until

VENDOR = Path(__file__).parent.parent / "vendor"


def ready(page: Page) -> None:
    """All is live."""
    page.locator("html[data-ready]").wait_for(state="attached")


def open_page(page: Page, path: str) -> None:
    """Go there and wait until it is live."""
    page.goto(path)
    ready(page)


def open_menu(page: Page, entry: str) -> None:
    """The menu of the only row."""
    page.get_by_role("button", name=re.compile("^More for")).click()
    page.locator(".menu").get_by_text(entry, exact=True).click()


@pytest.mark.parametrize("htmx", ["shipped", "2.0.11"])
def test_creating_in_the_dialog_refuses_keeps_and_then_creates_one(page: Page, receiver: Receiver, htmx: str) -> None:
    """Faults at fields with typed text kept and focus on the summary; right: one row, open, with its secret.

    The same with htmx 2 swapped in: going back is one file.
    """
    if htmx != "shipped":
        page.route("**/static/htmx.min.*.js", lambda route: route.fulfill(path=VENDOR / f"htmx-{htmx}.min.js"))
        page.reload()
        ready(page)
    page.get_by_role("button", name="Create Webhook").click()
    page.get_by_role("link", name="Add chat webhook").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Description").fill("Missed chats")
    dialog.get_by_label("Receiver URL").fill("hooks.zapier.com/hooks/catch/18422")
    dialog.get_by_role("button", name="Create webhook").click()
    expect(dialog.get_by_role("alert")).to_be_focused()
    expect(dialog.get_by_label("Description")).to_have_value("Missed chats")
    expect(dialog.get_by_text("This is not a full URL.")).to_be_visible()
    expect(dialog.get_by_text("Choose at least one event type.")).to_be_visible()
    dialog.get_by_label("Receiver URL").fill(receiver.url)
    dialog.get_by_label("chat.missed").check()
    dialog.get_by_role("button", name="Create webhook").dblclick()
    expect(page.locator("tr.row.open")).to_have_count(1)
    expect(page.locator("tr.detail code", has_text="whsec_")).to_have_count(1)
    expect(page.get_by_text("Webhook created.")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    open_page(page, "/webhook")
    expect(page.locator("tr.row")).to_have_count(1)


def test_display_detail_copies_and_closes(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """The clipboard holds what is shown, it is announced, and the second click closes."""
    make_webhook(app, receiver.url)
    open_page(page, "/webhook")
    page.get_by_role("button", name="Display detail").click()
    secret = page.locator("tr.detail code", has_text="whsec_").inner_text()
    page.get_by_role("button", name="Copy signing secret").click()
    expect(page.locator("#said")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.get_by_role("button", name="Copy receiver URL").click()
    until(lambda: page.evaluate("navigator.clipboard.readText()") == receiver.url)
    expect(page.get_by_role("button", name="Display detail")).to_have_attribute("aria-expanded", "true")
    page.get_by_role("button", name="Display detail").click()
    expect(page.locator("tr.detail")).to_have_count(0)
    assert secret not in page.content()


def test_the_slider_and_what_was_missed(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """Off: banner and badge, nothing arrives. On: one event happened, Leave them."""
    make_webhook(app, receiver.url)
    ticket = make_ticket(app)
    until(lambda: receiver.got)
    open_page(page, "/webhook")
    page.get_by_role("switch", name="Send webhooks").click()
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    expect(page.get_by_text("Events are still recorded.")).to_be_visible()
    sent = len(receiver.got)
    app.browser.get("/webhook")
    app.browser.follow(f"/desk/agent/tickets/{ticket}/change", {"title": "While off"})
    page.get_by_role("switch").click()
    expect(page.get_by_text("1 event happened while webhooks were off.")).to_be_visible()
    page.get_by_role("button", name="Leave them").click()
    expect(page.get_by_text("1 event happened")).to_have_count(0)
    assert len(receiver.got) == sent


def test_delete_undo_and_the_deleted_tab(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """A toast with Undo; the same id delivers again."""
    whk = make_webhook(app, receiver.url)
    open_page(page, "/webhook")
    open_menu(page, "Delete")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Trial is over")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator(".toast")).to_contain_text("Deleted “Teams · #service-desk”.")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator(f"#{whk}")).to_be_visible()
    open_menu(page, "Send test event")
    expect(page.get_by_role("heading", name="test.ping")).to_be_visible()
    until(lambda: receiver.got)


def test_regenerating_in_the_dialog(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """The new secret stands on the page once; End now ends the overlap."""
    make_webhook(app, receiver.url)
    open_page(page, "/webhook")
    open_menu(page, "Regenerate secret…")
    page.get_by_role("dialog").get_by_role("button", name="Regenerate secret").click()
    expect(page.locator("tr.detail code", has_text="whsec_")).to_have_count(1)
    page.get_by_role("button", name="End now").click()
    expect(page.locator(".toast")).to_contain_text("no longer valid")


def test_the_security_check_answers_in_place(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """A captured request is valid; one byte changed is not."""
    whk = make_webhook(app, receiver.url)
    app.browser.post(f"/webhook/{whk}/test")
    got = until(lambda: receiver.got)[0]
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    open_page(page, "/webhook?tab=security")
    page.get_by_label("Headers").fill("\n".join(f"{name}: {got.headers[name]}" for name in names))
    page.get_by_label("Raw body").fill(got.body.decode())
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("#finding")).to_contain_text("Valid with the current secret")
    page.get_by_label("Raw body").fill(got.body.decode().replace("desk", "task"))
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("#finding")).to_contain_text("Not signed by this webhook")


def test_the_sample_follows_the_choices(page: Page) -> None:
    """Event type and dialect by choice, in the URL."""
    open_page(page, "/webhook?tab=sample")
    page.get_by_label("Event type").select_option("ticket.updated")
    expect(page.locator(".jt")).to_contain_text("changes")
    expect(page).to_have_url(re.compile("type=ticket.updated"))
    page.get_by_role("link", name="For Power Automate").click()
    expect(page.get_by_text("its sample is valid")).to_be_visible()


def test_keyboard_only(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """Open, send again and go through rows without a mouse; after a dialog focus returns to its opener."""
    make_webhook(app, receiver.url)
    make_ticket(app)
    until(lambda: receiver.got)
    open_page(page, "/deliveries")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Timing")).to_be_visible()
    ready(page)
    page.keyboard.press("r")
    expect(page.locator(".toast")).to_contain_text("Sent again: 200")
    open_page(page, "/webhook")
    page.keyboard.press("n")
    expect(page.get_by_role("link", name="Add ticket webhook")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Create Webhook")).to_be_focused()
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_without_javascript_everything_can_be_done(app: DeskApp, watched: object, receiver: Receiver) -> None:
    """Sign in, create with faults, slider, Display detail, search, send again, delete, restore."""
    browser = watched.context.browser  # type: ignore[attr-defined]  # the fixture's own class
    plain = browser.new_context(java_script_enabled=False, base_url=app.base_url)
    page = plain.new_page()
    page.goto("/login")
    page.get_by_label("E-mail").fill("ana@northwind.example")
    page.get_by_label("Password").fill("three ducks cross a river")
    page.get_by_role("button", name="Sign in").click()
    page.goto("/webhook/new?offer=ticket")
    page.get_by_role("button", name="Create webhook").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved yet.")
    page.get_by_label("Description").fill("Plain")
    page.get_by_label("Receiver URL").fill(receiver.url)
    page.get_by_label("ticket.created").check()
    page.get_by_role("button", name="Create webhook").click()
    expect(page.locator("tr.detail code", has_text="whsec_")).to_have_count(1)
    make_ticket(app)
    until(lambda: receiver.got)
    page.goto("/deliveries?q=approve")
    page.locator("#rows a.t1").first.click()
    page.get_by_role("button", name="Send again", exact=True).click()
    expect(page.locator(".note", has_text="Sent again: 200")).to_be_visible()
    page.goto("/webhook")
    page.get_by_role("button", name="Display detail").click()
    page.locator("tr.detail").get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".note", has_text="Deleted “Plain”.")).to_be_visible()
    page.goto("/webhook?tab=deleted")
    page.get_by_role("button", name="Restore Plain").click()
    expect(page.locator("tr.row")).to_have_count(1)
    page.get_by_role("switch", name="Send webhooks").click()
    expect(page.get_by_text("Webhooks are off.").first).to_be_visible()
    plain.close()
