"""The failures of a webhook since its last success, as far as they count towards disabling it."""

from dataclasses import dataclass

from deskbell.model.ids import EventId
from deskbell.model.instant import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """Nothing while the last attempt that counts arrived."""

    since: Instant | None = None  # the first failure
    attempts: int = 0
    events: tuple[EventId, ...] = ()  # of how many events, up to as many as the rule asks for
    warned: int = 0  # how many of the warnings were given


NOT_FAILING = Failing()
