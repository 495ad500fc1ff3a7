"""What the engine needs of a receiver kind: render once, then judge each reply."""

from typing import Protocol

from deskbell.model.exchange import Outcome, Reply
from deskbell.model.instant import Instant
from deskbell.model.rendering import Frozen, Rendered
from deskbell.rules.limits import Limits


class Kind(Protocol):
    """The part of a receiver kind that the engine calls; pure."""

    @property
    def signed(self) -> bool: ...  # takes signature, deskbell-* and own headers
    def render(self, frozen: Frozen, limits: Limits) -> Rendered: ...
    def classify(self, reply: Reply, now: Instant, limits: Limits) -> Outcome: ...
