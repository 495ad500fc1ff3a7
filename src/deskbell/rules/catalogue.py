"""The Catalogue: every event type with its words, samples and schemas. Portal, API, docs and tests read it here."""

import difflib
from dataclasses import dataclass, replace

from deskbell.rules import catalogue_words
from deskbell.rules.samples import SAMPLE_NAMES, sample, sample_head
from deskbell.rules.schemas import SEED_NOTE, check_against, schema
from deskbell.rules.schemas_shape import FieldNote
from deskbell.rules.schemas_types import field_notes

__all__ = [
    "CATALOGUE", "GROUPS", "SAMPLE_NAMES", "SEED_NOTE", "EventType", "FieldNote", "check_against", "find", "in_group",
    "nearest", "sample", "sample_head", "schema",
]  # fmt: skip

GROUPS = ("chat", "ticket", "custom", "system", "test")
"""In the order in which they are shown."""

ANY_CUSTOM = "custom.example"
"""Stands in the list for every `custom.<name>`."""


@dataclass(frozen=True, kw_only=True)
class EventType:
    """One event type as people read about it."""

    name: str
    group: str  # chat, ticket, custom, system, test
    title: str  # two to four words
    description: str  # what its snapshot carries
    fires_when: str

    @property
    def fields(self) -> tuple[FieldNote, ...]:
        """Every member of its snapshot: path, meaning, and when it is null or absent."""
        return field_notes(self.name)


CATALOGUE: tuple[EventType, ...] = tuple(
    EventType(
        name=name,
        group=group,
        title=title,
        description=catalogue_words.DESCRIPTIONS.get(name, catalogue_words.DESCRIPTIONS[group]),
        fires_when=fires_when,
    )
    for group, name, title, fires_when in catalogue_words.TYPES
)
"""In the order of the wire contract, group by group."""


def find(name: str) -> EventType | None:
    """The event type of this name; any `custom.<name>` is known, declared or not."""
    for one in CATALOGUE:
        if one.name == name:
            return one
    if name.startswith("custom.") and len(name) > len("custom."):
        any_custom = next(one for one in CATALOGUE if one.name == ANY_CUSTOM)
        return replace(any_custom, name=name, title=name.removeprefix("custom."))
    return None


def in_group(group: str) -> tuple[EventType, ...]:
    """The event types of a group, in order."""
    return tuple(one for one in CATALOGUE if one.group == group)


def nearest(name: str) -> tuple[str, ...]:
    """Up to three names that are spelt most like this one, the nearest first; empty when none is near."""
    names = [one.name for one in CATALOGUE if one.name != ANY_CUSTOM]
    close = difflib.get_close_matches(name.lower()[:128], names, n=3, cutoff=0.6)
    if close:
        return tuple(close)
    last = name.lower().rpartition(".")[2][:128]
    by_verb = {one.partition(".")[2]: one for one in names}
    return tuple(by_verb[verb] for verb in difflib.get_close_matches(last, list(by_verb), n=3, cutoff=0.7))
