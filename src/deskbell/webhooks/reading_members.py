"""Reading JSON values that may be anything: what a member must be, and a fault for everything else."""

import math
from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any

from deskbell.model.errors import FaultAt


class Shape(Enum):
    """What a member must be; the value is the sentence for everything else."""

    TEXT = "This must be a text."
    TEXTS = "This must be a list of texts."
    FLAG = "This must be true or false."
    NUMBER = "This must be a number."
    WHOLE = "This must be a whole number."
    WHOLES = "This must be a list of whole numbers."
    OBJECT = "This must be an object."
    ANY = "Anything."


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, list | tuple) and all(of(one) for one in value)


_FITS: Mapping[Shape, Callable[[Any], bool]] = MappingProxyType(
    {
        Shape.TEXT: lambda value: isinstance(value, str),
        Shape.TEXTS: lambda value: _is_list(value, lambda one: isinstance(one, str)),
        Shape.FLAG: lambda value: isinstance(value, bool),
        Shape.NUMBER: lambda value: _is_whole(value) or (isinstance(value, float) and math.isfinite(value)),
        Shape.WHOLE: _is_whole,
        Shape.WHOLES: lambda value: _is_list(value, _is_whole),
        Shape.OBJECT: lambda value: isinstance(value, Mapping),
        Shape.ANY: lambda value: True,
    }
)


def pointer_of(*names: str) -> str:
    """The JSON pointer of a member; `~` and `/` inside a name are written `~0` and `~1`."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)


class Reader:
    """Collects the faults of one reading."""

    def __init__(self) -> None:
        self._faults: list[FaultAt] = []

    @property
    def faults(self) -> tuple[FaultAt, ...]:
        """In the order in which they were met."""
        return tuple(self._faults)

    def fault(self, pointer: str, code: str, detail: str) -> None:
        """Note a fault."""
        self._faults.append(FaultAt(pointer=pointer, code=code, detail=detail))

    def read(self, pointer: str, shape: Shape, value: Any, otherwise: Any) -> Any:
        """The value, lists as tuples; `otherwise` and a fault when it is not of this shape."""
        if not _FITS[shape](value):
            self.fault(pointer, "type", shape.value)
            return otherwise
        return tuple(value) if isinstance(value, list) and shape in (Shape.TEXTS, Shape.WHOLES) else value
