"""Only when …, a payload of one's own, and the pages of events, all without script."""

import json
import re
from http.client import HTTPConnection

from portal_kit import DeskApp, Page, Receiver, make_ticket, make_webhook, until

TEMPLATE = '{"text": "Ticket {{ event.id }}", "ticket": {"$": "event.entityId"}}'


def form_id(app: DeskApp) -> str:
    """The random name in a fresh form."""
    return Page(app.browser.get("/webhook/new?offer=ticket").text).all("input", name="form_id")[0]["value"]


def fields(**changed: object) -> dict[str, object]:
    """A form that is right."""
    return {
        "offer": "ticket", "description": "Narrow", "url": "https://hooks.example.com/in", "types": ["ticket.updated"],
        "kind": "generic", "format": "desk", **changed,
    }  # fmt: skip


def area(text: str, name: str) -> str:
    """What stands in a text area."""
    found = re.search(rf'<textarea[^>]* name="{name}"[^>]*>\n?(.*?)</textarea>', text, re.DOTALL)
    assert found
    return found[1].replace("&#34;", '"').replace("&#39;", "'")


def test_faults_stand_at_filter_fields_and_template(desk_app: DeskApp) -> None:
    """Each at its field, with what was typed still there; a template that is no JSON names the line."""
    typed = {"filter": "status.name = 'Open'", "changed_fields": "a-b", "format": "template", "template": "{\n 'a': 1}"}
    answer = desk_app.browser.post("/webhook/new", fields(form_id=form_id(desk_app), **typed))
    page = Page(answer.text)
    assert answer.status == 422
    assert "line 2, character 2" in page.text
    assert area(answer.text, "template") == "{\n 'a': 1}"
    typed["template"] = '{"a": {"b": "{{ event.title + 1 }}"}, "c": "{{ x | nope }}"}'
    answer = desk_app.browser.post("/webhook/new", fields(form_id=form_id(desk_app), **typed))
    page = Page(answer.text)
    assert answer.status == 422
    for name in ("filter", "changed_fields", "template"):
        assert page.all("a", href=f"#f-{name}")
        assert page.all("span", id=f"e-{name}")
    assert "A single = compares nothing; write ==." in page.text
    assert "At /c: {{ x | nope }}: There is no filter nope." in page.text
    assert area(answer.text, "filter") == "status.name = 'Open'"
    assert len(page.all("details", id="only", open="")) == 1


def test_warnings_do_not_block(fresh_app: DeskApp) -> None:
    """A field that no sample has is told before saving; Save anyway saves, and editing does not nag again."""
    app = fresh_app
    odd = fields(form_id=form_id(app), filter="priority.naem == 'High'")
    answer = app.browser.post("/webhook/new", odd)
    assert answer.status == 422
    assert "No sample of the chosen event types has priority.naem" in Page(answer.text).text
    answer = app.browser.post("/webhook/new", {**odd, "anyway": "yes"})
    assert answer.status == 200
    found = re.search(r'<tr class="row open" id="(whk_[0-9A-Z]{26})', answer.text)
    assert found
    whk = found[1]
    edit = app.browser.get(f"/webhook/{whk}/edit").text
    assert area(edit, "filter") == "priority.naem == 'High'"
    version = Page(edit).all("input", name="version")[0]["value"]
    same = {**fields(filter="priority.naem == 'High'", url=""), "version": version, "description": "Renamed"}
    assert app.browser.post(f"/webhook/{whk}/edit", same).status == 303
    other = {**same, "version": str(int(version) + 1), "filter": "priority.nmae == 'High'"}
    assert app.browser.post(f"/webhook/{whk}/edit", other).status == 422
    assert app.browser.post(f"/webhook/{whk}/edit", {**other, "anyway": "yes"}).status == 303
    row = Page(app.browser.get(f"/webhook?open={whk}").text).text
    assert "Only when priority.nmae == 'High'" in row


def test_trying_shows_the_last_events_and_the_payload(fresh_app: DeskApp) -> None:
    """Without script the whole form comes back with what was found; with htmx its part; nothing is saved."""
    app = fresh_app
    ticket = make_ticket(app)
    app.browser.follow(f"/desk/agent/tickets/{ticket}/change", {"title": "Renamed"})
    typed = fields(
        form_id=form_id(app), types=["ticket.*"], filter="title == 'Renamed'", format="template", template=TEMPLATE
    )
    answer = app.browser.post("/webhook/preview", typed)
    page = Page(answer.text)
    assert answer.status == 200
    assert "would be sent" in page.text
    assert "its filter was false: title == 'Renamed'" in page.text
    assert "Made of ticket.created, typical sample" in page.text
    assert area(answer.text, "template") == TEMPLATE
    assert "<h1" in answer.text
    events = page.all("button", name="event")
    assert len(events) == 2
    part = app.browser.post(
        "/webhook/preview?part=payload", {**typed, "event": events[0]["value"]}, **{"HX-Request": "true"}
    )
    assert part.status == 200
    assert "<form" not in part.text
    assert f"Ticket {ticket}" in Page(part.text).text
    part = app.browser.post("/webhook/preview?part=events", {**typed, "filter": "title =="}, **{"HX-Request": "true"})
    assert "A value is missing at the end." in Page(part.text).text
    assert "No webhooks yet." in app.browser.get("/webhook").text


def test_the_default_button_saves(desk_app: DeskApp) -> None:
    """Enter in a field presses the first button of the form: that one saves, it does not try."""
    page = Page(desk_app.browser.get("/webhook/new?offer=ticket").text)
    form = next(
        place for place, (tag, found) in enumerate(page.elements) if tag == "form" and found.get("class") == "dlg"
    )
    first = next(found for tag, found in page.elements[form:] if tag == "button")
    assert "formaction" not in first
    assert "type" not in first


def test_the_trace_offers_to_send_it_anyway(fresh_app: DeskApp, receiver: Receiver) -> None:
    """An event that a filter kept back is found, explained, and sent by hand once."""
    app = fresh_app
    whk = make_webhook(app, receiver.url, "ticket.created")
    edit = app.browser.get(f"/webhook/{whk}/edit").text
    version = Page(edit).all("input", name="version")[0]["value"]
    changed = {
        **fields(types=["ticket.created"], url="", filter="priority.name == 'Nothing'", template=TEMPLATE),
        "format": "template", "version": version,
    }  # fmt: skip
    app.browser.follow(f"/webhook/{whk}/edit", changed)
    make_ticket(app)
    listing = app.browser.get("/events?type=ticket.created")
    assert "sent to none" in Page(listing.text).text
    found = re.search(r'href="/events/(evt_[0-9A-Z]{26})"', listing.text)
    assert found
    page = Page(app.browser.get(f"/events/{found[1]}").text)
    assert "its filter was false: priority.name == 'Nothing'" in page.text
    assert "Send it to this webhook anyway" in page.text
    sent = app.browser.follow(f"/events/{found[1]}/send", {"webhook": whk})
    assert "On its way to this webhook." in sent.text
    until(lambda: len(receiver.got) == 1)
    assert json.loads(receiver.got[0].body)["ticket"] > 0
    page = Page(app.browser.get(f"/events/{found[1]}").text)
    assert "sent anyway" in page.text
    assert "Send it to this webhook anyway" not in page.text
    assert app.browser.post(f"/events/{found[1]}/send", {"webhook": whk}).status == 409


def publish(app: DeskApp, event_type: str, data: object) -> None:
    """A program publishes."""
    host, port = app.base_url.removeprefix("http://").split(":")
    line = HTTPConnection(host, int(port), timeout=20)
    headers = {"Authorization": f"Bearer {app.api_key}", "Content-Type": "application/json"}
    line.request("POST", "/api/v1/events", json.dumps({"type": event_type, "data": data}), headers)
    assert line.getresponse().status == 202
    line.close()


def test_a_filter_that_fails_is_told_in_the_open_row(fresh_app: DeskApp) -> None:
    """What happened, on which event, and where to look."""
    app = fresh_app
    typed = fields(offer="custom", types=[], types_more="custom.n", form_id=form_id(app), filter="data.n|int > 1")
    found = re.search(r'<tr class="row open" id="(whk_[0-9A-Z]{26})', app.browser.post("/webhook/new", typed).text)
    assert found
    assert "could not be evaluated" not in app.browser.get(f"/webhook?open={found[1]}").text
    publish(app, "custom.n", {"n": "x"})
    page = Page(app.browser.get(f"/webhook?open={found[1]}").text)
    assert "Its filter could not be evaluated" in page.text
    assert "on custom.n: Invalid float literal." in page.text
    assert page.all("a", href="/events?type=custom.n")
