"""The form of a replay: what was typed, and what it asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.instant import Instant, from_seconds, plus
from deskbell.model.query import DeliveryFilter
from deskbell.portal.page import PageAsk, zone_name
from deskbell.portal.words import zone_of
from deskbell.webhooks import Wish

STATES = (
    ("exhausted", "Exhausted", "all attempts failed"),
    ("missed", "Missed while webhooks were off", "recorded, no delivery was made"),
    ("cancelled", "Cancelled", "stopped by hand, or with a deleted webhook"),
    ("arrived", "Delivered and accepted", "the receiver lost them, or should do the work again"),
    ("disabled", "Missed while the webhook was disabled", "recorded, no delivery was made"),
    ("filtered", "Kept out by the webhook’s filter", "it did not want them then"),
)
"""What can be chosen: name, words, what it means."""
SINCE = (
    ("", "Any time that is kept"),
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
    ("failure", "Since the first failure"),
    ("between", "Between two times"),
)
FIELD_OF = MappingProxyType(
    {
        "states": "state",
        "webhookIds": "webhook",
        "since": "from",
        "until": "to",
        "eventTypes": "type",
        "text": "q",
        "ratePerSecond": "rate",
    }
)
"""Members of the API: fields of the form."""
LABELS = MappingProxyType(
    {"state": "Which", "webhook": "Webhook", "from": "From", "to": "To", "type": "Event types", "rate": "Rate"}
)
_SECONDS = MappingProxyType({"1h": 3_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000})


@dataclass(frozen=True, kw_only=True)
class Typed:
    """As it was typed. Lists come separated by commas."""

    texts: Mapping[str, str]

    def text(self, name: str) -> str:
        """One field."""
        return self.texts.get(name, "")

    def many(self, name: str) -> tuple[str, ...]:
        """A field that may hold several values."""
        return tuple(one for one in self.text(name).replace(" ", ",").split(",") if one)

    @property
    def states(self) -> tuple[str, ...]:
        """What was chosen; exhausted ones when the form is fresh."""
        return self.many("state") if self.texts else ("exhausted",)


async def wish_of(ask: PageAsk, typed: Typed) -> Wish:
    """What the form asks for. Raises Invalid for a time or a number that is none."""
    since, until = await _range(ask, typed)
    return Wish(
        states=[api for one in typed.states for api in (("delivered", "accepted") if one == "arrived" else (one,))],
        webhook_ids=typed.many("webhook"),
        since=since,
        until=until,
        event_types=typed.many("type"),
        text=typed.text("q"),
        rate_per_second=_rate(typed.text("rate")),
    )


async def _range(ask: PageAsk, typed: Typed) -> tuple[Instant | None, Instant | None]:
    choice = typed.text("since")
    if choice in _SECONDS:
        return plus(ask.rooms.clock.now(), -_SECONDS[choice]), None
    if choice == "failure":
        return await first_failure(ask, typed.many("webhook")), None
    if choice == "between":
        return _moment(ask, typed.text("from"), "/since"), _moment(ask, typed.text("to"), "/until")
    return None, None


async def first_failure(ask: PageAsk, webhook_ids: Sequence[str]) -> Instant | None:
    """Since when something did not arrive: the present run of failures, or the oldest exhausted delivery."""
    chosen = set(webhook_ids)
    found = [
        row.first_failure_at
        for row in await ask.rooms.store.webhooks.health(ask.site)
        if row.first_failure_at is not None and (not chosen or row.webhook_id in chosen)
    ]
    which = DeliveryFilter(webhook_ids=tuple(chosen), states=("exhausted",))  # type: ignore[arg-type]  # ids are texts
    oldest = await ask.rooms.store.deliveries.page(ask.site, which, "", 1, newer=True)
    return min([*found, *(row.created_at for row in oldest)], default=None)


def _moment(ask: PageAsk, text: str, pointer: str) -> Instant | None:
    """A time of a date field, in the time zone of the browser."""
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=zone_of(zone_name(ask)))
    except ValueError:
        fault = FaultAt(pointer=pointer, code="time", detail="This is not a date and time.")
        raise Invalid(fault.detail, faults=(fault,)) from None
    return from_seconds(local.timestamp())


def _rate(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        fault = FaultAt(pointer="/ratePerSecond", code="number", detail="Use a number, such as 5 or 0.5.")
        raise Invalid(fault.detail, faults=(fault,)) from None
