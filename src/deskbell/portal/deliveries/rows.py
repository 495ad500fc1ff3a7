"""The list of deliveries: filters from the URL, one page by cursor, and each row as people see it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from deskbell.model.delivery import Attempt, Delivery
from deskbell.model.ids import WebhookId
from deskbell.model.instant import plus
from deskbell.model.query import DeliveryFilter
from deskbell.model.site import Site
from deskbell.model.webhook import Webhook, WebhookState
from deskbell.portal.page import PageAsk
from deskbell.portal.states import Shown, delivery_state, held_why, outcome_text, outcome_tone

PAGE_SIZES = ("25", "50", "100")
COUNT_MAX = 10_000
SEGMENTS: Mapping[str, tuple[str, ...]] = {
    "": (),
    "arrived": ("delivered", "accepted"),
    "waiting": ("waiting", "gathering"),
    "held": ("waiting", "gathering"),
    "exhausted": ("exhausted",),
}
"""The segments of the filter, with the states they stand for."""
SINCE = {"1h": 3_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One delivery in the list."""

    delivery: Delivery
    webhook: Webhook | None
    state: Shown
    outcome: str
    outcome_tone: str
    took_ms: float | None

    @property
    def title(self) -> str:
        """What it is about."""
        return title_of(self.delivery)

    @property
    def type(self) -> str:
        """Its event type, or how many events it carries."""
        count = len(self.delivery.event_ids)
        return self.delivery.event_types[0] if count == 1 else f"{count} events"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What rows are judged by."""

    site: Site | None
    webhooks: Mapping[str, Webhook]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A page of the list."""

    rows: Sequence[Row]
    text: str
    state: str
    webhook: str
    replay: str
    since: str
    limit: int
    count: int
    webhooks: Sequence[Webhook]
    newer: str  # query of the page before, or nothing
    older: str
    is_first: bool
    is_filtered: bool

    @property
    def is_live(self) -> bool:
        """Live is for the first page without search text."""
        return self.is_first and not self.text

    def query(self, **changed: str) -> str:
        """These filters as a query, with some of them changed; empty ones are left out."""
        given = {"q": self.text, "state": self.state, "webhook": self.webhook, "replay": self.replay}
        given |= {"since": self.since, **changed}
        if self.limit != int(PAGE_SIZES[1]):
            given["limit"] = str(self.limit)
        kept = {name: value for name, value in given.items() if value and (name, value) != ("since", "24h")}
        return f"?{urlencode(kept)}" if kept else ""


def title_of(delivery: Delivery) -> str:
    """`#48213 Approve: design licence`, `Chat printer`, or the event types."""
    subject = delivery.subject
    if subject is None:
        return ", ".join(delivery.event_types) or delivery.id
    mark = f"#{subject.id}" if subject.type == "ticket" else f"{subject.type.capitalize()} {subject.id}"
    return f"{mark} {subject.title}" if subject.title and subject.title != subject.id else mark


async def surroundings(ask: PageAsk) -> Surroundings:
    """The site and its webhooks."""
    store = ask.rooms.store
    webhooks: dict[str, Webhook] = {one.id: one for one in await store.webhooks.all(ask.site)}
    return Surroundings(site=await store.sites.get(ask.site), webhooks=webhooks)


def filter_of(ask: PageAsk, around: Surroundings) -> DeliveryFilter:
    """The filters of the URL as a question to the store."""
    state = ask.query.get("state", "")
    words = tuple(word for one in ask.query.get("q", "").lower().split() if (word := one.removeprefix("#")))
    held = tuple(WebhookId(one.id) for one in around.webhooks.values() if held_why(around.site, one))
    webhook = ask.query.get("webhook")
    since_s = SINCE.get(ask.query.get("since", "24h"), SINCE["24h"])
    return DeliveryFilter(
        webhook_ids=(WebhookId(webhook),) if webhook else (),
        states=SEGMENTS[state],
        held={"held": True, "waiting": False}.get(state),
        held_webhooks=held,
        since=plus(ask.rooms.clock.now(), -since_s),
        replay_id=ask.query.get("replay"),
        words=words,
        word_webhooks=tuple(webhooks_with(word, around.webhooks.values()) for word in words),
    )


def webhooks_with(word: str, webhooks: Iterable[Webhook]) -> tuple[WebhookId, ...]:
    """The webhooks whose description or host has this word."""
    return tuple(one.id for one in webhooks if word in f"{one.description} {one.receiver_url.host}".lower())


async def load(ask: PageAsk) -> Listing:
    """The page that the URL asks for."""
    around = await surroundings(ask)
    which = filter_of(ask, around)
    limit = ask.number("limit", int(PAGE_SIZES[1]))
    before, after = ask.query.get("older"), ask.query.get("newer")
    store = ask.rooms.store.deliveries
    found = await store.page(ask.site, which, after or before, limit + 1, newer=bool(after))
    more = len(found) > limit
    shown = found[-limit:] if after and more else found[:limit]
    has_newer = more if after else bool(before)
    has_older = bool(after) or more
    listing = Listing(
        rows=await rows_of(ask, shown, around),
        text=ask.query.get("q", ""),
        state=ask.query.get("state", ""),
        webhook=ask.query.get("webhook", ""),
        replay=ask.query.get("replay", ""),
        since=ask.query.get("since", "24h"),
        limit=limit,
        count=await store.count(ask.site, which, COUNT_MAX + 1),
        webhooks=[one for one in around.webhooks.values() if one.state is not WebhookState.DELETED],
        newer="",
        older="",
        is_first=not before and not has_newer,
        is_filtered=any(name in ask.query for name in ("q", "state", "webhook", "replay", "since")),
    )
    return replace(
        listing,
        newer=listing.query(newer=shown[0].id) if shown and has_newer else "",
        older=listing.query(older=shown[-1].id) if shown and has_older else "",
    )


async def rows_of(ask: PageAsk, deliveries: Sequence[Delivery], around: Surroundings) -> list[Row]:
    """Deliveries as rows, with the time that the last attempt of each took."""
    last: dict[str, Attempt] = {}
    if deliveries:
        attempts = await ask.rooms.store.deliveries.last_attempts(ask.site, [one.id for one in deliveries])
        last = {one.delivery_id: one for one in attempts}
    waits_for = await ask.rooms.engine.waits_for(deliveries)
    return [row_of(ask, one, around, last.get(one.id), waits_for.get(one.id)) for one in deliveries]


def row_of(
    ask: PageAsk, delivery: Delivery, around: Surroundings, last: Attempt | None, before: Delivery | None = None
) -> Row:
    """One row; `before` is what it waits for."""
    webhook = around.webhooks.get(delivery.webhook_id)
    sending = ask.rooms.engine.is_sending(delivery)
    return Row(
        delivery=delivery,
        webhook=webhook,
        state=delivery_state(delivery, around.site, webhook, sending=sending, before=before),
        outcome=outcome_text(delivery.last_outcome, delivery.last_status),
        outcome_tone=outcome_tone(delivery.last_outcome, delivery.last_status, delivery.state),
        took_ms=last.timing.total_ms if last else None,
    )
