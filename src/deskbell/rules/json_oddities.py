"""Where in a refused JSON text the oddity is: read once more, slowly, without giving anything up."""

import json
import math
from typing import Any

from deskbell.model.errors import FaultAt
from deskbell.rules.limits import Limits

_POINTER_CHARS_MAX = 200
_SLOW_BYTES_MAX = 524_288
"""Longer texts are refused without saying where."""


class Oddity(ValueError):
    """Valid JSON that two readers may understand differently."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    def at(self, pointer: str) -> FaultAt:
        """The oddity as a fault at a place."""
        return FaultAt(pointer=pointer, code=self.code, detail=self.detail)


class _Object(list[tuple[str, Any]]):
    """The members of an object in order, duplicates included."""


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


class _Constant(str):
    """NaN, Infinity or -Infinity."""

    __slots__ = ()


def read_number(digits: str, limits: Limits) -> float:
    """A number's value. Raises Oddity when it is too long, or outside IEEE doubles."""
    if len(digits) > limits.number_chars_max:
        raise Oddity("number", f"A number has at most {limits.number_chars_max} characters.")
    if not math.isfinite(value := float(digits)):
        raise Oddity("number", "A number is outside the range of IEEE doubles.")
    return value


def too_deep(limits: Limits) -> Oddity:
    """The oddity of what is nested deeper than some readers follow."""
    return Oddity("too_deep", f"Nest `data` at most {limits.json_depth_max} levels deep.")


def odd_constant(name: str) -> Oddity:
    """The oddity of NaN and its like."""
    return Oddity("number", f"{name} is not a JSON number.")


def place_of(oddity: Oddity, text: str, levels_max: int, limits: Limits) -> FaultAt:
    """The first oddity in the order of the text. Raises ValueError when the text is not JSON after all."""
    if len(text) > _SLOW_BYTES_MAX:
        return oddity.at("")
    tree = json.loads(text, object_pairs_hook=_Object, parse_float=_Number, parse_int=_Number, parse_constant=_Constant)
    stack: list[tuple[str, Any, int]] = [("", tree, 0)]
    while stack:
        pointer, value, level = stack.pop()
        try:
            stack += reversed(_inside(pointer, value, level, levels_max, limits))
        except Oddity as found:
            steps = pointer.split("/")
            return found.at(
                "/".join(steps[: 2 if isinstance(tree, _Object) else 3]) if level >= levels_max else pointer
            )
    return oddity.at("")


def _inside(pointer: str, value: Any, level: int, levels_max: int, limits: Limits) -> list[tuple[str, Any, int]]:
    """What is inside a value. Raises Oddity when the value itself is odd."""
    if isinstance(value, _Constant):
        raise odd_constant(value)
    if isinstance(value, _Number):
        read_number(value, limits)
    elif isinstance(value, str):
        _check_whole(value)
    elif isinstance(value, list):
        if level >= levels_max:
            raise too_deep(limits)
        if not isinstance(value, _Object):
            return [(_below(pointer, str(n)), one, level + 1) for n, one in enumerate(value)]
        names = [name for name, _ in value]
        for name in names:
            _check_whole(name)
        if len(set(names)) != len(names):
            raise Oddity("duplicate_name", "A member stands twice in one object.")
        return [(_below(pointer, name), one, level + 1) for name, one in value]
    return []


def _check_whole(text: str) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Oddity("surrogate", "A text holds half a character.")


def _below(pointer: str, name: str) -> str:
    """One step further down; a pointer that grows too long stays where it is."""
    longer = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
    return longer if len(longer) <= _POINTER_CHARS_MAX else pointer
