"""Signing in with a provider, in a real browser: set up by the owner, there and back, and on to a page of our own."""

from pathlib import Path

import apsw
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect

from accountability.bench import bench
from deskbell.model.account import Account, Role
from deskbell.model.ids import SiteId
from deskbell.model.instant import Instant
from deskbell.storage.bodies import named
from deskbell.storage.statements import statements
from portal.browser.conftest import Watched, ready, sign_in
from sign_on.provider import CLIENT, SECRET


def invited(database: Path) -> None:
    """Somebody without a password."""
    ana = Account(
        site=SiteId("desk"), id="usr_ana", email="ana@desk.example", name="Ana of the provider", role=Role.VIEWER,
        password_hash=None, created_at=Instant(0),
    )  # fmt: skip
    connection = apsw.Connection(str(database))
    connection.execute(statements("sqlite")["user_insert"], named(ana))
    connection.close()


def test_sign_in_by_the_provider(chromium: Chromium, tmp_path: Path) -> None:
    """The button appears once the owner has set it up, and leads in."""
    with bench(tmp_path) as desk:
        context = chromium.new_context(base_url=desk.base_url, ignore_https_errors=True)
        found = Watched(context, desk.base_url)
        page = found.page()
        sign_in(page, desk.base_url)
        page.goto("/settings/sign-in")
        ready(page)
        page.get_by_label("Issuer").fill("https://127.0.0.1:9")
        page.get_by_label("Client id").fill(CLIENT)
        page.get_by_label("Client secret").fill(SECRET)
        page.get_by_label("Name on the button").fill("Northwind")
        page.get_by_role("button", name="Set up").click()
        expect(page.get_by_role("alert")).to_contain_text("One field needs a change: Issuer")
        page.get_by_label("Issuer").fill(desk.provider.issuer)
        page.get_by_label("Client secret").fill(SECRET)
        page.get_by_role("button", name="Set up").click()
        expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
        assert page.get_by_label("Client secret").input_value() == ""
        page.get_by_role("button", name="Sign out").click()
        invited(desk.data / "deskbell.db")
        page.goto("/deliveries")
        page.get_by_role("link", name="Sign in with Northwind").click()
        page.wait_for_url("**/deliveries")
        expect(page.get_by_text("Ana of the provider")).to_be_visible()
        assert found.faults == []
        context.close()
