"""Batches and order in the portal: set in the form, seen in the list, explained on the page of a delivery."""

import json
import re

import pytest

from portal_kit import DeskApp, Page, Receiver, make_ticket, make_webhook, until


def filled(app: DeskApp, whk: str, **fields: object) -> dict[str, object]:
    """The form with these fields."""
    page = Page(app.browser.get(f"/webhook/{whk}/edit").text)
    return {
        "version": page.all("input", name="version")[0]["value"],
        "description": "Ordered",
        "types": ["ticket.*"],
        "kind": "generic",
        "format": "desk",
        **fields,
    }


def edit(app: DeskApp, whk: str, **fields: object) -> str:
    """Save the form with these fields; the page that follows."""
    return app.browser.follow(f"/webhook/{whk}/edit", filled(app, whk, **fields)).text


def deliveries(app: DeskApp, whk: str, state: str = "") -> list[str]:
    """Ids of its deliveries, newest first."""
    text = app.browser.get(f"/deliveries?webhook={whk}&state={state}").text
    return re.findall(r'<tr class="row" id="(dlv_[0-9A-Z]{26})"', text)


def test_form_sets_batches_and_order_and_says_so(desk_app: DeskApp, receiver: Receiver) -> None:
    """Two numbers and a choice; the closed part of the form sums them up."""
    whk = make_webhook(desk_app, receiver.url)
    assert "Saved “Ordered”." in edit(desk_app, whk, batch_events="20", batch_wait_s="2.5", order="hold")
    page = Page(desk_app.browser.get(f"/webhook/{whk}/edit").text)
    assert page.all("input", name="batch_events")[0]["value"] == "20"
    assert page.all("input", name="batch_wait_s")[0]["value"] == "2.5"
    assert "up to 20 events at once within 2.5 s · in order, held by what fails" in page.text
    edit(desk_app, whk, batch_events="20", order="continue")
    assert "up to 20 events at once · in order" in Page(desk_app.browser.get(f"/webhook/{whk}/edit").text).text
    edit(desk_app, whk)
    assert "at once" not in Page(desk_app.browser.get(f"/webhook/{whk}/edit").text).text


@pytest.mark.parametrize(
    ("fields", "words", "field"),
    [
        ({"batch_wait_s": "5"}, "there are no others to wait for", "batch_wait_s"),
        ({"batch_events": "5", "format": "standard"}, "carries one event", "batch_events"),
        ({"batch_events": "101"}, "Use 1 to 100 events.", "batch_events"),
        (
            {"batch_events": "2", "batch_wait_s": "301"},
            "Use 0 to 300,000 milliseconds, which is 5 minutes.",
            "batch_wait_s",
        ),
        ({"batch_events": "many"}, "This takes a number.", "batch_events"),
    ],
)
def test_what_makes_no_sense_is_explained_at_its_field(
    desk_app: DeskApp, receiver: Receiver, fields: dict[str, str], words: str, field: str
) -> None:
    """Nothing typed is lost."""
    whk = make_webhook(desk_app, receiver.url)
    answer = desk_app.browser.post(f"/webhook/{whk}/edit", filled(desk_app, whk, **fields))
    page = Page(answer.text)
    assert answer.status == 422
    assert words in page.text
    assert page.all("input", name=field)[0]["aria-invalid"] == "true"
    assert page.all("input", name=field)[0]["value"] == fields[field]


def test_a_batch_gathers_and_lists_its_events(fresh_app: DeskApp, receiver: Receiver) -> None:
    """While it gathers it says until when; sent, it is one row of several events that link to their ticket."""
    app = fresh_app
    whk = make_webhook(app, receiver.url)
    edit(app, whk, batch_events="100", batch_wait_s="3")
    ticket = make_ticket(app)
    for number in range(2):
        app.browser.follow(f"/desk/agent/tickets/{ticket}/change", {"title": f"Change {number}"})
    (dlv,) = until(lambda: deliveries(app, whk))
    page = Page(app.browser.get(f"/deliveries/{dlv}").text).text
    assert "Gathering" in page
    assert "at the latest" in page
    assert receiver.got == []
    until(lambda: receiver.got)
    listed = Page(
        until(lambda: found if "Delivered" in (found := app.browser.get(f"/deliveries?webhook={whk}").text) else "")
    )
    carried = len(json.loads(receiver.got[0].body))
    assert carried >= 3
    assert f"{carried} events" in listed.text
    text = app.browser.get(f"/deliveries/{dlv}").text
    assert "Events in this payload" in Page(text).text
    assert text.count(f"/desk/agent/tickets/{ticket}") >= carried


def test_a_paused_webhook_shows_what_it_gathers_as_held(desk_app: DeskApp, receiver: Receiver) -> None:
    """The reason counts more than the batch."""
    whk = make_webhook(desk_app, receiver.url)
    edit(desk_app, whk, batch_events="100", batch_wait_s="1")
    desk_app.browser.follow(f"/webhook/{whk}/pause", {"minutes": ""})
    make_ticket(desk_app)
    (dlv,) = until(lambda: deliveries(desk_app, whk, "held"))
    page = Page(desk_app.browser.get(f"/deliveries/{dlv}").text).text
    assert "Held: its webhook is paused." in page


def test_what_waits_for_another_says_for_which(desk_app: DeskApp, receiver: Receiver) -> None:
    """The head that was not delivered holds its ticket; a person lets the others pass."""
    receiver.status = 500
    whk = make_webhook(desk_app, receiver.url)
    edit(desk_app, whk, order="hold", retry="1")
    ticket = make_ticket(desk_app)
    (head,) = until(lambda: deliveries(desk_app, whk, "exhausted"))
    receiver.status = 200
    desk_app.browser.follow(f"/desk/agent/tickets/{ticket}/change", {"title": "Renamed"})
    behind = until(lambda: deliveries(desk_app, whk, "waiting"))[-1]
    text = desk_app.browser.get(f"/deliveries/{behind}").text
    assert "of the same ticket. That one was not delivered and holds the rest." in Page(text).text
    assert f'href="/deliveries/{head}"' in text
    stuck = Page(desk_app.browser.get(f"/deliveries/{head}").text).text
    assert "The rest of this ticket waits for this delivery." in stuck
    assert "Let the others pass" in stuck
    desk_app.browser.follow(f"/deliveries/{head}/cancel")
    until(lambda: not deliveries(desk_app, whk, "waiting"))
    assert deliveries(desk_app, whk, "arrived")[-1] == behind
    assert "waits for this delivery" not in Page(desk_app.browser.get(f"/deliveries/{head}").text).text
