"""Everything this product raises, in one tree.

    DeskbellError
    ├── Refusal                 the caller can mend it: `code`, `detail`, `faults`
    │   ├── Unreadable 400      ├── Unauthenticated 401   ├── Forbidden 403
    │   ├── NotFound 404        ├── WrongMethod 405       ├── Conflict 409
    │   ├── TooLarge 413
    │   ├── WrongMedia 415      ├── Invalid 422           ├── Throttled 429 (retry_after_s)
    │   ├── Busy 503 (retry_after_s)  ├── DiskFull 503        ├── Loop 508
    │   └── Broken 500: a bug of ours, told like a refusal
    └── Fault                   ours to mend
        ├── StoreBroken         ├── KeyringFault          └── Quarantined

A class's docstring is its default text. `server/` alone maps them to answers.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class FaultAt:
    """One fault of an input: where it is, its stable code, and what to do about it."""

    pointer: str  # JSON pointer of the member, "" for the whole
    code: str
    detail: str


class DeskbellError(Exception):
    """Something went wrong."""

    def __str__(self) -> str:
        return super().__str__() or (type(self).__doc__ or "").strip()


class Refusal(DeskbellError):
    """This cannot be done as asked."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "unreadable"
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str = "", *, faults: tuple[FaultAt, ...] = (), reason: str = "") -> None:
        super().__init__(detail or (type(self).__doc__ or "").strip())
        self.detail = str(self)
        self.faults = faults
        self.reason = reason  # a finer stable word than the code, e.g. `event_type_reserved`


class Unreadable(Refusal):
    """The request could not be read."""

    status, code, title = 400, "unreadable", "The request could not be read"


class Unauthenticated(Refusal):
    """Sign in, or send a valid API key as `Authorization: Bearer dbk_…`."""

    status, code, title = 401, "unauthenticated", "Not signed in"


class Forbidden(Refusal):
    """Your role or key does not allow this."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(Refusal):
    """There is nothing here under this id or path."""

    status, code, title = 404, "not-found", "Not found"


class WrongMethod(Refusal):
    """This path does not take this method; see /api/docs."""

    status, code, title = 405, "method-not-allowed", "Method not allowed"


class Conflict(Refusal):
    """The present state does not allow this."""

    status, code, title = 409, "conflict", "Conflict with the present state"


class TooLarge(Refusal):
    """The request is larger than what is taken here."""

    status, code, title = 413, "too-large", "Too large"


class WrongMedia(Refusal):
    """Send `Content-Type: application/json` without a content encoding."""

    status, code, title = 415, "unsupported-media", "Unsupported media type"


class Invalid(Refusal):
    """Some of what was sent is not valid."""

    status, code, title = 422, "invalid", "Not valid"


class Later(Refusal):
    """Not now; again after `retry_after_s` seconds."""

    def __init__(self, detail: str = "", *, retry_after_s: int = 1, reason: str = "") -> None:
        super().__init__(detail, reason=reason)
        self.retry_after_s = retry_after_s


class Throttled(Later):
    """Too many requests."""

    status, code, title = 429, "throttled", "Too many requests"


class Busy(Later):
    """Deskbell is busy storing events; nothing was stored. Send it again."""

    status, code, title = 503, "busy", "Busy"


class DiskFull(Later):
    """The disk is full; nothing was stored. Send it again when there is room."""

    status, code, title = 503, "disk-full", "The disk is full"


class Broken(Refusal):
    """Deskbell failed to do this; it is logged under the request id. Try again, and tell the Operator."""

    status, code, title = 500, "internal", "Deskbell failed"


class Loop(Refusal):
    """This event was caused by a delivery of Deskbell itself; taking it would loop."""

    status, code, title = 508, "loop", "Loop detected"


class Fault(DeskbellError):
    """A fault of Deskbell itself."""


class StoreBroken(Fault):
    """The database failed; the process stops and the next start recovers."""


class KeyringFault(Fault):
    """The keyring does not fit the database."""


class Quarantined(Fault):
    """A row could not be worked on and was set aside."""
