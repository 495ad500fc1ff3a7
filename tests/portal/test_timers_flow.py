"""Timers without script: added with a click, made with a form, changed, switched off, deleted."""

import json
import re

from portal_kit import DeskApp, Page, Receiver, make_contact, make_webhook, until

FORM: dict[str, object] = {"what": "chat:handled", "longer": "90", "longer_unit": "60"}
HOURS: dict[str, object] = {"hours": "on", "days": ["1", "5"], "from": "09:00", "to": "17:00", "zone": "Europe/Vienna"}


def rules_in(text: str) -> list[str]:
    """The ids of the rules in the list."""
    return re.findall(r'<tr class="row" id="(tmr_[0-9A-Z]{26})"', text)


def test_one_click_adds_what_most_desks_want(fresh_app: DeskApp) -> None:
    """Three are offered; the one that was added is offered no more, and a double click adds one."""
    text = fresh_app.browser.get("/desk/timers").text
    page = Page(text)
    assert "No timers yet." in page.text
    assert "Tells when a ticket stays in Approval Required for more than 2 days." in page.text
    names = ("form_id", "what", "longer", "longer_unit")
    form: dict[str, object] = {name: page.all("input", name=name)[0]["value"] for name in names}
    assert form["what"] == "chat:handled"
    text = fresh_app.browser.follow("/desk/timers", form).text
    text = fresh_app.browser.follow("/desk/timers", form).text
    assert len(rules_in(text)) == 1
    assert "Tells when a chat stays handled for more than 1 hour." in Page(text).text
    assert len(Page(text).all("input", name="what")) == 2


def test_the_life_of_a_timer(desk_app: DeskApp) -> None:
    """Made with every field, shown again, changed, off, on, deleted."""
    more = {"description": "Long chats", "repeat": "1.5", "repeat_unit": "3600", "times": "2"}
    text = desk_app.browser.follow("/desk/timers", {**FORM, **HOURS, **more}).text
    said = (
        "Tells when a chat stays handled for more than 90 minutes. Tells it again every 90 minutes, at most 2 times. "
        "Counts Monday and Friday, 09:00 to 17:00 (Europe/Vienna)."
    )
    assert said in Page(text).text
    [rule] = rules_in(text)
    at = f"/desk/timers/{rule}"
    form = Page(desk_app.browser.get(at).text)
    assert form.all("input", name="description")[0]["value"] == "Long chats"
    assert form.all("input", name="longer")[0]["value"] == "90"
    assert [one["value"] for one in form.all("input", name="days") if "checked" in one] == ["1", "5"]
    assert "checked" in form.all("input", name="hours")[0]
    version = form.all("input", name="version")[0]["value"]
    text = desk_app.browser.follow(at, {**FORM, "longer": "2", "longer_unit": "3600", "version": version}).text
    assert "Tells when a chat stays handled for more than 2 hours." in Page(text).text
    answer = desk_app.browser.post(at, {**FORM, "version": version})
    assert answer.status == 409
    assert "Somebody else changed this timer meanwhile." in Page(answer.text).text
    assert "is off" in Page(desk_app.browser.follow(f"{at}/switch", {"enabled": ""}).text).text
    assert "is on" in Page(desk_app.browser.follow(f"{at}/switch", {"enabled": "on"}).text).text
    assert rules_in(desk_app.browser.follow(f"{at}/delete").text) == []
    assert desk_app.browser.get(at).status == 404


def test_faults_stand_at_their_fields(desk_app: DeskApp) -> None:
    """What was typed is kept; the summary leads to the fields."""
    typed = {**FORM, "longer": "soon", "hours": "on", "days": ["1"], "from": "9", "to": "17:00", "times": "3"}
    answer = desk_app.browser.post("/desk/timers", typed)
    page = Page(answer.text)
    assert answer.status == 422
    for name in ("longer", "hours", "repeat"):
        assert page.all("span", id=f"e-{name}"), name
        assert page.all("a", href=f"#f-{name}"), name
    assert page.all("input", name="longer")[0]["value"] == "soon"
    assert page.all("input", name="from")[0]["value"] == "9"


def test_what_a_timer_tells_stands_with_the_deliveries(desk_app: DeskApp, receiver: Receiver) -> None:
    """A chat waits too long: delivered, found, and shown on the chat's page."""
    make_webhook(desk_app, receiver.url, "chat.dwelled", description="Pager")
    desk_app.browser.follow("/desk/timers", {**FORM, "what": "chat:created", "longer": "1", "longer_unit": "1"})
    number = make_contact(desk_app).rsplit("~", 1)[1]
    link = desk_app.browser.post(f"/people/contacts/{number}/open").headers["location"]
    desk_app.browser.follow(f"{link}/chat", {"name": "Nobody there"})
    until(lambda: receiver.got)
    assert json.loads(receiver.got[0].body)[0]["meta"]["thresholdSeconds"] == 1
    found = re.search(r'/desk/agent/chats/([^"/]+)">Nobody there<', desk_app.browser.get("/desk/agent").text)
    assert found
    until(lambda: "Pager · delivered" in Page(desk_app.browser.get(f"/desk/agent/chats/{found[1]}").text).text)
    assert "chat.dwelled" in desk_app.browser.get("/deliveries").text
