"""The event types that a webhook chooses: form, and whether they exist."""

from collections.abc import Iterator

from deskbell.model.errors import FaultAt
from deskbell.rules.catalogue import CATALOGUE, find, nearest
from deskbell.rules.event_types import check_choice, group_of
from deskbell.rules.limits import Limits
from deskbell.webhooks.spec import POINTERS

GROUPS_TO_COME = frozenset({"approval", "form", "survey"})
"""Groups of the contract whose events do not happen yet: a webhook may choose them for the future."""


def check_types(choices: tuple[str, ...], limits: Limits) -> Iterator[FaultAt]:
    """Between 1 and the limit, each of the right form and known; the nearest names are offered."""
    pointer = POINTERS["event_types"]
    if not choices:
        yield FaultAt(pointer=pointer, code="event_type_count", detail="Choose at least one event type.")
    if len(choices) > limits.event_types_max:
        detail = f"Choose at most {limits.event_types_max} event types; a group such as chat.* covers many."
        yield FaultAt(pointer=pointer, code="event_type_count", detail=detail)
        return
    for place, choice in enumerate(choices):
        if check_choice(choice) is not None:
            detail = "An event type looks like chat.created; a group like chat.*; * means all."
            yield FaultAt(pointer=f"{pointer}/{place}", code="event_type_form", detail=detail)
        elif not _is_known(choice):
            yield FaultAt(pointer=f"{pointer}/{place}", code="event_type_unknown", detail=_unknown(choice))


def _is_known(choice: str) -> bool:
    if choice == "*":
        return True
    if choice.endswith(".*"):
        return group_of(choice) in {group_of(one.name) for one in CATALOGUE} | GROUPS_TO_COME
    return find(choice) is not None


def _unknown(choice: str) -> str:
    near = nearest(choice)
    hint = f" Did you mean {' or '.join(near)}?" if near else " See /api/v1/event-types."
    return f"There is no event type {choice}.{hint}"
