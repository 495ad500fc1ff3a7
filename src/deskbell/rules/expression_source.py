"""What the interpreter is given: source written anew from nodes, so that nothing reaches it that we did not read.

Every part is in brackets. Operators whose cost grows with their values go through filters of ours, which count.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping

from deskbell.rules.expression_nodes import (
    Chain,
    Choice,
    Compare,
    ExpressionFault,
    Item,
    ListOf,
    Literal,
    MapOf,
    Minus,
    Name,
    Node,
    Not,
    Piped,
    Slice,
    Sum,
    Tested,
)

FILTERS = frozenset(
    {
        "abs", "bool", "capitalize", "chain", "count", "d", "date", "default", "dictsort", "first", "float", "format",
        "groupby", "indent", "int", "items", "join", "last", "length", "lines", "list", "lower", "map", "max", "min",
        "one_line", "reject", "rejectattr", "replace", "reverse", "round", "select", "selectattr", "sort", "split",
        "string", "sum", "title", "tojson", "trim", "truncate", "unique", "upper", "url_encode", "urlencode",
    }
)  # fmt: skip
"""The filters that exist; all are free of I/O, chance and the clock."""

TESTS = frozenset(
    {
        "boolean", "defined", "divisibleby", "endingwith", "eq", "equalto", "even", "false", "float", "ge", "gt", "in",
        "integer", "iterable", "le", "lt", "mapping", "ne", "none", "number", "odd", "sequence", "startingwith",
        "string", "true", "undefined",
    }
)  # fmt: skip
"""The tests that exist."""

_NAMED_AT: Mapping[str, tuple[int, frozenset[str]]] = {
    "map": (0, FILTERS), "select": (0, TESTS), "reject": (0, TESTS), "selectattr": (1, TESTS), "rejectattr": (1, TESTS),
}  # fmt: skip
"""Filters that take the name of a filter or test: at which place."""

_ARGUMENT = re.compile(r"[a-z][a-z_]*", re.ASCII)


def source_of(node: Node) -> str:
    """The node in the interpreter's language. Raises ExpressionFault for filters and tests that do not exist."""
    match node:
        case Name():
            return node.name
        case Literal():
            return _literal(node.value)
        case Item():
            return f"{source_of(node.of)}[{source_of(node.key)}]"
        case Slice():
            places = [source_of(one) if one else "" for one in (node.start, node.stop, node.step)]
            return f"{source_of(node.of)}[{places[0]}:{places[1]}:{places[2]}]".replace("::]", ":]")
        case ListOf():
            return f"[{_all(node.items)}]"
        case MapOf():
            pairs = zip(node.items[::2], node.items[1::2], strict=True)
            return "{ " + ", ".join(f"{source_of(key)}: {source_of(value)}" for key, value in pairs) + " }"
        case Chain(op="~"):
            return f"({source_of(node.parts[0])}|_joined({_all(node.parts[1:])}))"
        case Chain():
            return "(" + f" {node.op} ".join(source_of(one) for one in node.parts) + ")"
        case Not():
            return f"(not {source_of(node.of)})"
        case Choice():
            other = f" else {source_of(node.other)}" if node.other else ""
            return f"({source_of(node.then)} if {source_of(node.cond)}{other})"
        case _:
            return _called(node)


def _called(node: Node) -> str:
    """Nodes that become a filter or a test."""
    match node:
        case Minus():
            return f"({source_of(node.of)}|_negative)"
        case Sum():
            return f'({source_of(node.first)}|_reckoned("{" ".join(node.ops)}", {_all(node.rest)}))'
        case Compare(op="in" | "not in"):
            held = f"({source_of(node.right)}|_holds({source_of(node.left)}))"
            return held if node.op == "in" else f"(not {held})"
        case Compare():
            return f"({source_of(node.left)} {node.op} {source_of(node.right)})"
        case Piped():
            return f"({source_of(node.of)}|{_known(node.name, FILTERS, 'filter')}{_arguments(node)})"
        case Tested():
            name = _known(node.name, TESTS, "test")
            args = f"({_all(node.args)})" if node.args else ""
            return f"({source_of(node.of)} is {'not ' if node.is_not else ''}{name}{args})"
    raise AssertionError(node)


def _arguments(node: Piped) -> str:
    named_at = _NAMED_AT.get(node.name)
    if named_at is not None and len(node.args) > named_at[0]:
        place, known = named_at
        given = node.args[place]
        if not isinstance(given, Literal) or not isinstance(given.value, str):
            raise ExpressionFault(f"{node.name} takes the name of what it does as a text.", code="expression_filter")
        _known(given.value, known, "filter" if known is FILTERS else "test")
    wrong = [name for name, _ in node.named if not _ARGUMENT.fullmatch(name)]
    if wrong:
        raise ExpressionFault(f"There is no argument {wrong[0][:40]}.", code="expression_filter")
    parts = [*map(source_of, node.args), *(f"{name}={source_of(value)}" for name, value in node.named)]
    return f"({', '.join(parts)})" if parts else ""


def _known(name: str, known: frozenset[str], noun: str) -> str:
    if name in known:
        return name
    near = difflib.get_close_matches(name[:40], sorted(known), n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ExpressionFault(f"There is no {noun} {name[:40]}.{hint}", code="expression_filter")


def _all(nodes: Iterable[Node]) -> str:
    return ", ".join(source_of(one) for one in nodes)


def _literal(value: str | int | float | bool | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    return text_literal(value) if isinstance(value, str) else f"({value!r})"


def text_literal(text: str) -> str:
    """A text as the interpreter reads it, brackets of blocks taken apart."""
    return json.dumps(text, ensure_ascii=False)
