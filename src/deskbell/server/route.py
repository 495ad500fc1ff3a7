"""Routes as data: OpenAPI, permission tests, documentation and the doors are all made from these tables."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.responses import Response

from deskbell.model.account import Permission
from deskbell.server.ask import Ask
from deskbell.server.once import Keeps

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Param:
    """One query parameter; any other is refused with 400."""

    name: str
    description: str
    type: str = "string"  # string, integer, boolean
    low: int | None = None  # of an integer
    high: int | None = None
    choices: tuple[str, ...] = ()
    many: bool = False  # may be given several times


@dataclass(frozen=True, kw_only=True)
class Route(Generic[R]):
    """One operation. The caller needs `permission` and each of `also`; `audit` is the audit verb, or none."""

    method: str
    path: str  # {name} stands for one segment
    permission: Permission
    handler: Callable[[Ask[R]], Awaitable[Response]]
    summary: str
    also: tuple[Permission, ...] = ()
    audit: str = "none"
    request: Any = None  # msgspec type of the JSON body
    response: Any = None  # msgspec type of the answer
    status: int = 200
    query: tuple[Param, ...] = ()
    tag: str = ""
    body_bytes_max: int | None = None  # None: the limit body_bytes_max
    keeps: Keeps = Keeps.ANSWER  # of a POST with an Idempotency-Key


LIST = (
    Param(name="limit", description="How many items, 1 to 200 (50).", type="integer", low=1, high=200),
    Param(name="cursor", description="Where to go on: `next` of the previous page."),
)
"""What every list takes."""
