"""One request as a handler sees it: read, limited, and with its caller known."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from deskbell.model.account import Caller
from deskbell.model.audit import Origin
from deskbell.model.errors import FaultAt, Forbidden, Invalid, Unreadable
from deskbell.model.ids import SiteId
from deskbell.server.once import Once

R = TypeVar("R")
T = TypeVar("T")
_PATH = re.compile(r" - at `(.*)`$")
_FIELD = re.compile(r"field `([^`]*)`")


@dataclass(frozen=True, kw_only=True)
class Ask(Generic[R]):
    """A request with its caller. `rooms` is what the handler works with."""

    request: Request
    rooms: R
    body: bytes
    origin: Origin
    known_caller: Caller | None = None
    query: Mapping[str, str] = field(default_factory=dict)  # declared parameters only
    once: Once | None = None  # the request brought an Idempotency-Key

    @property
    def caller(self) -> Caller:
        """Who asks; routes with a permission always have one."""
        if self.known_caller is None:
            raise Forbidden
        return self.known_caller

    @property
    def site(self) -> SiteId:
        """The caller's site: every read and write stays inside it."""
        return self.caller.site

    @property
    def is_part(self) -> bool:
        """Whether htmx asks for a part of the page instead of the whole."""
        return self.request.headers.get("hx-request") == "true"

    def path(self, name: str) -> str:
        """A path parameter."""
        return str(self.request.path_params[name])

    def number(self, name: str, default: int) -> int:
        """A checked integer query parameter."""
        return int(self.query[name]) if name in self.query else default

    def flag(self, name: str) -> bool:
        """A checked boolean query parameter."""
        return self.query.get(name) == "true"

    def json(self, shape: type[T]) -> T:
        """The JSON body in this shape; 400 when it is no JSON, 422 with the place when it does not fit."""
        return decode(self.body, shape)

    def form(self) -> dict[str, list[str]]:
        """A posted form; 400 when it is not UTF-8. Fields may repeat."""
        fields: dict[str, list[str]] = {}
        try:
            pairs = parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=False, errors="strict")
        except (UnicodeDecodeError, ValueError):
            raise Unreadable("The form is not UTF-8.") from None
        for name, value in pairs:
            fields.setdefault(name, []).append(value.replace("\r\n", "\n"))
        return fields


def decode(body: bytes, shape: type[T]) -> T:
    """JSON bytes as this shape, or a refusal that says where it does not fit."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise Invalid("The body does not have the expected members.", faults=(fault_of(str(error)),)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("The body is not JSON in UTF-8.") from None


def fault_of(text: str) -> FaultAt:
    """msgspec's sentence as a fault with a JSON pointer."""
    found = _PATH.search(text)
    steps = re.findall(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]", found[1]) if found else []
    pointer = "".join("/" + (name or index) for name, index in steps)
    named = _FIELD.search(text)
    if named:
        pointer += "/" + named[1]
    code = "unknown_member" if "unknown field" in text else "missing" if "missing" in text else "type"
    detail = (
        _PATH.sub("", text)
        .replace("Object contains unknown field", "There is no member")
        .replace("Object missing required field", "This member is required:")
    )
    return FaultAt(pointer=pointer, code=code, detail=detail)


def struct_members(shape: Any) -> tuple[str, ...]:
    """The JSON names of a shape's members."""
    return tuple(one.encode_name for one in msgspec.structs.fields(shape))
