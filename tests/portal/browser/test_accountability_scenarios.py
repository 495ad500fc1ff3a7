"""A key made, copied and revoked, and the audit read, with script and without a mouse where it matters."""

from playwright.sync_api import expect

from portal.browser.conftest import Watched, ready, sign_in
from portal_kit import OWNER


def test_key_and_audit(watched: Watched) -> None:
    """Made with a password for what is powerful, copied, revoked after a question; all of it stands in the audit."""
    page = watched.page()
    sign_in(page, watched.base_url)
    page.get_by_role("link", name="API keys", exact=True).click()
    page.get_by_role("link", name="New key").click()
    page.get_by_label("Name", exact=True).fill("Power Automate")
    page.get_by_label("Publish events").check()
    page.get_by_label("See full receiver URLs").check()
    page.get_by_label("Works for").select_option("30 days")
    page.get_by_role("button", name="Make key").click()
    page.get_by_role("heading", name="Power Automate").wait_for()
    ready(page)
    page.get_by_role("button", name="Copy API key").click()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#key").inner_text()
    page.get_by_role("link", name="Done, I have copied it").click()
    expect(page.get_by_role("note").filter(has_text="will stop working within 30 days")).to_be_visible()
    page.get_by_role("link", name="Revoke Power Automate").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row", name="Power Automate")).to_contain_text("Revoked")
    page.get_by_role("link", name="Audit", exact=True).click()
    page.get_by_text("API key revoked").first.click()
    expect(page.get_by_role("table", name="What changed").first).to_contain_text("events:write")
    page.get_by_role("button", name="Check the chain").click()
    expect(page.get_by_role("status").first).to_contain_text("The chain is whole")
    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV").click()
    assert taken.value.suggested_filename == "audit-desk.csv"
    assert OWNER["name"] in taken.value.path().read_text()
