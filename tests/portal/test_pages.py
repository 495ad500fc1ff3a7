"""Every page: whole by GET, titled, with its landmarks, and safe."""

import re

import pytest

from portal_kit import Browser, DeskApp, Page

PAGES = {
    "/webhook": "Webhook", "/webhook?tab=deleted": "Webhook", "/webhook?tab=security": "Webhook",
    "/webhook?tab=sample": "Webhook", "/webhook/new?offer=ticket": "Add ticket webhook",
    "/webhook/new?offer=chat": "Add chat webhook", "/webhook/new?offer=custom": "Add custom webhook",
    "/webhook/test": "Send test event", "/deliveries": "Deliveries",
    "/events": "Events", "/replays": "Replays", "/replays/new": "New replay", "/erase": "Erase a subject",
    "/inspector": "Inspector",
    "/developer-corner": "Developer Corner", "/desk/agent": "Agent desk", "/desk/agent/tickets/new": "New ticket",
    "/desk/agent/push": "Push chat", "/desk/timers": "Timers", "/desk/timers/new": "New timer", "/people": "People",
    "/desk/client": "Client page", "/keys": "API keys", "/keys/new": "New API key", "/audit": "Audit",
    "/audit?check=1": "Audit", "/settings/sign-in": "Single sign-on",
}  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_title_headline_and_landmarks(desk_app: DeskApp, path: str) -> None:
    """Found by people and by screen readers."""
    answer = desk_app.browser.get(path)
    page = Page(answer.text)
    assert answer.status == 200
    assert f"<title>{PAGES[path]} · Deskbell</title>" in answer.text
    assert len(page.all("h1")) == 1
    assert len(page.all("main", id="main")) == 1
    assert page.all("a", class_="skip")
    assert page.all("nav", aria_label="Breadcrumb")


@pytest.mark.parametrize("path", PAGES)
def test_ids_are_unique_and_labels_point_at_fields(desk_app: DeskApp, path: str) -> None:
    """Otherwise labels, anchors and swaps hit the wrong element."""
    page = Page(desk_app.browser.get(path).text)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for label in page.all("label"):
        assert "for" not in label or label["for"] in ids
    for button in page.all("button"):
        assert "popovertarget" not in button or button["popovertarget"] in ids


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_differs_for_htmx_and_carries_the_headers(desk_app: DeskApp, path: str) -> None:
    """A shared cache never mixes pages and parts; the policy stands on all."""
    headers = desk_app.browser.get(path).headers
    assert headers["vary"] == "HX-Request"
    assert headers["cache-control"] == "no-store"
    assert "script-src 'self'" in headers["content-security-policy"]
    assert headers["speculation-rules"].startswith('"/static/spec.')


@pytest.mark.parametrize("path", PAGES)
def test_without_a_login_every_page_is_the_sign_in_page(desk_app: DeskApp, path: str) -> None:
    """401, and the way back is kept."""
    answer = Browser(desk_app.base_url).get(path)
    assert answer.status == 401
    assert "<h1>Sign in</h1>" in answer.text
    assert Page(answer.text).all("input", name="return_to")[0]["value"] == path


@pytest.mark.parametrize("path", ["/webhook", "/deliveries", "/webhook/new?offer=chat", "/webhook/test"])
def test_htmx_gets_the_part_that_the_page_holds(desk_app: DeskApp, path: str) -> None:
    """The part that paints first is the part that refreshes."""
    part = desk_app.browser.get(path, **{"HX-Request": "true"})
    assert part.status == 200
    assert "<html" not in part.text
    assert len(part.text) < len(desk_app.browser.get(path).text)


def test_words_that_must_be_found_are_there(desk_app: DeskApp) -> None:
    """Side bar, tabs, menu and fields carry the agreed names."""
    page = Page(desk_app.browser.get("/webhook").text).text
    for words in (
        "Advanced", "Webhook", "Registered Webhooks", "Deleted Webhooks", "Webhook Security", "Payload Sample",
        "Create Webhook", "Add ticket webhook", "Add chat webhook", "Add custom webhook", "Developer Corner",
        "No webhooks yet.", "Open the inspector",
    ):  # fmt: skip
        assert words in page
    form = Page(desk_app.browser.get("/webhook/new?offer=chat").text).text
    assert "Description" in form
    assert "Receiver URL" in form
    corner = Page(desk_app.browser.get("/developer-corner").text).text
    assert "Advanced Features" in corner


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/", "/webhook"), ("/advanced/webhook", "/webhook"), ("/advanced/webhooks", "/webhook"),
        ("/advanced/developer-corner", "/developer-corner"),
    ],
)  # fmt: skip
def test_old_addresses_lead_on(desk_app: DeskApp, path: str, target: str) -> None:
    """Links in mails and habits go on working."""
    answer = desk_app.browser.get(path)
    assert (answer.status, answer.headers["location"]) == (303, target)


@pytest.mark.parametrize("path", ["/webhook?zz=1", "/deliveries?state=odd", "/deliveries?limit=0", "/webhook?tab=x"])
def test_an_unknown_parameter_is_told(desk_app: DeskApp, path: str) -> None:
    """Never ignored in silence."""
    answer = desk_app.browser.get(path)
    assert answer.status in (400, 422)
    assert path.partition("?")[2].partition("=")[0] in answer.text


def test_the_slider_says_what_it_is(desk_app: DeskApp) -> None:
    """A switch with a name and a state; its visible word is hidden from readers."""
    page = Page(desk_app.browser.get("/webhook").text)
    switch = page.all("button", role="switch")
    assert switch[0]["aria-label"] == "Send webhooks"
    assert switch[0]["aria-checked"] == "true"


def test_tabs_are_links_with_a_current_one(desk_app: DeskApp) -> None:
    """Each tab has a URL."""
    page = Page(desk_app.browser.get("/webhook?tab=security").text)
    tabs = [one for one in page.all("a") if one.get("href", "").startswith("/webhook?tab=") and "aria-current" in one]
    assert next(one["href"] for one in tabs) == "/webhook?tab=security"


def test_theme_is_in_the_first_paint(desk_app: DeskApp) -> None:
    """A cookie, so nothing flickers."""
    browser = Browser(desk_app.base_url, dict(desk_app.browser.cookies), desk_app.browser.csrf)
    answer = browser.post("/preferences", {"theme": "dark", "back": "/deliveries"})
    assert (answer.status, answer.headers["location"]) == (303, "/deliveries")
    assert 'data-theme="dark"' in browser.get("/webhook").text
    browser.post("/preferences", {"theme": "evil", "keys": "off"})
    page = browser.get("/webhook").text
    assert 'data-theme="dark"' in page
    assert 'data-keys="off"' in page


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_forms_lead_back_to_own_pages_only(desk_app: DeskApp, target: str) -> None:
    """No open redirect."""
    answer = desk_app.browser.post("/preferences", {"theme": "light", "back": target})
    assert answer.headers["location"] == "/webhook"


def test_times_are_marked_up_with_their_instant(desk_app: DeskApp) -> None:
    """Script can show them in the reader's own zone; the zone's cookie makes the first paint right."""
    browser = Browser(desk_app.base_url, {**desk_app.browser.cookies, "deskbell_zone": "Europe/Berlin"})
    page = browser.get("/webhook").text
    assert 'id="zone">Europe/Berlin<' in page
    assert re.search(r"Times in <span", page)


def test_a_time_zone_that_is_none_is_harmless(desk_app: DeskApp) -> None:
    """The cookie is foreign text."""
    browser = Browser(desk_app.base_url, {**desk_app.browser.cookies, "deskbell_zone": "<script>"})
    answer = browser.get("/webhook")
    assert answer.status == 200
    assert "<script>" not in answer.text.replace("<script src", "")
