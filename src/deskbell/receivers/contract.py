"""What a receiver kind is: data and pure functions. It reads no clock, draws no chance, opens no socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from deskbell.model.exchange import Outcome, Reply
from deskbell.model.instant import Instant
from deskbell.model.rendering import Frozen, Rendered
from deskbell.rules.diagnosis import Diagnosis
from deskbell.rules.limits import Limits


@dataclass(frozen=True, kw_only=True)
class Field:
    """One setting of a kind, as the form shows it."""

    name: str
    type: Literal["url", "text", "choice", "headers", "number", "flag"]
    title: str
    help: str = ""
    default: str | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    secret: bool = False


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a kind says about its settings on save."""

    level: Literal["refuse", "warn"]
    field: str
    code: str
    text: str


class Kind(Protocol):
    """One kind of receiver. The product knows no kind by name."""

    @property
    def name(self) -> str: ...  # as stored
    @property
    def title(self) -> str: ...  # as shown
    @property
    def transport(self) -> Literal["http", "smtp"]: ...
    @property
    def signed(self) -> bool: ...  # takes signature, deskbell-* and own headers (wire.md 3)
    @property
    def fields(self) -> tuple[Field, ...]: ...

    def check(self, settings: Mapping[str, Any]) -> tuple[Finding, ...]: ...
    def render(self, frozen: Frozen, limits: Limits) -> Rendered: ...
    def classify(self, reply: Reply, now: Instant, limits: Limits) -> Outcome: ...
    def verdict(self, outcome: Outcome) -> Diagnosis: ...
    def sample(self, event_type: str) -> bytes: ...  # one snapshot from the Catalogue
