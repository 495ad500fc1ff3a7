"""A short text that the next page shows: what was done, and how to undo it. Carried by a cookie, never a secret."""

import base64

import msgspec
from starlette.requests import Request
from starlette.responses import Response

COOKIE = "deskbell_note"
SECONDS = 60
_CHARS_MAX = 3_000


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is told. `undo` is the path of a POST, `link` that of a page; both of our own."""

    text: str
    tone: str = "ok"
    undo: str = ""
    undo_label: str = "Undo"
    link: str = ""
    link_label: str = ""


def put_note(response: Response, note: Note) -> None:
    """Let the next page show the note."""
    value = base64.urlsafe_b64encode(msgspec.json.encode(note)).decode()
    if len(value) <= _CHARS_MAX:
        response.set_cookie(COOKIE, value, max_age=SECONDS, path="/", httponly=True, samesite="lax")


def take_note(request: Request) -> Note | None:
    """The note that the browser brings, if it is one; paths that are not ours are dropped."""
    value = request.cookies.get(COOKIE, "")
    if not value or len(value) > _CHARS_MAX:
        return None
    try:
        note = msgspec.json.decode(base64.urlsafe_b64decode(value), type=Note)
    except (ValueError, msgspec.DecodeError):
        return None
    ours = all(not path or (path.startswith("/") and not path.startswith("//")) for path in (note.undo, note.link))
    return note if ours else None


def drop_note(response: Response) -> None:
    """The note was shown."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
