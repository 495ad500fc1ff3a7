"""The shape of a snapshot, stated once: JSON schemas of both dialects and the field notes are read from it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class FieldNote:
    """What one member of a snapshot means."""

    path: str  # dotted, [] for each of a list: creator.company.name, users[].name
    meaning: str
    when_null: str  # "" when it never is null nor absent


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A JSON value: one JSON type, or anything when `type` is empty."""

    type: str = ""  # string, number, integer, boolean, object, array
    format: str = ""  # date-time
    choices: tuple[str, ...] = ()
    members: tuple["Member", ...] = ()
    items: "Shape | None" = None


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member of an object, with the words for people."""

    name: str
    shape: Shape
    meaning: str
    null_when: str = ""  # when its value is null; "" = never
    absent_when: str = ""  # when it is left out; "" = never
    opaque: bool = field(default=False)  # its own members are explained elsewhere

    @property
    def when_null(self) -> str:
        """Both ways to be without a value, as one text."""
        absent = f"absent {self.absent_when}" if self.absent_when else ""
        return "; ".join(text for text in (self.null_when, absent) if text)


TEXT = Shape(type="string")
NUMBER = Shape(type="number")
INTEGER = Shape(type="integer")
TRUTH = Shape(type="boolean")
MOMENT = Shape(type="string", format="date-time")
ANYTHING = Shape()


def one_of(*choices: str) -> Shape:
    """One of these texts."""
    return Shape(type="string", choices=choices)


def object_of(*members: Member) -> Shape:
    """An object; members that it does not list may come along."""
    return Shape(type="object", members=members)


def list_of(items: Shape) -> Shape:
    """A list of any length."""
    return Shape(type="array", items=items)


def draft_07(shape: Shape, *, nullable: bool = False) -> dict[str, Any]:
    """JSON schema draft-07; a nullable value is a union of types."""
    made = _plain(shape, draft_07)
    if nullable and shape.type:
        made["type"] = [shape.type, "null"]
        if shape.choices:
            made["enum"] = [*shape.choices, None]
    return made


def power_platform(shape: Shape, *, nullable: bool = False) -> dict[str, Any]:
    """The dialect of Swagger 2 that Power Platform reads; a nullable value says `x-nullable`."""
    made = _plain(shape, power_platform)
    if nullable and shape.type:
        made["x-nullable"] = True
    return made


def notes(shape: Shape, path: str = "") -> Iterator[FieldNote]:
    """Every member below the shape, parents first."""
    if shape.items is not None:
        yield from notes(shape.items, path + "[]")
    for member in shape.members:
        below = f"{path}.{member.name}" if path else member.name
        yield FieldNote(path=below, meaning=member.meaning, when_null=member.when_null)
        if not member.opaque:
            yield from notes(member.shape, below)


def _plain(shape: Shape, render: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"type": shape.type} if shape.type else {}
    if shape.format:
        made["format"] = shape.format
    if shape.choices:
        made["enum"] = list(shape.choices)
    if shape.items is not None:
        made["items"] = render(shape.items)
    if shape.members:
        required = [member.name for member in shape.members if not member.absent_when]
        if required:
            made["required"] = required
        made["properties"] = {
            member.name: {
                **render(member.shape, nullable=bool(member.null_when)),
                "description": member.meaning,
            }
            for member in shape.members
        }
    return made
