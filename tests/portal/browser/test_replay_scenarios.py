"""Scenarios of sending again in a real browser: replays, several at once, today's settings."""

import re

from playwright.sync_api import Page, expect

from portal_kit import DeskApp, Receiver, make_ticket, make_webhook, until


def ready(page: Page) -> None:
    """All is live."""
    page.locator("html[data-ready]").wait_for(state="attached")


def failed(app: DeskApp, receiver: Receiver, count: int) -> None:
    """A webhook with so many exhausted deliveries; from now on the receiver takes everything."""
    receiver.status = 413
    make_webhook(app, receiver.url, "ticket.created")
    for _ in range(count):
        make_ticket(app)
    until(lambda: app.browser.get("/deliveries?state=exhausted").text.count('<tr class="row" id="dlv_') == count)
    receiver.status = 200
    receiver.got.clear()


def test_missed_while_off_is_replayed_once(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """Slider off, a ticket, slider on: the note asks, Replay them sends it once, and the page says so."""
    make_webhook(app, receiver.url, "ticket.created")
    page.goto("/webhook")
    ready(page)
    page.get_by_role("switch").click()
    expect(page.get_by_text("Webhooks are off.")).to_be_visible()
    make_ticket(app)
    assert receiver.got == []
    page.get_by_role("switch").click()
    expect(page.get_by_text("1 event happened while webhooks were off.")).to_be_visible()
    page.get_by_role("button", name="Replay them").click()
    expect(page.get_by_role("heading", name="Replay of 1 delivery")).to_be_visible()
    expect(page.get_by_text("Replayed 1: 1 arrived.")).to_be_visible()
    assert len(receiver.got) == 1
    page.goto("/webhook")
    expect(page.get_by_text("happened while webhooks were off.")).to_have_count(0)


def test_a_replay_is_counted_runs_pauses_and_is_cancelled(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """The count is exact, progress is live, Pause and Cancel hold."""
    failed(app, receiver, 4)
    page.goto("/replays")
    ready(page)
    page.get_by_role("link", name="What failed since the first failure").click()
    ready(page)
    expect(page.locator(".big")).to_have_text("4 deliveries")
    page.get_by_label("Rate").fill("0.5")
    page.get_by_role("button", name="Count again").click()
    expect(page.get_by_label("Rate")).to_have_value("0.5")
    page.get_by_role("button", name="Replay 4 deliveries").click()
    expect(page.get_by_role("heading", name="Replay of 4 deliveries")).to_be_visible()
    page.locator("live-rows[data-live=on]").wait_for(state="attached")
    expect(page.get_by_text(re.compile("[12] of 4 begun"))).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#replay .pill")).to_have_text("Paused")
    sent = len(receiver.got)
    assert sent < 4
    page.get_by_text("Show as table").click()
    expect(page.get_by_role("row", name=re.compile("^Still to begin"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#replay .pill")).to_have_text("Cancelled")
    expect(page.locator("#replay").get_by_text("were not begun")).to_be_visible()
    assert len(receiver.got) == sent


def test_three_chosen_are_sent_again_after_a_question(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """The bar appears with the first choice; the dialog names them; each goes once, with its own id."""
    failed(app, receiver, 4)
    page.goto("/deliveries")
    ready(page)
    bar = page.get_by_role("button", name="Send again")
    expect(bar).to_be_hidden()
    boxes = page.locator(".choose input")
    for place in range(3):
        boxes.nth(place).check()
    bar.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Send 3 deliveries again?")).to_be_visible()
    assert receiver.got == []
    dialog.get_by_role("button", name="Send 3 deliveries again").click()
    expect(page.locator(".toast")).to_contain_text("Sent again: 3 deliveries.")
    ids = until(lambda: found if len(found := [one.headers["webhook-id"] for one in receiver.got]) == 3 else [])
    assert len(set(ids)) == 3
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".choose input").first).to_be_checked()


def test_send_again_with_todays_settings(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """From the menu beside Send again: a new id, linked both ways."""
    failed(app, receiver, 1)
    page.goto("/deliveries")
    page.locator("#rows a.t1").first.click()
    ready(page)
    old = page.url.rsplit("/", 1)[1]
    page.get_by_role("button", name="More ways to send again").click()
    page.get_by_role("button", name="Send again with today’s settings").click()
    expect(page.locator(".toast")).to_contain_text("Sent again: 200")
    until(lambda: receiver.got)
    assert receiver.got[0].headers["webhook-id"] != old
    page.locator(f'a[href="/deliveries/{old}"]').first.click()
    expect(page.get_by_text("sent again with later settings as")).to_be_visible()


def test_nothing_scrolls_sideways(app: DeskApp, page: Page, receiver: Receiver) -> None:
    """The new pages, down to 320 px; with rows that can be chosen."""
    failed(app, receiver, 2)
    page.goto("/replays/new?state=exhausted&count=1")
    ready(page)
    page.get_by_role("button", name="Replay 2 deliveries").click()
    expect(page.get_by_text("Replayed 2: 2 arrived.")).to_be_visible()
    here = page.url
    for path in (here, "/replays", "/replays/new?state=exhausted,arrived&count=1", "/deliveries"):
        page.goto(path)
        for width in (1440, 768, 390, 320):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, width)
