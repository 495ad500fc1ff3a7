"""Replays without script: count, begin, follow, pause, cancel; what was missed; several sent again."""

import re

import pytest

from portal_kit import DeskApp, Page, Receiver, hidden_fields, make_ticket, make_webhook, until

REPLAY = re.compile(r"/replays/(rpl_[0-9A-Z]{26})")


def exhausted(app: DeskApp, whk: str, count: int) -> list[str]:
    """Ids of so many exhausted deliveries, newest first."""

    def look() -> list[str]:
        found = ids_of(app, whk)
        return found if len(found) == count else []

    return until(look)


def failed(app: DeskApp, receiver: Receiver, count: int) -> str:
    """A webhook whose first deliveries are exhausted at once."""
    receiver.status = 413
    whk = make_webhook(app, receiver.url, "ticket.created")
    for _ in range(count):
        make_ticket(app)
    exhausted(app, whk, count)
    receiver.status = 200
    return whk


def test_counted_then_begun(fresh_app: DeskApp, receiver: Receiver) -> None:
    """The count by webhook, the button with the number, the page that says how it ended."""
    app = fresh_app
    whk = failed(app, receiver, 3)
    counted = app.browser.get(f"/replays/new?state=exhausted&webhook={whk}&since=24h&count=1").text
    assert "3 deliveries" in Page(counted).text
    assert "Teams · #service-desk" in Page(counted).text
    form = hidden_fields(counted, "/replays/new")
    answer = app.browser.follow("/replays/new", form)
    assert "Replay of 3 deliveries" in answer.text
    replay_id = REPLAY.findall(answer.text)[0]
    done = until(lambda: text if "Replayed 3: 3 arrived" in (text := shown(app, f"/replays/{replay_id}")) else "")
    assert "Finished" in done
    again = app.browser.follow("/replays/new", form)
    assert replay_id in again.text  # the same form twice begins once
    assert app.browser.get("/replays").text.count('<tr class="row" id="rpl_') == 1
    nothing = Page(app.browser.get(f"/replays/new?state=exhausted&webhook={whk}&count=1").text)
    assert "Nothing to replay: all 3 arrived." in nothing.text
    rows = app.browser.get(f"/deliveries?replay={replay_id}&since=30d").text
    assert rows.count('<tr class="row" id="dlv_') == 3


def shown(app: DeskApp, path: str) -> str:
    """The text of a page."""
    return Page(app.browser.get(path).text).text


def test_paused_and_cancelled(fresh_app: DeskApp, receiver: Receiver) -> None:
    """A slow one is paused, resumed and cancelled; the rest is named as not begun."""
    app = fresh_app
    whk = failed(app, receiver, 3)
    counted = app.browser.get(f"/replays/new?state=exhausted&webhook={whk}&rate=0.01&count=1").text
    answer = app.browser.follow("/replays/new", hidden_fields(counted, "/replays/new"))
    path = "/replays/" + REPLAY.findall(answer.text)[0]
    assert "0.01 per second" in shown(app, path)
    assert "Paused" in Page(app.browser.follow(f"{path}/pause", {}).text).text
    assert "The replay goes on." in Page(app.browser.follow(f"{path}/resume", {}).text).text
    until(lambda: "1 of 3 begun" in shown(app, path) or "2 of 3 begun" in shown(app, path))
    text = Page(app.browser.follow(f"{path}/cancel", {}).text).text
    assert "were not begun" in text
    assert app.browser.post(f"{path}/pause", {}).status == 409


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("state=exhausted&rate=fast", "Use a number"),
        ("state=exhausted&rate=0", "Use 0.01 to"),
        ("state=exhausted&type=Chat!", "is no event type or group"),
        ("state=exhausted&since=between&from=soon", "not a date and time"),
        ("state=exhausted&since=between&from=2026-02-01T10:00&to=2026-01-01T10:00", "end after it begins"),
        ("q=x", "Choose from"),
    ],
)
def test_faults_stand_at_their_fields(desk_app: DeskApp, query: str, words: str) -> None:
    """What was typed stays, the summary is focused, nothing is counted."""
    answer = desk_app.browser.get(f"/replays/new?{query}&count=1")
    page = Page(answer.text)
    assert answer.status == 422
    assert words in page.text
    assert "Not counted yet." in page.text
    assert "Choose, then count." in page.text


def test_missed_while_off(fresh_app: DeskApp, receiver: Receiver) -> None:
    """Off, a ticket, on: the note asks; Replay them sends it and the note is gone."""
    app = fresh_app
    make_webhook(app, receiver.url, "ticket.created")
    app.browser.follow("/webhook/slider", {"enabled": "false"})
    make_ticket(app)
    app.browser.follow("/webhook/slider", {"enabled": "true"})
    assert "1 event happened while webhooks were off." in shown(app, "/webhook")
    answer = app.browser.follow("/webhook/missed", {"answer": "replay"})
    assert "Replay of 1 delivery" in Page(answer.text).text
    path = "/replays/" + REPLAY.findall(answer.text)[0]
    until(lambda: "Replayed 1: 1 arrived" in shown(app, path))
    assert "happened while webhooks were off." not in shown(app, "/webhook")


def test_several_sent_again(fresh_app: DeskApp, receiver: Receiver) -> None:
    """Two chosen: asked first, with what and to whom; then both go, and what cannot is named."""
    app = fresh_app
    whk = failed(app, receiver, 3)
    ids = exhausted(app, whk, 3)
    asked = app.browser.post("/deliveries/again", {"id": ids[:2], "back": "/deliveries"})
    page = Page(asked.text)
    assert asked.status == 200
    assert "Send 2 deliveries again?" in page.text
    done = app.browser.follow("/deliveries/again", {"id": [*ids[:2], "dlv_none"], "sure": "yes", "back": "/deliveries"})
    assert "Sent again: 2 deliveries. 1 could not be sent" in Page(done.text).text
    exhausted(app, whk, 1)
    one = app.browser.follow("/deliveries/again", {"id": [ids[2]], "back": "/deliveries"})
    assert "Send again" in Page(one.text).text
    until(lambda: not ids_of(app, whk))
    assert app.browser.post("/deliveries/again", {"back": "/deliveries"}).status == 422


def ids_of(app: DeskApp, whk: str) -> list[str]:
    """What is exhausted now."""
    text = app.browser.get(f"/deliveries?webhook={whk}&state=exhausted").text
    return re.findall(r'<tr class="row" id="(dlv_[0-9A-Z]{26})"', text)


def test_with_todays_settings(fresh_app: DeskApp, receiver: Receiver) -> None:
    """A new delivery, linked with the old one both ways."""
    app = fresh_app
    whk = failed(app, receiver, 1)
    [old] = exhausted(app, whk, 1)
    answer = app.browser.follow(f"/deliveries/{old}/again", {})
    assert f'href="/deliveries/{old}"' in answer.text
    new = re.findall(r'action="/deliveries/(dlv_[0-9A-Z]{26})/redeliver"', answer.text)[0]
    assert new != old
    assert f'href="/deliveries/{new}"' in app.browser.get(f"/deliveries/{old}").text
