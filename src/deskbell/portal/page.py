"""Answers of the portal: a whole page or the part of it that htmx asked for, and redirects after a change."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from deskbell.model.account import Permission
from deskbell.portal.notes import Note, drop_note, put_note, take_note
from deskbell.portal.shell import NAV, Shell, shell_of
from deskbell.portal.static_files import static_files
from deskbell.portal.templating import environment
from deskbell.rooms import Rooms
from deskbell.server.ask import Ask

PageAsk = Ask[Rooms]
SAFE_METHODS = frozenset({"GET", "HEAD"})
WHO_CAN = {
    Permission.WEBHOOKS_WRITE: "Only admins can do this",
    Permission.SECRETS_REVEAL: "Only admins can do this",
    Permission.AUDIT_READ: "Only admins can do this",
    Permission.SITE_ADMIN: "Only admins can do this",
    Permission.SITE_OWNER: "Only owners can do this",
    Permission.DELIVERIES_REPLAY: "Only operators and admins can do this",
    Permission.DESK_WRITE: "Only operators and admins can do this",
}
THEMES = ("light", "dark")


def new_form_id(ask: PageAsk) -> str:
    """A random name for one form: sent twice, it creates once."""
    return ask.rooms.random.secret(16).hex()


def zone_name(ask: PageAsk) -> str:
    """The time zone that the browser told, else UTC."""
    return ask.request.cookies.get("deskbell_zone", "UTC")[:64]


def theme_of(ask: PageAsk) -> str:
    """The theme that was chosen; empty follows the system."""
    chosen = ask.request.cookies.get("deskbell_theme", "")
    return chosen if chosen in THEMES else ""


def context_of(ask: PageAsk) -> dict[str, Any]:
    """What every template may use."""
    caller = ask.known_caller
    login = caller.login if caller else None

    def may(permission: str) -> bool:
        return caller is not None and caller.may(Permission(permission))

    def why_not(permission: str) -> str:
        return "" if may(permission) else WHO_CAN.get(Permission(permission), "Your role does not allow this")

    return {
        "caller": caller,
        "csrf": login.csrf if login else "",
        "may": may,
        "why_not": why_not,
        "now": ask.rooms.clock.now(),
        "zone": zone_name(ask),
        "theme": theme_of(ask),
        "keys_off": ask.request.cookies.get("deskbell_keys") == "off",
        "path": ask.request.url.path,
        "htmx": ask.is_part,
        "request_id": ask.origin.request_id,
        "base_url": ask.rooms.base_url,
        "limits": ask.rooms.limits,
        "nav": NAV,
        "new_form_id": lambda: new_form_id(ask),
    }


def part_text(ask: PageAsk, template: str, values: Mapping[str, Any]) -> str:
    """One template as text, for parts and streams."""
    return environment().get_template(template).render({**context_of(ask), **values})


async def respond(
    ask: PageAsk, template: str, *, part: str = "", status: int = 200, headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:  # fmt: skip
    """The page, or its part when htmx asks for it and there is one."""
    if ask.is_part and part:
        return finished(ask, html(part_text(ask, part, values), status, headers))
    note = take_note(ask.request)
    caller = ask.known_caller
    signed_in = caller is not None and caller.kind == "person"
    shell = await shell_of(ask.rooms, caller) if caller and signed_in else Shell(site=None)
    response = html(part_text(ask, template, {**values, "shell": shell, "note": note}), status, headers)
    if note:
        drop_note(response)
    if signed_in:
        response.headers["speculation-rules"] = f'"{static_files().url("spec.json")}"'
    return finished(ask, response)


def html(text: str, status: int, headers: Mapping[str, str] | None) -> Response:
    """An HTML answer; what passes is not kept by anybody."""
    return Response(text, status_code=status, media_type="text/html", headers=dict(headers or {}))


def finished(ask: PageAsk, response: Response) -> Response:
    """Pages differ for htmx, and a change makes prefetched pages old."""
    response.headers["vary"] = "HX-Request"
    if ask.request.method not in SAFE_METHODS:
        response.headers["clear-site-data"] = '"prefetchCache"'
    return response


def see_other(ask: PageAsk, path: str, note: Note | None = None) -> Response:
    """After a change: go and look. htmx is told to load the page as a whole."""
    response = Response(status_code=204 if ask.is_part else 303)
    response.headers["hx-redirect" if ask.is_part else "location"] = quote(path, safe="/?=&#:%~,-_.*+")
    if note:
        put_note(response, note)
    return finished(ask, response)


def back_to(ask: PageAsk, default: str) -> str:
    """The page of our own that a form was on."""
    target = (ask.form().get("back") or [""])[0]
    return target if is_own_path(target) else default


def is_own_path(path: str) -> bool:
    """Whether a path given by a form or link stays on this portal."""
    odd = any(one in path for one in ("\\", "\r", "\n", "\t")) or len(path) > 2_000
    return path.startswith("/") and not path.startswith("//") and not odd
