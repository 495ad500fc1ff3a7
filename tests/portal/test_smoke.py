"""Every page of the portal answers."""

import pytest
from portal_kit import DeskApp

PAGES = (
    "/webhook", "/webhook?tab=deleted", "/webhook?tab=security", "/webhook?tab=sample", "/webhook/new?offer=ticket",
    "/webhook/new?offer=chat", "/webhook/new?offer=custom", "/webhook/test", "/deliveries", "/inspector",
    "/developer-corner", "/desk/agent", "/desk/agent/tickets/new", "/desk/agent/push", "/people", "/desk/client",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers(desk_app: DeskApp, path: str) -> None:
    """A signed-in owner gets each page whole."""
    answer = desk_app.browser.get(path)
    assert answer.status == 200, answer.text[:500]
