"""The values that expressions read and give: what they are given, how they become text, what they may cost."""

import json
from typing import Any, Self

from deskbell.rules.expression_nodes import ExpressionFault

CHARS_PER_STEP = 256
"""Work on a long text or list counts one step for so many characters or items."""

FREE_BYTES = 32_768
"""Events up to this size have all the fuel; larger ones have less, since each step may touch all of it."""

_FLOOR = 5
"""At least a fifth of the fuel is left for the largest event."""


class Members(dict[str, Any]):
    """A JSON object whose methods the interpreter cannot reach: `data.clear` is the member, or nothing."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return super().__getattribute__(name)
        if name == "items":  # by this name the interpreter knows a mapping
            return None
        raise AttributeError(name)

    def __str__(self) -> str:
        return json_text(self)


class Row(list[Any]):
    """A JSON list whose methods the interpreter cannot reach."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return super().__getattribute__(name)
        raise AttributeError(name)

    def __str__(self) -> str:
        return json_text(self)


def sealed(value: Any) -> Any:
    """Parsed JSON as the interpreter may see it."""
    if isinstance(value, dict):
        return Members({name: sealed(one) for name, one in value.items()})
    if isinstance(value, list):
        return Row([sealed(one) for one in value])
    return value


def plain(value: Any) -> Any:
    """A value of the interpreter as JSON knows it."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in zip(dict.keys(value), dict.values(value), strict=True)}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


class Meter:
    """Counts what an evaluation costs beside the interpreter's own fuel, and where it is."""

    def __init__(self, fuel: int) -> None:
        self.fuel = fuel
        self.left = fuel
        self.place = 0

    def start(self, fuel: int) -> Self:
        """For another evaluation."""
        self.fuel = self.left = fuel
        self.place = 0
        return self

    def spend(self, size: int = 0) -> None:
        """One step, and more for a long text or list. Raises ExpressionFault when too much was done."""
        self.left -= 1 + size // CHARS_PER_STEP
        if self.left < 0:
            raise out_of_fuel(self.fuel)


def out_of_fuel(fuel: int) -> ExpressionFault:
    """The fault of an evaluation that does too much."""
    return ExpressionFault(f"It needs more than {fuel:,} steps.", code="expression_fuel")


def too_large(size_max: int) -> ExpressionFault:
    """The fault of a result that is too large."""
    return ExpressionFault(f"The result is larger than {size_max:,} bytes.", code="expression_size")


def fuel_for(fuel: int, data_bytes: int) -> int:
    """The steps that an evaluation over so much data has."""
    if data_bytes <= FREE_BYTES:
        return fuel
    return max(fuel // _FLOOR, fuel * FREE_BYTES // data_bytes)


def json_text(value: Any) -> str:
    """Compact JSON. Raises ExpressionFault for what JSON cannot say."""
    try:
        return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ExpressionFault("The result is no JSON value.", code="expression_value") from None


def as_text(value: Any) -> str:
    """A value inside a text: texts as they are, none as nothing, the rest as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json_text(value)


def measure(value: Any, *, used: int = 0, size_max: int, depth_max: int) -> int:
    """The bytes used so far, with about those of this value as JSON. Raises ExpressionFault when it is too much."""
    size, level, depth = used, [value], 0
    while level:
        depth += 1
        if depth > depth_max:
            raise ExpressionFault(f"The result is nested deeper than {depth_max} levels.", code="expression_depth")
        following: list[Any] = []
        for one in level:
            if isinstance(one, str):
                size += 2 + (len(one) if one.isascii() else len(one.encode("utf-8", "replace")))
            elif isinstance(one, dict):
                size += 2 + sum(4 + len(str(name)) for name in dict.keys(one))
                following.extend(dict.values(one))
            elif isinstance(one, list | tuple):
                size += 2 + len(one)
                following.extend(one)
            else:
                size += 4
            if size > size_max:
                raise too_large(size_max)
        level = following
    return size
