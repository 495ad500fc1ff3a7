"""Filters and changed fields: whether a webhook wants an event, and the reason for the trace when it does not.

A filter is compiled once. Plain equality (`type == 'request' and reference`) is matched without the interpreter.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from deskbell.rules.expression_nodes import Chain, Compare, Literal, Not, path_of
from deskbell.rules.expression_values import sealed
from deskbell.rules.expressions import ExpressionFault, Node, Program, read_expression, source_of
from deskbell.rules.limits import Limits

FILTER = "filter: "
NOT_EVALUATED = f"{FILTER}not evaluated: "
"""A fault of the filter on this event: it counts as no match."""

FIELDS = "fields"
_PART_CHARS_MAX = 200
_PARTS_MAX = 64
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*", re.ASCII)
_FIELD_CHARS_MAX = 128
_WHOLE_EXACT = 2**53
_MISSING = object()

Members = Mapping[str, Any]
Fast = Callable[[Members], bool]


class Seen:
    """One event's snapshot, parsed when the first webhook with a filter asks, and once."""

    __slots__ = ("_members", "_sealed", "snapshot")

    def __init__(self, snapshot: bytes) -> None:
        self.snapshot = snapshot
        self._members: dict[str, Any] | None = None
        self._sealed: dict[str, Any] | None = None

    @property
    def members(self) -> dict[str, Any]:
        """The snapshot's members. Raises ExpressionFault when it cannot be read."""
        if self._members is None:
            try:
                self._members = msgspec.json.decode(self.snapshot, type=dict[str, Any])
            except (msgspec.MsgspecError, ValueError, RecursionError):
                raise ExpressionFault("The event cannot be read.") from None
        return self._members

    @property
    def sealed(self) -> dict[str, Any]:
        """The same, as the interpreter may see it."""
        if self._sealed is None:
            self._sealed = {name: sealed(value) for name, value in self.members.items()}
        return self._sealed


class Filter:
    """One compiled filter."""

    def __init__(self, source: str, limits: Limits) -> None:
        self.node = read_expression(source, limits.expression_chars_max)
        self._parts = _parts(source, self.node)
        fast = [_fast(node) for _, node in self._parts]
        self._fast = tuple(one for one in fast if one is not None)
        is_plain = len(self._fast) == len(fast)
        self._program = None if is_plain else interpreted([node for _, node in self._parts], limits)

    @property
    def is_plain(self) -> bool:
        """Whether it needs no interpreter."""
        return self._program is None

    def refusal(self, seen: Seen) -> str | None:
        """None when the event matches; else the reason for the trace."""
        try:
            place = self._first_false(seen)
        except ExpressionFault as fault:
            return f"{NOT_EVALUATED}{_short(fault.text)}"
        return None if place is None else f"{FILTER}{_short(self._parts[place][0])}"

    def _first_false(self, seen: Seen) -> int | None:
        if self._program is None:
            members = seen.members
            for place, is_true in enumerate(self._fast):
                if not is_true(members):
                    return place
            return None
        tape, _ = self._program.run(seen.sealed, data_bytes=len(seen.snapshot))
        return None if tape[0] == len(self._parts) else int(tape[0])


def interpreted(parts: Sequence[Node], limits: Limits) -> Program:
    """A program that puts out the place of the first of these that is false, or how many there are."""
    tests = [f"not {source_of(node)} %}}{{{{ {place} }}}}" for place, node in enumerate(parts)]
    source = "{% if " + "{% elif ".join(tests) + f"{{% else %}}{{{{ {len(parts)} }}}}{{% endif %}}"
    return Program(source, fuel=limits.filter_fuel, size_max=64, depth_max=4)


@lru_cache(maxsize=4_096)
def _filter(source: str, chars_max: int, fuel: int) -> Filter | str:
    try:
        return Filter(source, Limits(expression_chars_max=chars_max, filter_fuel=fuel))
    except ExpressionFault as fault:
        return fault.text


def refusal(
    source: str | None, fields: Sequence[str], seen: Seen, changed: Sequence[str] | None, limits: Limits
) -> str | None:
    """Why an event does not pass a webhook's filter and changed fields; None when it does."""
    if source is not None:
        found = _filter(source, limits.expression_chars_max, limits.filter_fuel)
        why = f"{NOT_EVALUATED}{_short(found)}" if isinstance(found, str) else found.refusal(seen)
        if why is not None:
            return why
    return FIELDS if fields and changed and not _has_changed(fields, seen, changed) else None


def changed_in(seen: Seen) -> tuple[str, ...] | None:
    """The names in a stored snapshot's `changes`; None when its type has none."""
    try:
        changes = seen.members.get("changes")
    except ExpressionFault:
        return None
    return tuple(changes) if isinstance(changes, dict) else None


def _has_changed(fields: Sequence[str], seen: Seen, changed: Sequence[str]) -> bool:
    return any(_covers(field, name, seen) for field in fields for name in changed)


def _covers(field: str, name: str, seen: Seen) -> bool:
    """`status` covers `status` and `status.id`; `status.id` looks into the change of `status`."""
    if name == field or name.startswith(field + "."):
        return True
    if not field.startswith(name + "."):
        return False
    changes = seen.members.get("changes")
    change = changes.get(name) if isinstance(changes, dict) else None
    if not isinstance(change, dict):
        return True
    steps = field[len(name) + 1 :].split(".")
    return bool(_inside(change.get("old"), steps) != _inside(change.get("new"), steps))


def _inside(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        value = value.get(step, _MISSING) if isinstance(value, dict) else _MISSING
    return value


def is_field(text: str) -> bool:
    """Whether this can be the name of a changed field."""
    return len(text) <= _FIELD_CHARS_MAX and _FIELD.fullmatch(text) is not None


def _parts(source: str, node: Node) -> tuple[tuple[str, Node], ...]:
    """The parts that all must be true, each as typed."""
    if isinstance(node, Chain) and node.op == "and" and len(node.parts) <= _PARTS_MAX:
        return tuple((source[start:end], part) for part, (start, end) in zip(node.parts, node.spans, strict=True))
    return ((source, node),)


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _PART_CHARS_MAX else one_line[: _PART_CHARS_MAX - 1] + "…"


# without the interpreter


def _fast(node: Node) -> Fast | None:
    """The node as a plain function, when it is equality of a path and a value, a path, or and, or, not of such."""
    if isinstance(node, Chain) and node.op in ("and", "or"):
        parts = [_fast(one) for one in node.parts]
        known = [one for one in parts if one is not None]
        if len(known) < len(parts):
            return None
        whole = all if node.op == "and" else any
        return lambda members: whole(one(members) for one in known)
    if isinstance(node, Not):
        inner = _fast(node.of)
        return None if inner is None else lambda members: not inner(members)
    if isinstance(node, Compare) and node.op in ("==", "!="):
        return _fast_equality(node)
    path = _plain_path(node)
    return None if path is None else lambda members: _is_true(_look(members, path))


def _fast_equality(node: Compare) -> Fast | None:
    for here, there in ((node.left, node.right), (node.right, node.left)):
        path = _plain_path(here)
        if path is not None and isinstance(there, Literal) and _is_exact(there.value):
            value, wants = there.value, node.op == "=="
            return lambda members: (_look(members, path) == value) is wants
    return None


def _is_exact(value: Any) -> bool:
    """Whether equality with this value is the same for everybody: texts, true, false, none, whole numbers."""
    return not isinstance(value, float) and (not isinstance(value, int) or abs(value) < _WHOLE_EXACT)


def _plain_path(node: Node) -> tuple[str, ...] | None:
    steps = path_of(node) or ()
    path = tuple(step for step in steps if isinstance(step, str) and step != "items")  # whose absence is none there
    return path if path and len(path) == len(steps) else None


def _look(members: Any, path: Sequence[str]) -> Any:
    value = members
    for step in path:
        if type(value) is not dict:
            return _MISSING
        value = value.get(step, _MISSING)
    return value


def _is_true(value: Any) -> bool:
    return value is not _MISSING and bool(value)
