"""Somebody is invited, joins, sets up a second factor, signs in with a code and a recovery code, and is signed out."""

import time
from urllib.parse import urlsplit

from playwright.sync_api import expect

from deskbell.rules.second_factor import code_at
from portal.browser.conftest import Watched, ready, sign_in

EMAIL, PASSWORD = "bo@northwind.example", "seven geese fly to the south"


def test_from_invitation_to_the_end(watched: Watched) -> None:
    """Each step by mouse and keyboard, as the two people do it."""
    page = watched.page()
    sign_in(page, watched.base_url)
    page.get_by_role("link", name="Users", exact=True).click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Role").select_option("operator")
    page.get_by_role("button", name="Make the invitation").click()
    page.get_by_role("heading", name="Invitation for bo").wait_for()
    link = page.locator("#user-link").inner_text()
    context = watched.context.browser.new_context(base_url=watched.base_url)  # type: ignore[union-attr]
    other = context.new_page()
    faults: list[str] = []
    other.on("console", lambda one: faults.append(one.text) if "Content Security" in one.text else None)
    other.goto(urlsplit(link).path)
    other.get_by_label("Name").fill("Bo Ek")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Join").click()
    other.get_by_role("heading", name="Webhook", exact=True).wait_for()
    other.get_by_role("link", name="Bo Ek operator").click()
    other.get_by_role("button", name="Set up a second factor").click()
    expect(other.get_by_role("img", name="QR code with the key")).to_be_visible()
    secret = other.locator("#totp-key").inner_text()
    other.get_by_label("Then enter the code").fill(code_at(secret, time.time()))
    other.get_by_role("button", name="Turn on").click()
    recovery = other.locator("#codes code").all_inner_texts()
    assert len(recovery) == 10
    ready(other)
    other.get_by_role("button", name="Sign out").click()
    for code in (code_at(secret, time.time() + 30), recovery[0]):
        other.get_by_label("E-mail").fill(EMAIL)
        other.get_by_label("Password").fill(PASSWORD)
        other.get_by_role("button", name="Sign in").click()
        other.get_by_label("Code of the app").fill(code)
        other.get_by_role("button", name="Sign in").click()
        other.get_by_role("heading", name="Webhook", exact=True).wait_for()
        if code != recovery[0]:
            ready(other)
            other.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name="Bo Ek").click()
    page.get_by_role("button", name="End all").click()
    expect(page.get_by_text("Not signed in anywhere.")).to_be_visible()
    other.reload()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    assert faults == []
    context.close()
