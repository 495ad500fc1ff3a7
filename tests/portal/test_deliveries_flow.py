"""Deliveries without script: list, search, pages, one delivery, sending again."""

import re

import pytest

from portal_kit import DeskApp, Page, Receiver, make_ticket, make_webhook, until


def rows(text: str) -> list[str]:
    """Ids in the order of the list."""
    return re.findall(r'<tr class="row" id="(dlv_[0-9A-Z]{26})"', text)


@pytest.fixture
def sent(desk_app: DeskApp, receiver: Receiver) -> tuple[str, str, str]:
    """A webhook, a ticket, and the newest delivery of it."""
    whk = make_webhook(desk_app, receiver.url)
    ticket = make_ticket(desk_app)
    path = f"/deliveries?webhook={whk}&state=arrived"
    until(lambda: rows(desk_app.browser.get(path).text))
    return whk, ticket, rows(desk_app.browser.get(path).text)[0]


def test_a_row_says_what_happened(desk_app: DeskApp, sent: tuple[str, str, str]) -> None:
    """State, subject, type, webhook, outcome, attempts."""
    whk, ticket, _ = sent
    page = Page(desk_app.browser.get(f"/deliveries?webhook={whk}").text).text
    for words in ("Delivered", f"#{ticket} Approve: design licence", "ticket.created", "Teams · #service-desk", "200"):
        assert words in page


@pytest.mark.parametrize("text", ["#{ticket}", "{ticket} approve", "ticket.created", "service-desk 200", "{dlv}"])
def test_search_finds_by_free_words(desk_app: DeskApp, sent: tuple[str, str, str], text: str) -> None:
    """All words must occur, in subject, type, id, webhook or outcome."""
    whk, ticket, dlv = sent
    words = text.format(ticket=ticket, dlv=dlv)
    query = words.replace("#", "%23").replace(" ", "+").replace("·", "%C2%B7")
    answer = desk_app.browser.get(f"/deliveries?webhook={whk}&q={query}")
    assert dlv in rows(answer.text)
    assert Page(answer.text).all("input", id="q")[0]["value"] == words


def test_nonsense_finds_nothing_and_says_how_to_search(desk_app: DeskApp, sent: tuple[str, str, str]) -> None:
    """The query repeated, what can be searched, and the way out."""
    page = Page(desk_app.browser.get("/deliveries?q=AB-404").text)
    assert "No deliveries match “AB-404”" in page.text
    assert "Clear filters" in page.text


def test_pages_by_cursor_go_there_and_back(fresh_app: DeskApp, receiver: Receiver) -> None:
    """Older, older, newer: each row once, nothing moves when more come in."""
    app = fresh_app
    whk = make_webhook(app, receiver.url, "ticket.*")
    ticket = make_ticket(app)
    for number in range(6):
        app.browser.follow(f"/desk/agent/tickets/{ticket}/change", {"title": f"Change {number}"})
    everything = until(lambda: found if len(found := rows(app.browser.get("/deliveries").text)) == 7 else [])
    first = app.browser.get(f"/deliveries?webhook={whk}&limit=3").text
    assert rows(first) == everything[:3]
    older = Page(first).all("a", data_key="]")[0]["href"]
    assert not Page(first).all("a", data_key="[")
    second = app.browser.get(older).text
    assert rows(second) == everything[3:6]
    newer = Page(second).all("a", data_key="[")[0]["href"]
    assert rows(app.browser.get(newer).text) == everything[:3]
    third = app.browser.get(Page(second).all("a", data_key="]")[0]["href"]).text
    assert rows(third) == everything[6:]
    assert not Page(third).all("a", data_key="]")


def test_htmx_gets_the_list_with_a_clean_url(desk_app: DeskApp, sent: tuple[str, str, str]) -> None:
    """Empty fields count as absent."""
    answer = desk_app.browser.get("/deliveries?q=approve&state=&webhook=&since=24h", **{"HX-Request": "true"})
    assert answer.headers["hx-push-url"] == "/deliveries?q=approve"
    assert answer.text.lstrip().startswith("<live-rows")


def test_live_is_for_the_first_page_without_search(desk_app: DeskApp, sent: tuple[str, str, str]) -> None:
    """Elsewhere rows stay put."""
    assert Page(desk_app.browser.get("/deliveries").text).all("live-rows")[0].get("data-src")
    assert not Page(desk_app.browser.get("/deliveries?q=x").text).all("live-rows")[0].get("data-src")


def test_one_delivery_shows_request_response_and_why(desk_app: DeskApp, sent: tuple[str, str, str]) -> None:
    """Everything that a person needs to know what happened."""
    _, ticket, dlv = sent
    text = desk_app.browser.get(f"/deliveries/{dlv}").text
    page = Page(text).text
    for words in (
        "Attempt 1", "automatic", "Delivered.", "Wait for response", "webhook-signature", "Why it was sent",
        "listens to ticket.created", "content-length", "Send again", "Copy as curl", f"ticket {ticket}",
    ):  # fmt: skip
        assert words in page, words
    assert '"title"' in page
    raw = desk_app.browser.get(f"/deliveries/{dlv}?view=raw").text
    assert "&#34;title&#34;:&#34;Approve" in raw


def test_send_again_keeps_the_id_and_says_by_whom(
    desk_app: DeskApp, sent: tuple[str, str, str], receiver: Receiver
) -> None:
    """Same bytes, same webhook-id, a new attempt by a person."""
    _, _, dlv = sent
    before = [one for one in receiver.got if one.headers["webhook-id"] == dlv]
    page = Page(desk_app.browser.follow(f"/deliveries/{dlv}/redeliver").text)
    assert "Sent again: 200 in" in page.text
    assert "sent again by Ana Ruiz" in page.text
    got = [one for one in receiver.got if one.headers["webhook-id"] == dlv]
    assert len(got) == len(before) + 1
    assert got[-1].body == got[0].body


def test_failures_are_explained_and_can_be_stopped(desk_app: DeskApp, receiver: Receiver) -> None:
    """503: words, advice, next attempt; Send now and Stop while it waits."""
    whk = make_webhook(desk_app, receiver.url)
    receiver.status = 503
    make_ticket(desk_app)
    until(lambda: receiver.got)
    dlv = until(lambda: rows(desk_app.browser.get(f"/deliveries?webhook={whk}&state=waiting&q=503").text))[0]
    page = Page(desk_app.browser.get(f"/deliveries/{dlv}").text).text
    assert "The receiver or a gateway before it failed." in page
    assert "next attempt" in page
    assert "Send now" in page
    opened = Page(desk_app.browser.get(f"/webhook?open={whk}").text).text
    assert "The receiver fails: 1 attempt in a row, last outcome 503 ." in opened
    assert "1 delivery waits; none is lost." in opened
    assert "Sent again, failed again: 503." in Page(desk_app.browser.follow(f"/deliveries/{dlv}/redeliver").text).text
    stopped = Page(desk_app.browser.follow(f"/deliveries/{dlv}/cancel").text).text
    assert "Cancelled" in stopped
    assert "Stop " not in stopped.replace("Stopped", "")


def test_a_receiver_left_in_peace_is_explained_with_its_time(desk_app: DeskApp, receiver: Receiver) -> None:
    """Five failures: until when nothing is sent, in the row and in its detail; Send one now does not wait."""
    whk = make_webhook(desk_app, receiver.url)
    receiver.status = 503
    for _ in range(5):
        make_ticket(desk_app)
    opened = until(lambda: found if "waits until" in (found := page_of(desk_app, whk)) else "")
    assert "The receiver fails: 5 attempts in a row, last outcome 503 . Deskbell waits until" in opened
    assert "and then sends one delivery to see whether it is back. 5 deliveries wait; none is lost." in opened
    assert "Failing next at" in opened
    receiver.status = 200
    desk_app.browser.follow(f"/webhook/{whk}/send-one")
    assert until(lambda: found if "Healthy" in (found := page_of(desk_app, whk)) else "")


def page_of(app: DeskApp, whk: str) -> str:
    """The text of the webhook's row and detail."""
    return Page(app.browser.get(f"/webhook?open={whk}").text).text


def test_gone_disables_and_says_what_to_do(desk_app: DeskApp, receiver: Receiver) -> None:
    """410: the webhook stands disabled with the reason."""
    whk = make_webhook(desk_app, receiver.url)
    receiver.status = 410
    make_ticket(desk_app)
    until(lambda: "Disabled" in Page(desk_app.browser.get(f"/webhook?open={whk}").text).text)
    page = Page(desk_app.browser.get(f"/webhook?open={whk}").text).text
    assert "410" in page
    assert "Replace the URL, then enable it." in page


def test_responses_are_text_never_html(desk_app: DeskApp, receiver: Receiver) -> None:
    """A receiver that answers markup, and one that answers bytes."""
    whk = make_webhook(desk_app, receiver.url)
    receiver.answer = b"<script>alert(1)</script>"
    location = desk_app.browser.post(f"/webhook/{whk}/test").headers["location"]
    page = until(lambda: text if "alert(1)" in (text := desk_app.browser.get(location).text) else "")
    assert "<script>alert" not in page
    receiver.answer = b"\x00\x01binary"
    location = desk_app.browser.post(f"/webhook/{whk}/test").headers["location"]
    assert until(lambda: "00 01 62 69" in desk_app.browser.get(location).text)


def test_a_test_event_opens_its_delivery(desk_app: DeskApp, receiver: Receiver) -> None:
    """Sent to the chosen webhook, marked as a test, its health unchanged."""
    whk = make_webhook(desk_app, receiver.url)
    page = Page(desk_app.browser.follow("/webhook/test", {"webhook": whk}).text).text
    assert "test.ping" in page
    assert "A test, asked for by hand" in page
    until(lambda: receiver.got)
    assert receiver.got[0].headers["deskbell-event"] == "test.ping"


def test_an_unknown_delivery_is_not_found(desk_app: DeskApp) -> None:
    """404 in words."""
    answer = desk_app.browser.get("/deliveries/dlv_00000000000000000000000000")
    assert answer.status == 404
    assert "no such delivery" in answer.text


def test_erased_content_is_said_and_gone(fresh_app: DeskApp, receiver: Receiver) -> None:
    """Its name has to be typed; then the delivery says when it was erased and cannot be sent again."""
    app = fresh_app
    make_webhook(app, receiver.url, "ticket.created")
    ticket = make_ticket(app, "Printer of Priya")
    [dlv] = until(lambda: rows(app.browser.get("/deliveries?state=arrived").text))
    asked = Page(app.browser.get(f"/erase?type=ticket&id={ticket}").text)
    assert "Type Printer of Priya to erase it" in asked.text
    fields = {"type": "ticket", "id": ticket}
    wrong = app.browser.post("/erase", {**fields, "name": "printer"})
    assert wrong.status == 422
    assert "exactly so" in Page(wrong.text).text
    assert "Printer of Priya" in app.browser.get(f"/deliveries/{dlv}").text
    done = app.browser.follow("/erase", {**fields, "name": "Printer of Priya"})
    assert "Erased the content of 1 event." in Page(done.text).text
    text = app.browser.get(f"/deliveries/{dlv}").text
    assert re.search(r"Content was erased on .* on request; ids and times stay", Page(text).text)
    assert "Its content was erased" in text
    assert "Printer of Priya" not in text
    assert app.browser.post(f"/deliveries/{dlv}/redeliver", {}).status == 409
    assert app.browser.get("/erase?type=ticket&id=999").status == 404
