"""Narrowing a webhook down and shaping its payload in a real browser."""

import json

from playwright.sync_api import Page, expect

from portal_kit import DeskApp, Receiver, make_ticket, until

TEMPLATE = '{"text": "Ticket {{ event.id }}: {{ event.title|upper }}", "ticket": {"$": "event.entityId"}}'


def test_filter_and_template_are_tried_while_typing(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """The last events answer as the filter is typed, the payload is drawn; saved, it sends just that."""
    ticket = make_ticket(app, "Printer")
    page.goto("/webhook")
    page.get_by_role("button", name="Create Webhook").click()
    page.get_by_role("link", name="Add ticket webhook").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Description").fill("Narrow")
    dialog.get_by_label("Receiver URL").fill(receiver.url)
    dialog.get_by_label("ticket.created").check()
    dialog.get_by_text("Only when …").click()
    dialog.get_by_label("Filter").press_sequentially("title == 'Printer'")
    expect(dialog.locator("#tried")).to_contain_text("would be sent")
    dialog.get_by_label("Filter").fill("title == 'Other'")
    dialog.get_by_label("Filter").press("End")
    dialog.get_by_role("button", name="Try on the last events").click()
    expect(dialog.locator("#tried")).to_contain_text("its filter was false: title == 'Other'")
    dialog.locator("summary", has_text="Payload").click()
    dialog.get_by_label("Payload format").select_option("template")
    dialog.get_by_label("Template").press_sequentially(TEMPLATE)
    expect(dialog.locator("#shown .jt")).to_contain_text("ticket")
    dialog.get_by_role("button", name="its payload").click()
    expect(dialog.locator("#shown .jt")).to_contain_text(f"Ticket {ticket}: PRINTER")
    dialog.get_by_label("Filter").fill("title == 'Second'")
    expect(dialog.locator("#tried")).to_contain_text("its filter was false: title == 'Second'")
    dialog.get_by_label("Description").press("Enter")
    expect(page.get_by_text("Webhook created.")).to_be_visible()
    second = make_ticket(app, "Second")
    until(lambda: len(receiver.got) == 1)
    assert json.loads(receiver.got[0].body)["text"] == f"Ticket {second}: SECOND"
    page.goto("/events")
    page.get_by_role("link", name="Printer").click()
    page.locator("html[data-ready]").wait_for(state="attached")
    form = page.context.new_page()
    form.goto("/webhook/new?offer=ticket")
    form.locator("#only summary").click()
