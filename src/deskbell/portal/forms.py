"""Reading posted forms, and showing refusals at the fields they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deskbell.model.errors import FaultAt


@dataclass(frozen=True, kw_only=True)
class Fields:
    """A posted form. Empty fields count as absent."""

    values: Mapping[str, Sequence[str]]

    def text(self, name: str, default: str = "") -> str:
        """The first value, without spaces around it."""
        return (self.values.get(name) or [default])[0].strip()

    def raw(self, name: str) -> str:
        """The first value as typed: passwords, notes."""
        return (self.values.get(name) or [""])[0]

    def given(self, name: str) -> str | None:
        """The first value, None when it is empty."""
        return self.text(name) or None

    def many(self, name: str) -> tuple[str, ...]:
        """Every value that is not empty."""
        return tuple(one for one in self.values.get(name, ()) if one)

    def flag(self, name: str) -> bool:
        """Whether a checkbox was on."""
        return bool(self.text(name))

    def whole(self, name: str) -> int | None:
        """A whole number, None when the field is empty or holds something else."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Refusals by field. `summary` is what stands on top of the form."""

    by_field: Mapping[str, str] = field(default_factory=dict)
    general: tuple[str, ...] = ()
    title: str = "Not saved yet."

    def at(self, name: str) -> str:
        """The fault of a field, or nothing."""
        return self.by_field.get(name, "")

    def __bool__(self) -> bool:
        return bool(self.by_field or self.general)


def faults_of(faults: Sequence[FaultAt], fields: Mapping[str, str], detail: str = "") -> Faults:
    """Faults by JSON pointer as faults by form field; `fields` maps pointers, or their first members, to names."""
    by_field: dict[str, str] = {}
    general: list[str] = []
    for fault in faults:
        place = fault.pointer.lstrip("/")
        name = fields.get(place) or fields.get(place.split("/", 1)[0])
        if name is None:
            general.append(fault.detail)
        else:
            by_field.setdefault(name, fault.detail)
    if not faults and detail:
        general.append(detail)
    return Faults(by_field=by_field, general=tuple(general))
