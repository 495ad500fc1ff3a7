"""An expression as we understand it. What the interpreter is given is written from these nodes, never copied."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

Span = tuple[int, int]
"""Where a part stands in the source: from and to."""


class ExpressionFault(ValueError):
    """Something is wrong with an expression. `code` is stable; `place` is an offset in the source, if known."""

    def __init__(self, text: str, *, code: str = "expression", place: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.place = place


@dataclass(frozen=True, kw_only=True)
class Node:
    """A part of an expression."""


@dataclass(frozen=True, kw_only=True)
class Name(Node):
    """A variable."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Literal(Node):
    """A text, number, true, false or none."""

    value: str | int | float | bool | None


@dataclass(frozen=True, kw_only=True)
class Item(Node):
    """`of.key` or `of[key]`."""

    of: Node
    key: Node


@dataclass(frozen=True, kw_only=True)
class Slice(Node):
    """`of[start:stop:step]`."""

    of: Node
    start: Node | None
    stop: Node | None
    step: Node | None


@dataclass(frozen=True, kw_only=True)
class ListOf(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, kw_only=True)
class MapOf(Node):
    """`{"a": b}`; keys and values in turn."""

    items: tuple[Node, ...]


@dataclass(frozen=True, kw_only=True)
class Minus(Node):
    """`-of`."""

    of: Node


@dataclass(frozen=True, kw_only=True)
class Not(Node):
    """`not of`."""

    of: Node


@dataclass(frozen=True, kw_only=True)
class Chain(Node):
    """Parts with `and`, `or` or `~` between them, flat: `a and b and c` is one chain."""

    op: str
    parts: tuple[Node, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True)
class Sum(Node):
    """Numbers with `+ -` (or texts with `+`), or numbers with `* / // %`, from left to right."""

    first: Node
    ops: tuple[str, ...]
    rest: tuple[Node, ...]


@dataclass(frozen=True, kw_only=True)
class Compare(Node):
    """`left op right`; op may be `in` and `not in`."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, kw_only=True)
class Choice(Node):
    """`then if cond else other`."""

    then: Node
    cond: Node
    other: Node | None


@dataclass(frozen=True, kw_only=True)
class Piped(Node):
    """`of | name(args, named=…)`."""

    of: Node
    name: str
    args: tuple[Node, ...]
    named: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, kw_only=True)
class Tested(Node):
    """`of is name(args)` or `of is not name(args)`."""

    of: Node
    name: str
    is_not: bool
    args: tuple[Node, ...]


def children(node: Node) -> Iterator[Node]:
    """The nodes directly inside a node."""
    for one in fields(node):
        yield from _nodes_in(getattr(node, one.name))


def _nodes_in(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _nodes_in(one)


def path_of(node: Node) -> tuple[str | int, ...] | None:
    """`a.b[0]` as ("a", "b", 0); None for anything that is more than a path."""
    steps: list[str | int] = []
    while isinstance(node, Item):
        if not isinstance(node.key, Literal) or isinstance(node.key.value, bool | float | None):
            return None
        steps.append(node.key.value)
        node = node.of
    return (node.name, *reversed(steps)) if isinstance(node, Name) else None


def names_in(node: Node) -> Iterator[tuple[str | int, ...]]:
    """Every path that an expression reads, each as long as it is plain."""
    path = path_of(node)
    if path is not None:
        yield path
        return
    for one in children(node):
        yield from names_in(one)
