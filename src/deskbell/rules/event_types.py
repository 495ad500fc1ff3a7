"""The grammar of event types, and what a webhook's choice of them covers."""

import re

_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){1,3}", re.ASCII)
_GROUP = re.compile(r"[a-z][a-z0-9_]*\.\*", re.ASCII)
_CHARS_MAX = 128
NOT_IN_ALL = frozenset({"webhook", "delivery", "test"})
"""First segments of the system and test groups: `*` does not cover them."""


def check_event_type(text: str) -> str | None:
    """`event_type_form` unless the text has the form of an event's type."""
    return None if len(text) <= _CHARS_MAX and _TYPE.fullmatch(text) else "event_type_form"


def check_choice(text: str) -> str | None:
    """`event_type_form` unless a webhook can choose this: a type, a group such as `chat.*`, or `*`."""
    if text == "*" or (len(text) <= _CHARS_MAX and _GROUP.fullmatch(text)):
        return None
    return check_event_type(text)


def group_of(event_type: str) -> str:
    """The first segment."""
    return event_type.partition(".")[0]


def matches(choice: str, event_type: str) -> bool:
    """Whether a webhook's choice covers an event type."""
    if choice == "*":
        return group_of(event_type) not in NOT_IN_ALL
    if choice.endswith(".*"):
        return event_type.startswith(choice[:-1])
    return choice == event_type
