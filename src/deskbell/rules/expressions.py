"""Expressions: one language for filters and templates, run by minijinja with fuel.

A program is source that we wrote from nodes (`expression_source`). Running it fills a *tape*: the values that it put
out, in order, with their types. What the values become is decided by whoever reads the tape.
"""

from collections.abc import Callable, Mapping
from typing import Any

from minijinja import Environment, TemplateError

from deskbell.rules.expression_filters import date_filter, operators, text_filters
from deskbell.rules.expression_nodes import ExpressionFault, Node, names_in
from deskbell.rules.expression_parser import parse_expression
from deskbell.rules.expression_source import source_of
from deskbell.rules.expression_values import Meter, fuel_for, measure, out_of_fuel
from deskbell.rules.text import without_controls

__all__ = ["END", "ExpressionFault", "Node", "Program", "names_in", "parse_expression", "read_expression", "source_of"]

END = object()
"""On the tape: a text made of several values ends here."""

_PROGRAM = "program"
_GLOBALS = ("range", "dict", "debug", "namespace")
_FILTERS = ("attr", "batch", "builtins", "e", "escape", "pprint", "safe", "slice", "zip")
_TESTS = ("escaped", "filter", "safe", "sameas", "test")
_DETAIL_CHARS_MAX = 200


def read_expression(source: str, chars_max: int) -> Node:
    """The nodes of an expression of at most so many characters. Raises ExpressionFault."""
    if len(source) > chars_max:
        raise ExpressionFault(f"An expression has at most {chars_max:,} characters.", code="expression_long")
    node = parse_expression(source)
    source_of(node)  # names of filters and tests that do not exist
    return node


class Program:
    """One source, compiled once, in an environment of its own: what runs here can reach nothing else."""

    def __init__(self, source: str, *, fuel: int, size_max: int, depth_max: int) -> None:
        self._fuel = fuel
        self._size_max = size_max
        self._depth_max = depth_max
        self._meter = Meter(fuel)
        self._zone = "UTC"
        self._tape: list[Any] = []
        self._size = 0
        self._environment = self._new_environment()
        try:
            self._environment.add_template(_PROGRAM, source)
        except TemplateError as error:
            raise _fault(error, fuel) from None

    def run(self, context: Mapping[str, Any], *, data_bytes: int, zone: str = "UTC") -> tuple[list[Any], Meter]:
        """The tape, and what is left to spend. Raises ExpressionFault and nothing else; `place` is the last mark."""
        fuel = fuel_for(self._fuel, data_bytes)
        meter, self._zone, self._tape, self._size = self._meter.start(fuel), zone, [], 0
        self._environment.fuel = fuel
        try:
            self._environment.render_template(_PROGRAM, **context)
        except ExpressionFault as fault:
            raise ExpressionFault(fault.text, code=fault.code, place=meter.place) from None
        except TemplateError as error:
            raise _fault(error, fuel, meter.place) from None
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise ExpressionFault("It cannot be evaluated.", place=meter.place) from None
        return self._tape, meter

    def _new_environment(self) -> Environment:
        made = Environment(
            undefined_behavior="chainable",
            debug=False,
            pycompat=False,
            fuel=self._fuel,
            finalizer=self._put,
            globals={"_end": END},
            filters={**operators(self._meter), **text_filters(self._meter), **self._marks()},
        )
        made.add_filter("date", date_filter(self._meter, lambda: self._zone))
        for drop, names in (
            (made.remove_global, _GLOBALS), (made.remove_filter, _FILTERS), (made.remove_test, _TESTS),
        ):  # fmt: skip
            for name in names:
                drop(name)
        return made

    def _put(self, value: Any) -> str:
        """Each value that the program puts out; never a byte of its own output."""
        if value is not END:
            self._size = measure(value, used=self._size, size_max=self._size_max, depth_max=self._depth_max)
        self._tape.append(value)
        return ""

    def _marks(self) -> Mapping[str, Callable[..., Any]]:
        """`n|_at` notes where the program is; `list|_rows` puts a list on the tape without counting what is in it."""

        def at(place: int) -> bool:
            self._meter.place = place
            return False

        def rows(value: Any) -> Any:
            found = [] if value is None else value
            if not isinstance(found, list | tuple):
                raise ExpressionFault("$each needs a list.", code="expression_value")
            self._meter.spend(len(found))
            self._tape.append(found)
            return found

        return {"_at": at, "_rows": rows}


def _fault(error: TemplateError, fuel: int, place: int | None = None) -> ExpressionFault:
    """The interpreter's complaint in our words."""
    if error.kind == "OutOfFuel":
        found = out_of_fuel(fuel)
        return ExpressionFault(found.text, code=found.code, place=place)
    text = " ".join(without_controls(error.detail or error.kind).split())[:_DETAIL_CHARS_MAX]
    return ExpressionFault(text[:1].upper() + text[1:] + ".", code="expression_value", place=place)
