"""Set-up link, signing in and out, and requests that are forged."""

import pytest

from portal_kit import OWNER, Browser, DeskApp, Page

WRONG = "E-mail or password is not right."


def test_a_used_set_up_link_is_no_longer_valid(desk_app: DeskApp) -> None:
    """It worked once; now it says how to get another."""
    browser = Browser(desk_app.base_url)
    path = desk_app.setup_url.removeprefix(desk_app.base_url)
    for answer in (browser.get(path), browser.post(path, dict(OWNER)), browser.get("/setup/unknown")):
        assert answer.status == 404
        assert "This link is no longer valid." in answer.text


def test_signing_in_and_out(desk_app: DeskApp) -> None:
    """The cookie comes and goes, and the page that was asked for is shown."""
    browser = Browser(desk_app.base_url)
    form = browser.get("/login?return_to=/deliveries")
    assert form.status == 200
    fields = {"email": OWNER["email"], "password": OWNER["password"], "return_to": "/deliveries"}
    answer = browser.post("/login", fields)
    assert (answer.status, answer.headers["location"]) == (303, "/deliveries")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert browser.get("/deliveries").status == 200
    assert browser.post("/logout").headers["location"] == "/login"
    assert browser.get("/deliveries").status == 401


@pytest.mark.parametrize(
    ("email", "password"),
    [(OWNER["email"], "wrong wrong wrong"), ("nobody@northwind.example", OWNER["password"]), ("", "")],
)
def test_one_text_for_everything_wrong(desk_app: DeskApp, email: str, password: str) -> None:
    """Nobody learns which of the two was right; the e-mail stays typed, the password never."""
    answer = Browser(desk_app.base_url).post("/login", {"email": email, "password": password})
    assert answer.status == 401
    assert WRONG in answer.text
    if password:
        assert password not in answer.text


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example", "/\\evil"])
def test_after_signing_in_one_stays_here(desk_app: DeskApp, target: str) -> None:
    """`return_to` is for own paths."""
    fields = {"email": OWNER["email"], "password": OWNER["password"], "return_to": target}
    assert Browser(desk_app.base_url).post("/login", fields).headers["location"] == "/webhook"


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
@pytest.mark.parametrize("path", ["/webhook/slider", "/login"])
def test_posts_of_other_websites_are_refused(desk_app: DeskApp, path: str, headers: dict[str, str]) -> None:
    """403 with what to do, and nothing changes."""
    answer = desk_app.browser.post(path, {"enabled": "false"}, **headers)
    assert answer.status == 403
    assert 'aria-checked="true"' in desk_app.browser.get("/webhook").text


def test_a_post_without_the_token_is_refused(desk_app: DeskApp) -> None:
    """A cookie alone is not enough."""
    answer = desk_app.browser.post("/webhook/slider", {"enabled": "false", "csrf": "guess"})
    assert answer.status == 403
    assert "Reload" in answer.text
    assert 'aria-checked="true"' in desk_app.browser.get("/webhook").text


def test_htmx_gets_a_sign_in_dialog_over_the_page(desk_app: DeskApp) -> None:
    """The fields behind it stay as typed."""
    answer = Browser(desk_app.base_url).get("/deliveries", **{"HX-Request": "true"})
    assert answer.status == 401
    assert answer.headers["hx-retarget"] == "#dlg"
    assert "<html" not in answer.text
    assert Page(answer.text).all("input", name="password")


def test_a_changed_post_drops_prefetched_pages(desk_app: DeskApp) -> None:
    """A page that was fetched before the change must not be shown after it."""
    for answer in (
        desk_app.browser.post("/preferences", {"theme": "light"}),
        desk_app.browser.post("/webhook/slider", {"enabled": "true"}),
        Browser(desk_app.base_url).post("/login", {"email": "x", "password": "y"}),
    ):
        assert answer.headers["clear-site-data"] == '"prefetchCache"'
