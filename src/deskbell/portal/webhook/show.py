"""The Webhook page: four tabs."""

from typing import Any

from starlette.responses import Response

from deskbell.portal.page import PageAsk, respond
from deskbell.portal.webhook.deleted import deleted_rows
from deskbell.portal.webhook.detail import Opened, with_overlap
from deskbell.portal.webhook.rows import load
from deskbell.portal.webhook.sample import sample_view
from deskbell.portal.webhook.security import security_view

TABS = ("registered", "deleted", "security", "sample")


async def show(ask: PageAsk) -> Response:
    """One of the tabs."""
    tab = ask.query.get("tab", "registered")
    if tab == "deleted":
        return await respond_tab(ask, tab, deleted=await deleted_rows(ask))
    if tab == "security":
        return await respond_tab(ask, tab, security=await security_view(ask, ask.query.get("lang", "")))
    if tab == "sample":
        return await respond_tab(ask, tab, sample=await sample_view(ask))
    opened = Opened(webhook_id=ask.query["open"]) if "open" in ask.query else None
    return await registered(ask, opened)


async def registered(ask: PageAsk, opened: Opened | None = None, status: int = 200) -> Response:
    """The first tab, with a row open or not."""
    return await respond_tab(ask, "registered", status=status, opened=opened)


async def from_dialog(ask: PageAsk, opened: Opened) -> Response:
    """The first tab after a form that may have stood in a dialog: it replaces the page behind it."""
    headers = {"hx-retarget": "#page", "hx-reswap": "outerHTML", "hx-push-url": "/webhook"} if ask.is_part else None
    return await respond_tab(ask, "registered", part="parts/webhook_main.html", headers=headers, opened=opened)


async def respond_tab(
    ask: PageAsk, tab: str, *, part: str = "", status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> Response:
    """The page with what stands above every tab."""
    opened = values.get("opened")
    if isinstance(opened, Opened):
        values["opened"] = await with_overlap(ask, opened)
    view = await load(ask, ask.query.get("q", ""), ask.query.get("state", ""))
    return await respond(
        ask,
        "pages/webhook.html",
        part=part or f"parts/tab_{tab}.html",
        status=status,
        headers=headers,
        tab=tab,
        view=view,
        **{"opened": None, "deleted": (), "security": None, "sample": None, **values},
    )
