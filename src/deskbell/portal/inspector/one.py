"""One bin: its address, its script, its captures, and the capture that is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from deskbell.inspector import SCRIPTS, script_name
from deskbell.model.errors import NotFound
from deskbell.model.inspector import Bin, Capture
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.portal.page import PageAsk, respond
from deskbell.rules.masking import mask_capture
from deskbell.server.masked import masked_paths

CAPTURES_SHOWN = 50
VIEWS = ("tree", "text", "hex", "headers", "query")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One capture in the list."""

    capture: Capture
    what: str  # event types, or the path
    mark: str
    icon: str
    tone: str
    answered: str


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything of the page."""

    bin: Bin
    url: str
    script: str
    scripts: Sequence[str]
    webhooks: Sequence[Webhook]
    lines: Sequence[Line]
    chosen: Capture | None
    view: str


def line_of(capture: Capture) -> Line:
    """A capture as a line: what it is, whether it is genuine, what was answered."""
    icon, tone, mark = "", "muted", "no signature checked"
    if capture.signature == "valid":
        icon, tone, mark = "shield-check", "okc", "valid"
    elif capture.signature in ("too_old", "too_new"):
        icon, tone, mark = "clock", "warnc", "genuine, not in time"
    elif capture.signature == "header_missing":
        mark = "no signature headers"
    elif capture.signature is not None:
        icon, tone, mark = "x", "badc", "not valid"
    return Line(
        capture=capture,
        what=", ".join(capture.event_types) or capture.path or "/",
        mark=mark,
        icon=icon,
        tone=tone,
        answered=f"answered {capture.answered_status}" if capture.answered_status else "no answer",
    )


async def view_of(ask: PageAsk, bin_id: str, capture_id: str = "", view: str = "") -> View:
    """The page, with the newest capture when none is chosen."""
    row = await ask.rooms.inspector.get(ask.site, bin_id)
    captures = await ask.rooms.inspector.captures(ask.site, bin_id, None, CAPTURES_SHOWN)
    chosen = await ask.rooms.inspector.capture(ask.site, capture_id) if capture_id else next(iter(captures), None)
    if chosen is not None and chosen.bin_id != row.id:
        raise NotFound("This capture is in another bin.")
    masked = await masked_paths(ask.caller, ask.rooms.store)
    if chosen is not None and masked is not None:
        chosen = mask_capture(chosen, masked)
    webhooks = [one for one in await ask.rooms.store.webhooks.all(ask.site) if one.state is not WebhookState.DELETED]
    return View(
        bin=row,
        url=f"{ask.rooms.base_url}/bin/{row.address}",
        script=script_name(row.steps) or "",
        scripts=tuple(SCRIPTS),
        webhooks=webhooks,
        lines=[line_of(one) for one in captures],
        chosen=chosen,
        view=view or "tree",
    )


async def show(ask: PageAsk) -> Response:
    """A bin, with a capture chosen or not."""
    capture_id = ask.request.path_params.get("cap", "")
    view = await view_of(ask, ask.path("bin"), capture_id, ask.query.get("view", ""))
    return await respond(ask, "pages/bin.html", part="parts/captures.html", view=view, follows=not capture_id)
