"""What the webhooks room needs of a receiver kind: a word about its settings, and how its payload looks."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from deskbell.model.rendering import Frozen, Rendered
from deskbell.rules.limits import Limits


class Finding(Protocol):
    """What a kind says about one of its settings."""

    @property
    def level(self) -> str: ...  # refuse, warn
    @property
    def field(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def text(self) -> str: ...


class Kind(Protocol):
    """The part of a receiver kind that is asked on save and for a preview."""

    @property
    def signed(self) -> bool: ...  # takes signature, deskbell-* and own headers, and credentials
    def check(self, settings: Mapping[str, Any]) -> Sequence[Finding]: ...
    def render(self, frozen: Frozen, limits: Limits) -> Rendered: ...
