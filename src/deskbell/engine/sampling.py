"""Drafts made from the Catalogue's samples, with single members replaced."""

from collections.abc import Mapping
from typing import Any

import msgspec

from deskbell.model.draft import Draft
from deskbell.model.errors import FaultAt, Invalid
from deskbell.model.event import Subject
from deskbell.model.ids import EventId, SiteId
from deskbell.model.instant import Instant
from deskbell.model.people import Actor
from deskbell.rules.catalogue import find, nearest
from deskbell.rules.event_types import NOT_IN_ALL, group_of
from deskbell.rules.samples import SAMPLE_NAMES, sample


def sample_draft(
    site: SiteId,
    event_type: str,
    sample_name: str,
    overrides: Mapping[str, Any],
    *,
    by: Actor,
    at: Instant,
    event_id: EventId,
    declared: str | None = None,
) -> Draft:
    """A draft marked as a test. `declared` is the sample of a declared custom type, JSON text of `data`.

    Raises Invalid for an unknown type, sample or place. For custom types the places are those of
    `data`, with or without `data.` in front.
    """
    members, meta = read_sample(site, event_type, sample_name)
    group = group_of(event_type)
    custom = group == "custom"
    if custom and declared is not None:
        members["data"] = msgspec.json.decode(declared.encode())
    if group in NOT_IN_ALL:
        members["id"] = event_id
    for path, value in overrides.items():
        if custom:
            put(members["data"], path.removeprefix("data."), value)
        else:
            put(members, path, value)
    changes = members.get("changes")
    return Draft(
        id=event_id,
        type=event_type,
        by=by,
        occurred_at=at,
        head=None if custom else msgspec.json.encode(members)[:-1],
        data=msgspec.json.encode(members["data"]) if custom else None,
        subject=subject_of(group, members),
        sequence=meta.get("sequence"),
        changed=tuple(changes) if isinstance(changes, dict) else None,
        test=True,
    )


def read_sample(site: SiteId, event_type: str, sample_name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The sample's members without `meta`, and its `meta`. Raises Invalid when there is no such sample."""
    if find(event_type) is None:
        raise Invalid(faults=(_unknown(event_type),), reason="event_type_unknown")
    if sample_name not in SAMPLE_NAMES:
        detail = f"There is no sample {sample_name!r}; choose one of {', '.join(SAMPLE_NAMES)}."
        raise Invalid(faults=(FaultAt(pointer="/sample", code="sample_unknown", detail=detail),))
    members = msgspec.json.decode(sample(event_type, sample_name, site=site))
    return members, members.pop("meta", {})


def put(members: Any, path: str, value: Any) -> None:
    """Set one member by its dotted path (`users.0.name`). Raises Invalid when the way to it does not exist."""
    place, steps = members, path.split(".")
    try:
        for step in steps[:-1]:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if isinstance(place, list):
            place[int(steps[-1])] = value
        elif isinstance(place, dict) and steps[-1]:
            place[steps[-1]] = value
        else:
            raise KeyError(path)
    except (KeyError, IndexError, ValueError, TypeError):
        detail = f"The sample has no place {path!r}. Look at the sample, and write members separated by dots."
        raise Invalid(faults=(FaultAt(pointer=f"/set/{path}", code="path_unknown", detail=detail),)) from None


def subject_of(group: str, members: Mapping[str, Any]) -> Subject | None:
    """What a sample is about: its chat or ticket."""
    if group not in ("chat", "ticket"):
        return None
    title = members.get("name" if group == "chat" else "title")
    return Subject(type=group, id=str(members["id"]), title=title if isinstance(title, str) else None)


def _unknown(event_type: str) -> FaultAt:
    near = nearest(event_type)
    hint = f" Did you mean {', '.join(near)}?" if near else " See the Catalogue."
    return FaultAt(pointer="/type", code="event_type_unknown", detail=f"There is no event type {event_type!r}.{hint}")
