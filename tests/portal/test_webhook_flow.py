"""The Webhook page without script: create, display, edit, pause, rotate, delete, restore, slider."""

import re

import apsw
import pytest

from portal_kit import DeskApp, Page, Receiver, make_ticket, make_webhook, secrets_in, until


def form_id(app: DeskApp) -> str:
    """The random name in a fresh form."""
    return Page(app.browser.get("/webhook/new?offer=chat").text).all("input", name="form_id")[0]["value"]


def fields(**changed: object) -> dict[str, object]:
    """A form that is right."""
    return {
        "offer": "chat", "description": "Missed chats", "url": "https://hooks.example.com/catch/1234567890123456",
        "types": ["chat.missed"], "kind": "generic", "format": "desk", **changed,
    }  # fmt: skip


def version(app: DeskApp, whk: str) -> str:
    """The version that an edit form knows."""
    return Page(app.browser.get(f"/webhook/{whk}/edit").text).all("input", name="version")[0]["value"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"url": "hooks.zapier.com/hooks/catch/18422"}, "url"), ({"url": "http://10.0.0.5/"}, "url"),
        ({"url": ""}, "url"),
        ({"types": []}, "types"), ({"types": ["chat.nothing"]}, "types"), ({"description": ""}, "description"),
        ({"timeout_s": "soon"}, "timeout_s"), ({"timeout_s": "4000"}, "timeout_s"), ({"rate": "-1"}, "rate"),
        ({"retry": "5, x"}, "retry"), ({"headers": "no colon"}, "headers"), ({"headers": "host: x"}, "headers"),
        ({"kind": "pigeon"}, "kind"), ({"format": "runes"}, "format"),
    ],
)  # fmt: skip
def test_faults_stand_at_their_fields(desk_app: DeskApp, changed: dict[str, object], field: str) -> None:
    """422, a summary that links to the field, and everything typed is still there."""
    answer = desk_app.browser.post("/webhook/new", fields(form_id=form_id(desk_app), **changed))
    page = Page(answer.text)
    assert answer.status == 422
    assert any(one.get("role") == "alert" for one in page.all("div", class_="note"))
    assert page.all("a", href=f"#f-{field}")
    assert page.all("span", id=f"e-{field}")
    if changed.get("description", "x"):
        assert page.all("input", id="f-description")[0]["value"] == "Missed chats"


def test_creating_shows_the_secret_once_and_a_double_click_creates_one(fresh_app: DeskApp) -> None:
    """The answer to the POST alone holds URL and secret; the same form again finds what it made."""
    app, name = fresh_app, form_id(fresh_app)
    first = app.browser.post("/webhook/new", fields(form_id=name))
    again = app.browser.post("/webhook/new", fields(form_id=name))
    for answer in (first, again):
        assert answer.status == 200
        assert len(secrets_in(answer.text)) == 1
        assert answer.headers["cache-control"] == "no-store"
        assert "Webhook created." in answer.text
        assert len(re.findall(r'<tr class="row', answer.text)) == 1
    assert secrets_in(first.text) == secrets_in(again.text)
    assert "https://hooks.example.com/catch/1234567890123456" in first.text


def test_no_get_ever_holds_a_secret_or_a_full_url(desk_app: DeskApp) -> None:
    """Masked on the server, everywhere but in the answer to a POST."""
    answer = desk_app.browser.post("/webhook/new", fields(form_id=form_id(desk_app), anyway="yes"))
    (secret,) = secrets_in(answer.text)
    found = re.search(r'<tr class="row open" id="(whk_[0-9A-Z]{26})', answer.text)
    assert found
    whk = found[1]
    for path in (
        "/webhook", f"/webhook?open={whk}", f"/webhook/{whk}/edit", f"/webhook/{whk}/rotate", "/deliveries",
        "/webhook?tab=security", f"/webhook/{whk}/delete",
    ):  # fmt: skip
        text = desk_app.browser.get(path).text
        assert secret not in text
        assert "catch/1234567890123456" not in text


def test_display_detail_opens_the_row_and_closes_it(desk_app: DeskApp, receiver: Receiver) -> None:
    """Full URL and secret by POST; the second click is a GET that closes."""
    whk = make_webhook(desk_app, receiver.url)
    answer = desk_app.browser.post(f"/webhook/{whk}/detail")
    page = Page(answer.text)
    assert receiver.url in page.text
    assert len(secrets_in(answer.text)) == 1
    assert page.all("button", aria_expanded="true", aria_controls=f"d-{whk}")
    assert "written to the audit log" in page.text
    assert secrets_in(desk_app.browser.get("/webhook").text) == []


def test_a_wrong_password_reveals_nothing(desk_app: DeskApp, receiver: Receiver) -> None:
    """Confirm it is you: asked again, with the fault at the field."""
    whk = make_webhook(desk_app, receiver.url)
    answer = desk_app.browser.post(f"/webhook/{whk}/detail", {"password": "not my password"})
    assert answer.status == 422
    assert "This is not your password." in answer.text
    assert secrets_in(answer.text) == []


@pytest.mark.parametrize(
    ("offer", "shown", "absent"),
    [("chat", "chat.missed", "ticket.created"), ("ticket", "ticket.created", "chat.missed")],
)
def test_offers_differ_in_event_types_alone(desk_app: DeskApp, offer: str, shown: str, absent: str) -> None:
    """Ticket, chat and custom are one form."""
    page = Page(desk_app.browser.get(f"/webhook/new?offer={offer}").text)
    assert page.all("input", value=shown)
    assert not page.all("input", value=absent)
    custom = Page(desk_app.browser.get("/webhook/new?offer=custom").text)
    assert custom.all("input", value=shown)
    assert custom.all("input", value=f"{offer}.*")
    assert custom.all("input", name="types_more")


def test_a_second_webhook_for_the_same_url_is_warned_of(desk_app: DeskApp, receiver: Receiver) -> None:
    """A warning does not block: save anyway."""
    make_webhook(desk_app, receiver.url, "ticket.updated")
    again = fields(url=receiver.url, types=["ticket.updated"], form_id=form_id(desk_app))
    answer = desk_app.browser.post("/webhook/new", again)
    assert answer.status == 422
    assert "already sends ticket.updated to this URL. Save anyway?" in answer.text
    assert desk_app.browser.post("/webhook/new", {**again, "anyway": "yes"}).status == 200


def test_editing_keeps_url_and_shows_a_conflict(desk_app: DeskApp, receiver: Receiver) -> None:
    """Somebody else's change is never overwritten unseen."""
    whk = make_webhook(desk_app, receiver.url)
    known = version(desk_app, whk)
    form = {"version": known, "description": "Renamed", "types": ["chat.*"], "kind": "generic", "format": "desk"}
    assert "Saved “Renamed”." in desk_app.browser.follow(f"/webhook/{whk}/edit", form).text
    stale = desk_app.browser.post(f"/webhook/{whk}/edit", {**form, "description": "Mine"})
    page = Page(stale.text)
    assert stale.status == 409
    assert "changed this webhook meanwhile" in page.text
    assert "Save mine" in page.text
    assert "Keep the other" in page.text
    mine = {**form, "description": "Mine", "version": page.all("input", name="version")[0]["value"]}
    assert "Saved “Mine”." in desk_app.browser.follow(f"/webhook/{whk}/edit", mine).text
    assert receiver.url in desk_app.browser.post(f"/webhook/{whk}/detail").text


def test_own_headers_show_as_set_and_can_go(desk_app: DeskApp, receiver: Receiver) -> None:
    """Their values are never shown again."""
    whk = make_webhook(desk_app, receiver.url)
    form = {"description": "H", "types": ["chat.*"], "kind": "generic", "format": "desk"}
    save = f"/webhook/{whk}/edit"
    desk_app.browser.follow(save, {**form, "version": version(desk_app, whk), "headers": "x-team: very secret value"})
    page = desk_app.browser.get(save).text
    assert "x-team" in page
    assert "very secret value" not in page
    desk_app.browser.follow(save, {**form, "version": version(desk_app, whk), "drop_headers": "x-team"})
    assert "x-team" not in desk_app.browser.get(save).text


def test_pausing_asks_how_long_and_resuming_what_happens(desk_app: DeskApp, receiver: Receiver) -> None:
    """Held, told by whom, and sent afterwards."""
    whk = make_webhook(desk_app, receiver.url)
    assert "Until resumed" in desk_app.browser.get(f"/webhook/{whk}/pause").text
    page = desk_app.browser.follow(f"/webhook/{whk}/pause", {"minutes": "15"}).text
    assert "Paused by Ana Ruiz until" in Page(page).text
    ticket = make_ticket(desk_app)
    held = until(lambda: desk_app.browser.get(f"/deliveries?webhook={whk}&state=held").text)
    assert f"#{ticket}" in held
    asked = Page(desk_app.browser.get(f"/webhook/{whk}/resume").text).text
    assert "1 delivery waits" in asked
    assert "Cancel those older than 1 h 0 of 1" in asked
    resumed = desk_app.browser.follow(f"/webhook/{whk}/resume", {"drop_older_than_s": ""}).text
    assert "1 held delivery is sent now, oldest first." in Page(resumed).text
    until(lambda: receiver.got)


def test_disabling_can_be_undone_and_enabling_asks(desk_app: DeskApp, receiver: Receiver) -> None:
    """Disable at once with a way back; enable asks for the held deliveries."""
    whk = make_webhook(desk_app, receiver.url)
    page = Page(desk_app.browser.follow(f"/webhook/{whk}/disable").text)
    assert page.all("form", action=f"/webhook/{whk}/enable")
    assert "Cancel them" in desk_app.browser.get(f"/webhook/{whk}/enable").text
    assert "Enabled" in desk_app.browser.follow(f"/webhook/{whk}/enable", {"held": "resume"}).text


def test_rotating_sends_two_signatures_until_the_overlap_ends(desk_app: DeskApp, receiver: Receiver) -> None:
    """The new secret is in the one answer; End now leaves one signature."""
    whk = make_webhook(desk_app, receiver.url)
    answer = desk_app.browser.post(f"/webhook/{whk}/rotate", {"overlap_s": "86400"})
    assert answer.status == 200
    assert len(secrets_in(answer.text)) == 1
    assert "Two secrets are valid" in answer.text
    desk_app.browser.post(f"/webhook/{whk}/test")
    until(lambda: receiver.got)
    assert receiver.got[-1].headers["webhook-signature"].count("v1,") == 2
    desk_app.browser.follow(f"/webhook/{whk}/end-overlap")
    desk_app.browser.post(f"/webhook/{whk}/test")
    until(lambda: len(receiver.got) == 2)
    assert receiver.got[-1].headers["webhook-signature"].count("v1,") == 1


def test_deleting_with_a_reason_undo_and_restore(desk_app: DeskApp, receiver: Receiver) -> None:
    """Same id and secret again, by Undo and from its tab."""
    whk = make_webhook(desk_app, receiver.url, description="Zapier · callbacks")
    before = secrets_in(desk_app.browser.post(f"/webhook/{whk}/detail").text)
    page = Page(desk_app.browser.follow(f"/webhook/{whk}/delete", {"reason": "Trial is over"}).text)
    assert "Deleted “Zapier · callbacks”." in page.text
    assert page.all("form", action=f"/webhook/{whk}/undo-delete")
    gone = Page(desk_app.browser.get("/webhook?tab=deleted").text).text
    assert "Trial is over" in gone
    assert "Ana Ruiz" in gone
    assert "Restored with the same id" in desk_app.browser.follow(f"/webhook/{whk}/undo-delete").text
    desk_app.browser.follow(f"/webhook/{whk}/delete")
    desk_app.browser.follow(f"/webhook/{whk}/restore")
    assert secrets_in(desk_app.browser.post(f"/webhook/{whk}/detail").text) == before


def test_a_damaged_webhook_is_named_and_the_others_are_listed(fresh_app: DeskApp, receiver: Receiver) -> None:
    """Its row cannot be read: the page says so and works for the rest."""
    app = fresh_app
    broken = make_webhook(app, receiver.url, description="Broken")
    make_webhook(app, receiver.url, description="Sound")
    connection = apsw.Connection(str(app.data / "deskbell.db"))
    connection.execute("UPDATE webhook SET body = x'7b' WHERE id = ?", (broken,))
    connection.close()
    app.browser.follow("/webhook/slider", {"enabled": "false"})  # the site's settings are read anew
    page = until(lambda: found if "cannot be read" in (found := Page(app.browser.get("/webhook").text).text) else "")
    assert "1 webhook cannot be read. Nothing is sent to it" in page
    assert "Sound" in page
    assert "Broken" not in page


def test_the_slider_holds_everything_and_tells_what_was_missed(fresh_app: DeskApp, receiver: Receiver) -> None:
    """Off: banner on every page, events recorded, nothing sent. On: how many were missed, and Leave them."""
    app = fresh_app
    make_webhook(app, receiver.url)
    ticket = make_ticket(app)
    until(lambda: len(receiver.got) >= 1)
    app.browser.follow("/webhook/slider", {"enabled": "false"})
    again = app.browser.follow("/webhook/slider", {"enabled": "false"})
    assert 'aria-checked="false"' in again.text
    for path in ("/deliveries", "/desk/agent", "/developer-corner"):
        page = Page(app.browser.get(path).text).text
        assert "Webhooks are off." in page
    sent = len(receiver.got)
    app.browser.follow(f"/desk/agent/tickets/{ticket}/change", {"title": "While off"})
    page = Page(app.browser.follow("/webhook/slider", {"enabled": "true"}).text)
    assert "1 event happened while webhooks were off." in page.text
    assert "Replay them" in page.text
    assert "Leave them" in page.text
    assert "happened while" not in app.browser.follow("/webhook/missed", {"answer": "leave"}).text
    assert len(receiver.got) == sent


def test_the_developer_corner_is_the_same_switch(fresh_app: DeskApp) -> None:
    """One state, two places, and who changed it."""
    app = fresh_app
    assert app.browser.follow("/developer-corner/features").text.count("checked") == 0
    assert 'aria-checked="false"' in app.browser.get("/webhook").text
    page = app.browser.follow("/developer-corner/features", {"webhooksEnabled": "on"}).text
    assert "Changed by Ana Ruiz" in Page(page).text
    assert 'aria-checked="true"' in app.browser.get("/webhook").text


def test_names_that_look_like_markup_are_text(desk_app: DeskApp, receiver: Receiver) -> None:
    """In rows, titles, labels and notes."""
    whk = make_webhook(desk_app, receiver.url, description='"><script>alert(1)</script>')
    for path in ("/webhook", f"/webhook?open={whk}", f"/webhook/{whk}/delete", f"/webhook/{whk}/edit", "/deliveries"):
        assert "<script>alert" not in desk_app.browser.get(path).text
    assert "<script>alert" not in desk_app.browser.follow(f"/webhook/{whk}/disable").text


def test_a_webhook_that_does_not_exist_says_where_to_look(desk_app: DeskApp) -> None:
    """404 with the way to the deleted ones."""
    answer = desk_app.browser.get("/webhook/whk_00000000000000000000000000/edit")
    assert answer.status == 404
    assert "does not exist or was deleted" in answer.text
    assert "/webhook?tab=deleted" in answer.text
