"""What a replay sends again: decided page by page from stored rows, so that a count and a run agree.

A replay walks twice, by id, oldest first: over deliveries that have ended, and over events that made none. Of several
deliveries that carry the same event to the same webhook the newest speaks for that event; so each event goes to each
webhook at most once, whatever was sent by hand before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from deskbell.model.delivery import ENDED, Delivery, DeliveryState
from deskbell.model.event import Event
from deskbell.model.ids import DeliveryId, EventId, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.replay import Choice
from deskbell.rules.event_types import matches
from deskbell.rules.words import holds_word

OF_DELIVERIES = tuple(state.value for state in DeliveryState if state in ENDED)
"""States of deliveries that can be chosen: each begins its schedule anew."""

OF_EVENTS = MappingProxyType({"missed": ("off",), "disabled": ("disabled",), "filtered": ("filter", "fields")})
"""And of events that made no delivery, with the reasons that their trace gives: each gets a new one."""

EVERYTHING = "everything"
STATES = (*OF_DELIVERIES, *OF_EVENTS)
_ALL_WANTED = tuple(state for state in STATES if state != "filtered")

Pair = tuple[WebhookId, EventId]


@dataclass(frozen=True, kw_only=True)
class Again:
    """This delivery begins its schedule anew: same id, same bytes."""

    delivery: Delivery

    @property
    def webhook_id(self) -> WebhookId:
        """Where it goes."""
        return self.delivery.webhook_id


@dataclass(frozen=True, kw_only=True)
class Anew:
    """These events get a new delivery, with the webhook as it is now."""

    webhook_id: WebhookId
    events: tuple[Event, ...]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing to do, and the key after which a walk goes on once it is done."""

    done_to: str
    what: Again | Anew


def expanded(states: Sequence[str]) -> tuple[str, ...]:
    """The chosen states, `everything` spelled out: all that has ended, and all that would have been sent."""
    return _ALL_WANTED if EVERYTHING in states else tuple(one for one in STATES if one in states)


def delivery_states(choice: Choice) -> tuple[str, ...]:
    """The chosen states of deliveries."""
    return tuple(state for state in choice.states if state in OF_DELIVERIES)


def event_states(choice: Choice) -> tuple[str, ...]:
    """The chosen states of events without a delivery."""
    return tuple(state for state in choice.states if state in OF_EVENTS)


def newest(carrying: Iterable[Delivery]) -> dict[Pair, DeliveryId]:
    """For each event and webhook the delivery that speaks for it; tests speak for nothing."""
    found: dict[Pair, DeliveryId] = {}
    for row in carrying:
        for event_id in row.event_ids:
            pair = (row.webhook_id, event_id)
            if not row.test and row.id > found.get(pair, ""):
                found[pair] = row.id
    return found


def of_deliveries(
    choice: Choice,
    *,
    ended_by: Instant,
    rows: Sequence[Delivery],
    events: Mapping[EventId, Event],
    speaking: Mapping[Pair, DeliveryId],
) -> list[Item]:
    """What follows from a page of deliveries. What ended later, as a part of this very run, is not taken again."""
    items = []
    for row in rows:
        own = [events[one] for one in row.event_ids if one in events]
        ended = row.ended_at is not None and row.ended_at <= ended_by
        if not ended or row.test or not _is_chosen(choice, row) or not _can_be_sent(row, own):
            continue
        mine = tuple(one for one in own if speaking.get((row.webhook_id, one.id)) == row.id)
        if not any(_is_meant(choice, one) for one in mine):
            continue
        whole = len(mine) == len(own)
        what = Again(delivery=row) if whole else Anew(webhook_id=row.webhook_id, events=mine)
        items.append(Item(done_to=row.id, what=what))
    return items


def of_events(
    choice: Choice,
    *,
    after: str,
    events: Sequence[Event],
    speaking: Mapping[Pair, DeliveryId],
    names: Mapping[WebhookId, str],
) -> list[Item]:
    """What follows from a page of events. `names` is what words are looked for in, of each webhook.

    An event with several webhooks is done with the last of them: a walk that stops before comes by it once more, and
    finds that the others have their delivery.
    """
    items: list[Item] = []
    for event in events:
        wanted = [one for one in wants(choice, event) if (one, event.id) not in speaking]
        found = [one for one in wanted if _has_words(choice, event, names.get(one, ""))]
        for number, webhook_id in enumerate(found, 1):
            done_to = event.id if number == len(found) else after
            items.append(Item(done_to=done_to, what=Anew(webhook_id=webhook_id, events=(event,))))
        after = event.id
    return items


def wants(choice: Choice, event: Event) -> list[WebhookId]:
    """The chosen webhooks that got nothing of this event for a chosen reason, as its trace says."""
    if event.test or event.is_erased or not _is_meant(choice, event):
        return []
    reasons = {reason for state in event_states(choice) for reason in OF_EVENTS[state]}
    return [
        entry.webhook_id
        for entry in event.trace
        if entry.webhook_id in choice.webhook_ids and entry.reason.partition(":")[0] in reasons
    ]


def _is_chosen(choice: Choice, row: Delivery) -> bool:
    return row.webhook_id in choice.webhook_ids and row.state.value in choice.states


def _can_be_sent(row: Delivery, own: Sequence[Event]) -> bool:
    return len(own) == len(row.event_ids) and not any(one.is_erased for one in own)


def _is_meant(choice: Choice, event: Event) -> bool:
    late = choice.until is not None and event.received_at >= choice.until
    early = choice.since is not None and event.received_at < choice.since
    is_type = not choice.event_types or any(matches(one, event.type) for one in choice.event_types)
    return is_type and not late and not early


def _has_words(choice: Choice, event: Event, name: str) -> bool:
    title, subject_id = (event.subject.title, event.subject.id) if event.subject else (None, None)
    return all(holds_word((title, subject_id, event.id, event.type, name), word) for word in choice.words)
