"""Chromium for the scenarios: after each, no console fault, no policy report, and axe finds nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, sync_playwright

from portal_kit import OWNER, DeskApp, run_desk_app

CHROMIUM = Path("/usr/bin/chromium")
VENDOR = Path(__file__).parent.parent / "vendor"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-features=OptimizationHints,MediaRouter",
]  # fmt: skip
EXPECTED = re.compile(r"status of (401|404|409|422)|Clear-Site-Data")
AXE = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without Chromium the scenarios are skipped."""
    if not CHROMIUM.exists():
        for item in items:
            item.add_marker(pytest.mark.skip(reason="there is no /usr/bin/chromium here"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """One browser for all scenarios."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskApp]:
    """A fresh app for each scenario."""
    yield from run_desk_app(tmp_path_factory.mktemp("scenario"))


class Watched:
    """A context whose faults are kept."""

    def __init__(self, context: BrowserContext, base_url: str) -> None:
        self.context = context
        self.base_url = base_url
        self.faults: list[str] = []

    def page(self) -> Page:
        """A page that is watched."""
        page = self.context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        return page

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED.search(message.text):
            self.faults.append(f"{message.type}: {message.text}")


def sign_in(page: Page, base_url: str) -> None:
    """As the owner."""
    page.goto(f"{base_url}/login")
    page.get_by_label("E-mail").fill(OWNER["email"])
    page.get_by_label("Password").fill(OWNER["password"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Webhook", exact=True).wait_for()
    ready(page)


def ready(page: Page) -> None:
    """All is live."""
    page.locator("html[data-ready]").wait_for(state="attached")


@pytest.fixture
def watched(chromium: Chromium, app: DeskApp) -> Iterator[Watched]:
    """A watched context; checked at the end."""
    context = chromium.new_context(viewport={"width": 1440, "height": 960}, base_url=app.base_url)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app.base_url)
    found = Watched(context, app.base_url)
    yield found
    urls = [page.url for page in context.pages if page.url.startswith(app.base_url)]
    cookies = context.cookies()
    context.close()
    assert found.faults == []
    checked = chromium.new_context(bypass_csp=True)
    checked.add_cookies(cookies)  # type: ignore[arg-type]  # what the browser gave
    for url in urls:
        page = checked.new_page()
        page.goto(url)
        page.add_script_tag(path=VENDOR / "axe-4.14.1.min.js")
        violations = page.evaluate(AXE)["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in violations] == [], url
    checked.close()


@pytest.fixture
def page(watched: Watched) -> Page:
    """A page with the owner signed in."""
    made = watched.page()
    sign_in(made, watched.base_url)
    return made
