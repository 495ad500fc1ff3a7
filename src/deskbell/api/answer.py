"""Answers: JSON with the usual headers, and pages of lists."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from starlette.responses import Response

from deskbell.api.cursor import Cursors
from deskbell.api.shapes import Listing
from deskbell.model.account import Permission
from deskbell.rooms import Rooms
from deskbell.server.ask import Ask

T = TypeVar("T")
ApiAsk = Ask[Rooms]
PAGE = 50


def shows_refused(ask: ApiAsk) -> bool:
    """Whether the caller sees addresses that were refused."""
    return ask.caller.may(Permission.SITE_OWNER)


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json", headers=headers)


def nothing() -> Response:
    """204."""
    return Response(status_code=204)


def place(ask: ApiAsk) -> tuple[str | None, int]:
    """Where a list goes on (None: its start), and how many items are wanted."""
    cursor = ask.query.get("cursor")
    return (cursors(ask).read(bound_to(ask), cursor) if cursor else None), ask.number("limit", PAGE)


def page(ask: ApiAsk, rows: Sequence[T], limit: int, key: Callable[[T], str], show: Callable[[T], Any]) -> Response:
    """One page out of up to `limit + 1` rows: the extra row only tells that there is more."""
    items = rows[:limit]
    following = cursors(ask).write(bound_to(ask), key(items[-1])) if len(rows) > limit else None
    return json(Listing(items=[show(one) for one in items], next=following))


def bound_to(ask: ApiAsk) -> str:
    """What a cursor is valid for: site, caller, path and filters."""
    filters = sorted((name, value) for name, value in ask.query.items() if name not in ("cursor", "limit"))
    return f"{ask.site}|{ask.caller.id}|{ask.request.url.path}|{filters}"


def cursors(ask: ApiAsk) -> Cursors:
    """The cursors of this installation."""
    keyring = ask.rooms.keyring
    key, every = keyring.fingerprint("cursors"), keyring.fingerprints("cursors")
    return Cursors(key=key.encode(), older=tuple(one.encode() for one in every if one != key))
