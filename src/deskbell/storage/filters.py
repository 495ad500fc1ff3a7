"""Filters to conditions: which way a list walks, and what the other members of the filter add.

A list is a merge of ordered branches. Each branch walks one index in the order of ids: the delivery's own key, or the
index of a subject, replay, state or webhook.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deskbell.model.ids import Prefix, WebhookId
from deskbell.model.instant import Instant
from deskbell.model.query import ChatFilter, DeliveryFilter, EventFilter, TicketFilter
from deskbell.storage.bounds import SLACK_MS, id_bound
from deskbell.storage.words import like_pattern

OPEN_STATES = ("waiting", "gathering")
INDEXED_STATES = frozenset({"waiting", "gathering", "exhausted", "cancelled"})
"""The usual end is left out: most rows have it, so a list of them is found by id."""
BRANCHES_MAX = 20


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What databases word differently in a condition."""

    among: str  # whether a column is in a bound list, `{}` for the list's name
    listed: Callable[[Sequence[str]], Any]  # how a list is bound
    find: str  # the function that finds a text in a text
    like: str  # finds a pattern, ASCII letters in any case
    holds: str | None  # the function that finds any word in any case; None: this program looks for it
    ways: Mapping[str, str]  # deliveries: how to walk an index: key, subject, replay, webhook, or a state's
    states: Mapping[str, str]  # deliveries: the condition that a state's index is walked by


@dataclass
class Conditions:
    """Conditions joined by AND, and their bindings by name."""

    parts: list[str] = field(default_factory=list)
    bindings: dict[str, Any] = field(default_factory=dict)
    way: str = ""  # deliveries: which index to walk

    def add(self, part: str, **bindings: Any) -> None:
        """One more condition."""
        self.parts.append(part)
        self.bindings.update(bindings)

    @property
    def text(self) -> str:
        """What stands after the first condition of a statement."""
        return "".join(f"\n  AND {part}" for part in self.parts)


def _add_times(found: Conditions, prefix: Prefix, column: str, since: Instant | None, until: Instant | None) -> None:
    if since is not None:
        found.add(f"{column} >= :since", since=since)
        found.add("id >= :since_id", since_id=id_bound(prefix, since, -SLACK_MS))
    if until is not None:
        found.add(f"{column} < :until", until=until)
        found.add("id < :until_id", until_id=id_bound(prefix, until, SLACK_MS))


def event_conditions(which: EventFilter) -> Conditions:
    """The conditions of an EventFilter."""
    found = Conditions()
    _add_times(found, "evt", "received_at", which.since, which.until)
    if which.subject is not None:
        found.add("subject_type = :subject_type AND subject_id = :subject_id AND subject_id IS NOT NULL")
        found.bindings.update(subject_type=which.subject[0], subject_id=which.subject[1])
    if which.type is not None and which.type.endswith(".*"):
        found.add("substr(type, 1, :group_size) = :group", group=which.type[:-1], group_size=len(which.type) - 1)
    elif which.type is not None and which.type != "*":
        found.add("type = :type", type=which.type)
    if which.test is not None:
        found.add("test = :test", test=which.test)
    return found


def chat_conditions(which: ChatFilter, dialect: Dialect) -> Conditions:
    """The conditions of a ChatFilter."""
    found = Conditions()
    if which.statuses:
        found.add(_among(dialect, "status", "statuses"), statuses=dialect.listed(which.statuses))
    if which.creator_id is not None:
        found.add("creator_id = :creator_id", creator_id=which.creator_id)
    if which.reference_id is not None:
        found.add("reference_id = :reference_id", reference_id=which.reference_id)
    return found


def ticket_conditions(which: TicketFilter) -> Conditions:
    """The conditions of a TicketFilter, but for its words."""
    found = Conditions()
    if which.contact_id is not None:
        found.add("contact_id = :contact_id", contact_id=which.contact_id)
    if which.closed is not None:
        found.add("is_closed = :is_closed", is_closed=which.closed)
    return found


def delivery_branches(which: DeliveryFilter, dialect: Dialect) -> tuple[Conditions, ...]:
    """One or more sets of conditions, disjoint, that together are the filter."""
    says, paths = _paths(which, dialect)
    rest = Conditions()
    _add_times(rest, "dlv", "created_at", which.since, which.until)
    _add_plain(rest, which, dialect, says)
    for number, word in enumerate(which.words):
        if is_word_of_database(word, dialect):
            _add_word(rest, number, word, webhooks_of_word(which, number), dialect)
    return tuple(
        Conditions(parts=[*path.parts, *rest.parts], bindings={**rest.bindings, **path.bindings}, way=path.way)
        for path in paths
    )


def is_word_of_database(word: str, dialect: Dialect) -> bool:
    """Whether the database can look for the word; any case of other letters than ASCII is not known to all."""
    return word.isascii() or dialect.holds is not None


def webhooks_of_word(which: DeliveryFilter, number: int) -> tuple[WebhookId, ...]:
    """The webhooks whose description or host has a word of the filter."""
    return which.word_webhooks[number] if number < len(which.word_webhooks) else ()


def _paths(which: DeliveryFilter, dialect: Dialect) -> tuple[str, list[Conditions]]:
    """The leading conditions: each makes one index the way to walk; and the member of the filter that they express.

    What a path says is not said again: PostgreSQL before 17 does not walk an index in order for both.
    """
    if which.subject is not None:
        kind, key = which.subject
        part = "subject_type = :subject_type AND subject_id = :subject_id AND subject_id IS NOT NULL"
        return "subject", [_path(dialect, "subject", part, subject_type=kind, subject_id=key)]
    if which.replay_id is not None:
        return "replay_id", [_path(dialect, "replay", "replay_id = :replay", replay=which.replay_id)]
    states = OPEN_STATES if which.held else tuple(dict.fromkeys(which.states))
    if states and INDEXED_STATES.issuperset(states):
        paths = [_path(dialect, state, dialect.states[state]) for state in states]
        return "" if which.held else "states", paths
    webhooks = tuple(dict.fromkeys(which.webhook_ids))
    if 0 < len(webhooks) <= BRANCHES_MAX:
        return "webhook_ids", [_path(dialect, "webhook", "webhook_id = :webhook", webhook=one) for one in webhooks]
    return "", [_path(dialect, "key", "")]


def _path(dialect: Dialect, way: str, part: str, **bindings: Any) -> Conditions:
    return Conditions(parts=[part] if part else [], bindings=bindings, way=dialect.ways[way])


def _among(dialect: Dialect, column: str, name: str) -> str:
    return f"{column} {dialect.among.format(':' + name)}"


def _add_plain(found: Conditions, which: DeliveryFilter, dialect: Dialect, said: str) -> None:
    listed = dialect.listed
    if which.webhook_ids and said != "webhook_ids":
        found.add(_among(dialect, "webhook_id", "webhooks"), webhooks=listed(which.webhook_ids))
    if which.states and said != "states":
        found.add(_among(dialect, "state", "states"), states=listed(which.states))
    if which.held is not None:
        held = f"(state IN ('waiting', 'gathering') AND {_among(dialect, 'webhook_id', 'held')})"
        found.add(held if which.held else f"NOT {held}", held=listed(which.held_webhooks))
    if which.event_type is not None and which.event_type.endswith(".*"):
        found.add(f"{dialect.find}(' ' || event_types, :type) > 0", type=f" {which.event_type[:-1]}")
    elif which.event_type is not None and which.event_type != "*":
        found.add(f"{dialect.find}(' ' || event_types || ' ', :type) > 0", type=f" {which.event_type} ")
    if which.replay_id is not None and said != "replay_id":
        found.add("replay_id = :replay", replay=which.replay_id)
    if which.due_before is not None:
        found.add("due_at < :due_before", due_before=which.due_before)


_WORD_COLUMNS = ("subject_title", "subject_id", "id", "last_outcome", "event_types", "event_ids")


def _add_word(found: Conditions, number: int, word: str, webhooks: tuple[str, ...], dialect: Dialect) -> None:
    if word.isascii():
        found.bindings[f"word{number}"] = like_pattern(word)
        parts = [f"{column} {dialect.like} :word{number} ESCAPE '\\'" for column in _WORD_COLUMNS]
    else:
        found.bindings[f"word{number}"] = word
        parts = [f"{dialect.holds}(:word{number}, {', '.join(_WORD_COLUMNS)})"]
    if webhooks:
        found.bindings[f"webhooks{number}"] = dialect.listed(webhooks)
        parts.append(_among(dialect, "webhook_id", f"webhooks{number}"))
    found.add(f"({' OR '.join(parts)})")
