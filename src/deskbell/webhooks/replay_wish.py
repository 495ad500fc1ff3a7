"""What a person asks a replay for, checked: every fault at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from deskbell.model.errors import Conflict, FaultAt, Invalid
from deskbell.model.ids import WebhookId
from deskbell.model.instant import Instant
from deskbell.model.replay import Choice
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.rules.event_types import check_choice
from deskbell.rules.limits import Limits
from deskbell.rules.replaying import EVERYTHING, STATES, expanded

WORDS_MAX = 20
RATE_MIN = 0.01


@dataclass(frozen=True, kw_only=True)
class Wish:
    """As it came in."""

    states: Sequence[str]  # exhausted, missed …, or everything
    webhook_ids: Sequence[str] = ()  # none: every webhook that can send
    since: Instant | None = None
    until: Instant | None = None
    event_types: Sequence[str] = ()
    text: str = ""
    rate_per_second: float | None = None


def chosen(wish: Wish, webhooks: Sequence[Webhook], now: Instant, limits: Limits) -> Choice:
    """The choice, closed: it names its webhooks and ends by now. Raises Invalid, or Conflict for one that is out."""
    words = tuple(wish.text.lower().split())
    faults = [
        *_states(wish),
        *_webhooks(wish, webhooks),
        *_range(wish),
        *(
            FaultAt(pointer=f"/eventTypes/{n}", code="event_type_form", detail=f"{one!r} is no event type or group.")
            for n, one in enumerate(wish.event_types)
            if check_choice(one) is not None
        ),
        *_rate(wish, limits),
    ]
    if len(words) > WORDS_MAX or len(wish.text) > limits.text_chars_max:
        faults.append(FaultAt(pointer="/text", code="text_long", detail=f"Use at most {WORDS_MAX} words."))
    if faults:
        raise Invalid("This replay cannot be made as asked.", faults=tuple(faults))
    return Choice(
        webhook_ids=_able(wish, webhooks),
        states=expanded(wish.states),
        since=wish.since,
        until=now if wish.until is None else min(wish.until, now),
        event_types=tuple(dict.fromkeys(wish.event_types)),
        words=words,
    )


def _states(wish: Wish) -> list[FaultAt]:
    known = (*STATES, EVERYTHING)
    detail = f"Choose from {', '.join(known)}."
    if not wish.states:
        return [FaultAt(pointer="/states", code="missing", detail=detail)]
    return [
        FaultAt(pointer=f"/states/{n}", code="choice", detail=f"There is no state {one!r}. {detail}")
        for n, one in enumerate(wish.states)
        if one not in known
    ]


def _webhooks(wish: Wish, webhooks: Sequence[Webhook]) -> list[FaultAt]:
    known = {one.id for one in webhooks}
    return [
        FaultAt(pointer=f"/webhookIds/{n}", code="unknown", detail="There is no such webhook on this site.")
        for n, one in enumerate(wish.webhook_ids)
        if one not in known
    ]


def _range(wish: Wish) -> list[FaultAt]:
    if wish.since is None or wish.until is None or wish.since < wish.until:
        return []
    return [FaultAt(pointer="/until", code="range", detail="The time must end after it begins.")]


def _rate(wish: Wish, limits: Limits) -> list[FaultAt]:
    if wish.rate_per_second is None or RATE_MIN <= wish.rate_per_second <= limits.replay_rate_max:
        return []
    detail = f"Use {RATE_MIN:g} to {limits.replay_rate_max:,.0f} per second, or leave it out."
    return [FaultAt(pointer="/ratePerSecond", code="range", detail=detail)]


def _able(wish: Wish, webhooks: Sequence[Webhook]) -> tuple[WebhookId, ...]:
    """Those that were named must be able to send; else every one that is."""
    out = {WebhookState.DISABLED: "Enable it first.", WebhookState.DELETED: "Restore it first."}
    named = set(wish.webhook_ids)
    for one in webhooks:
        if one.id in named and one.state in out:
            raise Conflict(
                f"The webhook “{one.description}” is {one.state.value}. {out[one.state]}", reason=one.state.value
            )
    return tuple(one.id for one in webhooks if one.state not in out and (not named or one.id in named))
