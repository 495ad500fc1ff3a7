"""Sign-in at the receiver in a real browser: only the fields of the choice show, and faults lead to them."""

from playwright.sync_api import Page, expect

from portal_kit import DeskApp, make_webhook


def test_fields_follow_the_choice_and_faults_open_them(app: DeskApp, page: Page) -> None:
    """From nothing to OAuth 2.0 with a fault, then to a password; wide and narrow, nothing scrolls sideways."""
    whk = make_webhook(app, "https://example.com/hook")
    page.goto(f"/webhook/{whk}/edit")
    page.locator("#sign-in summary").click()
    expect(page.get_by_label("Token URL")).to_be_hidden()
    page.get_by_label("Sign in with").select_option("oauth2")
    expect(page.get_by_label("User")).to_be_hidden()
    page.get_by_label("Token URL").fill("https://10.0.0.5/token")
    page.get_by_label("Client id").fill("desk")
    page.get_by_label("Client secret").fill("hunter2")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("alert")).to_contain_text("Token URL")
    expect(page.locator("#e-auth_token_url")).to_contain_text("private network")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_label("Sign in with").select_option("basic")
    page.get_by_label("User").fill("desk")
    page.get_by_label("Password").fill("hunter2")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("body")).to_contain_text("Saved")
    page.goto(f"/webhook/{whk}/edit")
    page.locator("#sign-in summary").click()
    expect(page.get_by_label("Sign in with")).to_have_value("keep")
    assert "hunter2" not in page.content()
